/** The second look at a report: whose words these were, what was changed in them, the grade, and the way back to the author. */
import './over-read.css'
import { useRef, useState } from 'react'
import type { HandedOn } from '#db/queries/over-read.ts'
import { SEND_BACK_REASONS } from '#domain/over-read.ts'
import { AGREEMENTS, type Agreement } from '#domain/words.ts'
import { t, wordFor } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { useDepartmentNow, useZone } from '../ui/department-clock.tsx'
import { timeOrDay } from '../ui/format.ts'
import { type Reason, ReasonPicker, ReasonWords } from '../ui/reason-picker.tsx'
import { Differences } from './differences.tsx'
import { PasswordField } from './password-field.tsx'
import type { Section } from './sections.ts'

interface HandedOnPanelProps {
  handedOn: HandedOn
  /** What stands in the fields. */
  sections: readonly Section[]
}

export function HandedOnPanel({ handedOn, sections }: HandedOnPanelProps) {
  const zone = useZone()
  const now = useDepartmentNow('minute')
  const { author, at, isOut, sentBack } = handedOn
  const how = sentBack ? 'second.sent-back' : isOut ? 'second.preliminary' : 'second.submitted'
  const values = sentBack
    ? { name: sentBack.by, time: timeOrDay(new Date(sentBack.at), zone, now) }
    : { name: author.name, time: timeOrDay(new Date(at), zone, now) }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it scrolls, a keyboard must reach it
    <section className="handed-on" aria-label={t('second.title')} tabIndex={0}>
      <header>
        <h2 className="strong">{t('second.title')}</h2>
      </header>
      <p className={sentBack ? 'small risk' : 'small text-2'}>{t(how, values)}</p>
      {sentBack ? (
        <p>
          <span className="strong">{wordFor('send-back', sentBack.reason)}</span>
          {sentBack.words ? ` ${sentBack.words}` : null}
        </p>
      ) : null}
      <Differences before={handedOn.sections} after={sections} />
    </section>
  )
}

interface FirstWordProps {
  /** Newest first. */
  versions: readonly { kind: string; releasedAt: Date | null }[]
}

/** What the ward has of this report while it is being written. */
export function FirstWord({ versions }: FirstWordProps) {
  const zone = useZone()
  const now = useDepartmentNow('minute')
  const newest = versions.find(({ releasedAt }) => releasedAt !== null)
  if (!newest?.releasedAt || (newest.kind !== 'wet-read' && newest.kind !== 'preliminary')) return null
  return (
    <p className="small text-2" role="status">
      {t(`room.out-${newest.kind}`, { time: timeOrDay(new Date(newest.releasedAt), zone, now) })}
    </p>
  )
}

interface GradePickerProps {
  chosen: Agreement | null
  /** Somebody pressed to sign without one. */
  isAsked: boolean
  /** A first word is out: a major disagreement is told to whoever got it. */
  isOut: boolean
  onChoose: (grade: Agreement) => void
}

export function GradePicker({ chosen, isAsked, isOut, onChoose }: GradePickerProps) {
  const reasons: Reason[] = AGREEMENTS.map((code) => ({
    code,
    word: wordFor('grade', code),
    consequence: code === 'major' && isOut ? t('grade.major-consequence') : undefined,
  }))
  return (
    <div className="stack">
      <p className={isAsked ? 'small risk' : 'small text-2'}>{t('grade.title')}</p>
      <ReasonPicker
        label={t('grade.title')}
        reasons={reasons}
        chosen={chosen}
        takesFocus={isAsked}
        onChoose={(code) => onChoose(code as Agreement)}
      />
    </div>
  )
}

const REASONS: Reason[] = SEND_BACK_REASONS.map((code) => ({ code, word: wordFor('send-back', code) }))

interface SendBackFormProps {
  isBusy: boolean
  onSend: (fields: { reason: string; words: string; password: string }) => void
  onClose: () => void
}

/** The reason by its digit, then what is to be done in words, then the password: sent with Enter. */
export function SendBackForm({ isBusy, onSend, onClose }: SendBackFormProps) {
  const [reason, setReason] = useState<string | null>(null)
  const [words, setWords] = useState('')
  const [password, setPassword] = useState('')
  const form = useRef<HTMLFormElement>(null)
  const passwordField = useRef<HTMLInputElement>(null)
  const needsWords = reason === 'other'
  const blocked = sendBackBlocked({ reason, words, password })
  return (
    <form
      ref={form}
      className="stack send-back"
      aria-label={t('send-back.title')}
      onSubmit={(event) => {
        event.preventDefault()
        if (reason !== null && !blocked) onSend({ reason, words, password })
      }}
    >
      <ReasonPicker
        label={t('send-back.title')}
        reasons={REASONS}
        chosen={reason}
        takesFocus
        onChoose={(code) => {
          setReason(code)
          form.current?.querySelector('textarea')?.focus()
        }}
      />
      <ReasonWords value={words} required={needsWords} onChange={setWords} />
      <PasswordField field={passwordField} value={password} onChange={setPassword} />
      <Button type="submit" look="primary" wide busy={isBusy} blocked={blocked}>
        {t('send-back.send')}
      </Button>
      <Button wide onClick={onClose}>
        {t('reason.close')}
      </Button>
    </form>
  )
}

function sendBackBlocked(given: { reason: string | null; words: string; password: string }): string | false {
  if (given.reason === null) return t('refusal.reason-required')
  if (given.reason === 'other' && given.words.trim() === '') return t('send-back.needs-words')
  return given.password === '' && t('send-back.needs-password')
}
