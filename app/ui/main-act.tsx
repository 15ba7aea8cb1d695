/** The one thing that a screen is for: wide, and on Alt+Enter. */
import { type ReactNode, useId } from 'react'
import { useKeys } from '../keys/key-layer.tsx'
import { Button } from './button.tsx'

interface MainActProps {
  children: ReactNode
  onClick: () => void
  busy: boolean
  /** Why it can't be done now. */
  blocked?: string | false | null | undefined
}

export function MainAct({ children, ...rest }: MainActProps) {
  return (
    <Button look="primary" size="big" wide chord="Alt+Enter" {...rest}>
      {children}
    </Button>
  )
}

interface MainSubmitProps {
  /** What it says, and what the key sheet says of its key. */
  word: string
  busy: boolean
  wide?: boolean
}

/** The same for a form: the key presses the button, so that the form's own fields are asked for what is missing. */
export function MainSubmit({ word, busy, wide = false }: MainSubmitProps) {
  const id = useId()
  useKeys([{ chord: 'Alt+Enter', word, run: () => document.getElementById(id)?.click(), disabled: busy }])
  return (
    <Button id={id} type="submit" look="primary" chord="Alt+Enter" wide={wide} busy={busy}>
      {word}
    </Button>
  )
}
