/** The one thing that a screen is for: wide, and on Alt+Enter. */
import type { ReactNode } from 'react'
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
