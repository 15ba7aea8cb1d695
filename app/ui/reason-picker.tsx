/** Coded reasons, chosen by digit or arrows; each says what it brings about. */
import { type KeyboardEvent, useEffect, useRef } from 'react'
import { t } from '../strings/words.ts'
import { Keys } from './button.tsx'

export interface Reason {
  code: string
  word: string
  /** What choosing it does: "pauses the clock, tells archive". */
  consequence?: string | undefined
  /** A second level, at most. */
  reasons?: Reason[] | undefined
}

interface ReasonPickerProps {
  label: string
  reasons: readonly Reason[]
  chosen: string | null
  onChoose: (code: string) => void
  /** Takes the focus when it opens, so that digits act at once. */
  takesFocus?: boolean
}

export function ReasonPicker({ label, reasons, chosen, onChoose, takesFocus = false }: ReasonPickerProps) {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (takesFocus) list.current?.querySelector('button')?.focus()
  }, [takesFocus])
  return (
    <div
      ref={list}
      className="reasons"
      role="radiogroup"
      aria-label={label}
      onKeyDown={(event) => chooseByKey(event, reasons, onChoose)}
    >
      {reasons.map((reason, index) => (
        <div key={reason.code}>
          {/* biome-ignore lint/a11y/useSemanticElements: a radio button can't hold the row's three cells */}
          <button
            type="button"
            role="radio"
            aria-checked={chosen === reason.code}
            onClick={() => onChoose(reason.code)}
          >
            {index < 9 ? <Keys chord={String(index + 1)} /> : <span />}
            <span>{reason.word}</span>
            {reason.consequence ? <span className="small hold">{reason.consequence}</span> : null}
          </button>
        </div>
      ))}
    </div>
  )
}

/** The words that go with "Other", and may go with any reason. */
export function ReasonWords({ value, required, onChange }: ReasonWordsProps) {
  return (
    <label className="field">
      <span>
        {t('reason.other-words')}
        {required ? null : <span className="text-3"> ({t('reason.optional')})</span>}
      </span>
      <textarea
        className="input"
        rows={2}
        value={value}
        required={required}
        onChange={(e) => onChange(e.target.value)}
      />
    </label>
  )
}

interface ReasonWordsProps {
  value: string
  required: boolean
  onChange: (value: string) => void
}

function chooseByKey(
  event: KeyboardEvent<HTMLElement>,
  reasons: readonly Reason[],
  onChoose: (code: string) => void,
) {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault()
    const buttons = [...event.currentTarget.querySelectorAll('button')]
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
    buttons[(at + (event.key === 'ArrowDown' ? 1 : -1) + buttons.length) % buttons.length]?.focus()
    return
  }
  const chosen = /^[1-9]$/.test(event.key) ? reasons[Number(event.key) - 1] : undefined
  if (!chosen) return
  event.preventDefault()
  onChoose(chosen.code)
}
