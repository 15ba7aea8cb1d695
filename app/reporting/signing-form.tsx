/** The decision at the bottom right of a report: the password asked for again, the one press, and what stands beside it. */
import type { ReactNode, RefObject } from 'react'
import { t } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { PasswordField } from './password-field.tsx'

interface SigningFormProps {
  /** May this person's press be the last word? Else no password is asked. */
  mayFinal: boolean
  decision: string
  isBusy: boolean
  /** Why the press isn't possible now, in words. */
  blocked: string | false
  password: { field: RefObject<HTMLInputElement | null>; value: string; onChange: (value: string) => void }
  onDecide: () => void
  /** The other ways on, one line of buttons. */
  children: ReactNode
  /** A second line of them. */
  more?: ReactNode
}

export function SigningForm({
  mayFinal,
  decision,
  isBusy,
  blocked,
  password,
  onDecide,
  children,
  more,
}: SigningFormProps) {
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        onDecide()
      }}
    >
      {mayFinal ? <PasswordField {...password} /> : <p className="small text-2">{t('room.resident')}</p>}
      <Button type="submit" look="primary" size="big" wide chord="Alt+Enter" busy={isBusy} blocked={blocked}>
        {decision}
      </Button>
      <div className="row">{children}</div>
      {more ? <div className="row">{more}</div> : null}
    </form>
  )
}
