/** A dialog over the screen: a press beside it closes it, and Tab goes round in it, so that nothing under it is acted on unseen. */
import type { KeyboardEvent, ReactNode } from 'react'

interface DialogProps {
  label: string
  /** Classes beside `dialog`. */
  className?: string
  onClose: () => void
  children: ReactNode
}

const STOPS =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex="0"]'

export function Dialog({ label, className = '', onClose, children }: DialogProps) {
  return (
    <div
      className="overlay"
      role="presentation"
      onPointerDown={(event) => event.target === event.currentTarget && onClose()}
    >
      <div
        className={`dialog ${className}`}
        role="dialog"
        aria-modal="true"
        aria-label={label}
        // A press on its words leaves the focus in it.
        tabIndex={-1}
        onKeyDown={goRound}
      >
        {children}
      </div>
    </div>
  )
}

function goRound(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'Tab') return
  event.preventDefault()
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>(STOPS)]
  const at = stops.findIndex((stop) => stop === document.activeElement)
  const next = event.shiftKey ? Math.max(at, 0) - 1 : at + 1
  stops.at(next === stops.length ? 0 : next)?.focus()
}
