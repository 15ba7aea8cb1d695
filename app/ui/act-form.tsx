/** What a form of an act has beside its own fields: the password again, and the sentence of a refusal. */
import type { ReactNode } from 'react'
import { t } from '../strings/words.ts'
import { ErrorLine } from './messages.tsx'

/** For an act that asks again who it is; a password manager may fill it (WCAG 2.2, 3.3.8). */
export function FormPassword() {
  return (
    <label className="field">
      <span>{t('sign-in.password')}</span>
      <input name="password" type="password" className="input" autoComplete="current-password" required />
    </label>
  )
}

interface Acting {
  state: string
  data?: { ok: true } | { ok: false; sentence: string } | undefined
}

/** Nothing while it is being asked, nor after it went well. */
export function FormRefusal({ of }: { of: Acting }) {
  return of.state === 'idle' && of.data && !of.data.ok ? <ErrorLine>{of.data.sentence}</ErrorLine> : null
}

interface SidePanelProps {
  title: string
  /** The class of what is below its heading, in its screen's own style sheet. */
  body: string
  children: ReactNode
}

/** Beside a list: what is done with one of its lines, or with a new one. */
export function SidePanel({ title, body, children }: SidePanelProps) {
  return (
    <aside className="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      <div className={body}>{children}</div>
    </aside>
  )
}
