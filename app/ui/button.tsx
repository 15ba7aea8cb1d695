/** A button with its key on it; one that is not possible now stays, disabled, with the reason next to it. */
import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { ariaKeys, type Chord, shownKeys } from '../keys/chord.ts'

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled' | 'className'> {
  children: ReactNode
  chord?: Chord | undefined
  look?: 'plain' | 'primary' | 'bad' | 'quiet'
  size?: 'row' | 'big'
  wide?: boolean
  /** Why it can't be pressed now. It can still be reached, so that the reason is heard. */
  blocked?: string | false | null | undefined
  busy?: boolean
}

export function Button({
  children,
  chord,
  look = 'plain',
  size = 'row',
  wide = false,
  blocked,
  busy = false,
  onClick,
  type = 'button',
  ...rest
}: ButtonProps) {
  const off = Boolean(blocked) || busy
  return (
    <button
      {...rest}
      type={type}
      className={`button ${look} ${size} ${wide ? 'wide' : ''}`}
      aria-disabled={blocked ? true : undefined}
      aria-busy={busy || undefined}
      aria-keyshortcuts={chord ? ariaKeys(chord) : undefined}
      title={blocked || undefined}
      onClick={(event) => {
        if (off) return event.preventDefault()
        onClick?.(event)
      }}
    >
      {children}
      {chord ? <Keys chord={chord} /> : null}
    </button>
  )
}

/** Key caps. Hidden from screen readers: the button's name is the word, its key is in `aria-keyshortcuts`. */
export function Keys({ chord }: { chord: Chord }) {
  return (
    <span className="keys" aria-hidden="true">
      {shownKeys(chord).map((cap) => (
        <kbd key={cap}>{cap}</kbd>
      ))}
    </span>
  )
}
