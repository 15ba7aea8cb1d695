/** One open critical result: whom to call now, what is written down about the call, and who was tried before. */
import { type FormEvent, type RefObject, useEffect, useId, useRef, useState } from 'react'
import { useFetcher } from 'react-router'
import type { CriticalAnswer } from '#app/server/critical-acts.ts'
import type { CriticalView } from '#app/server/critical-view.ts'
import type { Contact, CriticalOnScreen } from '#db/queries/critical-results.ts'
import { CRITICAL_LEVELS, CRITICAL_METHODS } from '#domain/critical-result.ts'
import { t, wordFor } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { useDepartmentNow, useZone } from '../ui/department-clock.tsx'
import { clockTime, timeOrDay } from '../ui/format.ts'
import { Glyph } from '../ui/glyph.tsx'
import { ErrorLine } from '../ui/messages.tsx'
import { TimeLeft } from '../ui/time-left-meter.tsx'

interface CriticalFormProps {
  critical: CriticalOnScreen
  view: Omit<CriticalView, 'results'>
  /** Where the key for critical results goes. */
  first?: RefObject<HTMLInputElement | null> | undefined
}

export function CriticalForm({ critical, view, first }: CriticalFormProps) {
  const acting = useFetcher<CriticalAnswer>()
  const [isWithdrawing, setWithdrawing] = useState(false)
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && 'sentence' in acting.data ? acting.data.sentence : null
  const submit = (fields: Record<string, string>) => {
    if (isBusy) return
    void acting.submit(
      { criticalId: critical.id, ...fields },
      { method: 'post', action: '/critical-results' },
    )
  }
  const { contact, next } = critical
  const zone = useZone()
  return (
    <section
      className={`critical ${critical.lateAt ? 'is-late' : ''}`}
      aria-label={t('critical.one', { level: critical.level })}
    >
      <header>
        <h2 className="strong">
          <Glyph name="bell" /> {t('critical.one', { level: critical.level })}
        </h2>
        <span className="push">
          <TimeLeft
            words="left"
            allowance={{
              dueAt: critical.dueAt.toISOString(),
              from: critical.foundAt.toISOString(),
              lateAt: critical.lateAt?.toISOString() ?? null,
            }}
          />
        </span>
      </header>
      <p>
        <b>{critical.finding}</b>{' '}
        <span className="text-2">
          {t('critical.found', { time: clockTime(critical.foundAt, zone), who: critical.foundBy })}
          {critical.cause === 'over-read' ? ` ${t('critical.over-read')}` : ''}
        </span>
      </p>
      {critical.moved ? (
        <p className="risk">
          <Glyph name="look" />{' '}
          {t(critical.moved.whole ? 'critical.moved-whole' : 'critical.moved-part', {
            right: critical.moved.right,
            wrong: critical.moved.wrong,
          })}
        </p>
      ) : null}
      {contact ? (
        <p>
          {t('critical.tell', { contact: wordFor('critical.rung', contact.rung) })}{' '}
          <ContactName contact={contact} />
        </p>
      ) : null}
      <Attempts critical={critical} />
      {view.mayDocument ? (
        <CallForm critical={critical} view={view} first={first} isBusy={isBusy} onSubmit={submit} />
      ) : null}
      {refused ? <ErrorLine>{refused}</ErrorLine> : null}
      <div className="critical-foot">
        <span className="text-2">
          {next
            ? t('critical.next', {
                time: timeOrDay(next.at, zone, critical.foundAt),
                contact: wordFor('critical.rung', next.rung),
              })
            : t('critical.no-next')}
        </span>
        {view.mayRaise ? (
          <Levels level={critical.level} onLevel={(level) => submit({ intent: 'level', level })} />
        ) : null}
        {view.mayWithdraw ? (
          <Button look="quiet" onClick={() => setWithdrawing(!isWithdrawing)}>
            {t('critical.withdraw')}
          </Button>
        ) : null}
      </div>
      {isWithdrawing ? <Withdrawal isBusy={isBusy} onSubmit={submit} /> : null}
    </section>
  )
}

function ContactName({ contact: { name, phone } }: { contact: Contact }) {
  if (!name && !phone) return <span className="text-3">{t('critical.by-exchange')}</span>
  return (
    <>
      {name ? <b>{name}</b> : null}
      {phone ? <b className="mono"> {phone}</b> : null}
    </>
  )
}

function Attempts({ critical: { attempts } }: { critical: CriticalOnScreen }) {
  const zone = useZone()
  if (attempts.length === 0) return null
  return (
    <ul className="critical-attempts text-2">
      {attempts.map(({ at, by, rung, recipient, outcome }) => (
        <li key={at.toISOString() + by + rung}>
          {t(`critical.${outcome}`, {
            time: clockTime(at, zone),
            whom: recipient ?? (rung ? wordFor('critical.rung', rung) : ''),
            who: by,
          })}
        </li>
      ))}
    </ul>
  )
}

function Levels({ level, onLevel }: { level: number; onLevel: (level: string) => void }) {
  return (
    <fieldset className="segments critical-levels" aria-label={t('critical.level')}>
      <span aria-hidden="true">{t('critical.level')}</span>
      {CRITICAL_LEVELS.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === level}
          title={wordFor('critical.within', String(each))}
          onClick={() => (each === level ? undefined : onLevel(String(each)))}
        >
          {each}
        </button>
      ))}
    </fieldset>
  )
}

interface CallFormProps extends CriticalFormProps {
  isBusy: boolean
  onSubmit: (fields: Record<string, string>) => void
}

/** Finding and when it was found are known; the other four fields and the tick are asked for. */
function CallForm({ critical, view, first, isBusy, onSubmit }: CallFormProps) {
  const form = useRef<HTMLFormElement>(null)
  const zone = useZone()
  const now = useDepartmentNow('second')
  const known = critical.contact?.rung === 'on-call' ? '' : (critical.contact?.name ?? '')
  const [recipient, setRecipient] = useState(known)
  const [toldAt, setToldAt] = useState('')
  const id = useId()
  // Another contact is another name; what somebody typed stays.
  const shown = useRef(known)
  useEffect(() => {
    if (recipient === shown.current) setRecipient(known)
    shown.current = known
  }, [known, recipient])

  const fieldsOf = (): Record<string, string> =>
    Object.fromEntries([...new FormData(form.current!)].map(([name, value]) => [name, String(value)]))
  function record(event: FormEvent): void {
    event.preventDefault()
    onSubmit({ intent: 'communicate', ...fieldsOf() })
  }
  const tried = () => {
    const { recipient: whom = '', method = 'telephone' } = fieldsOf()
    // Pressed twice before the answer is there, it is one try.
    const key = `attempt ${critical.id} ${view.me} ${critical.attempts.length}`
    onSubmit({ intent: 'attempt', recipient: whom, method, key })
  }
  return (
    <form ref={form} className="critical-call" onSubmit={record} noValidate>
      <label className="field wide">
        <span className="label">{t('critical.recipient')}</span>
        <input
          ref={first}
          className="input"
          name="recipient"
          maxLength={120}
          autoComplete="off"
          value={recipient}
          onChange={(event) => setRecipient(event.target.value)}
        />
      </label>
      <label className="field">
        <span className="label">{t('critical.told-at')}</span>
        <input
          className="input mono"
          name="toldAt"
          inputMode="numeric"
          maxLength={5}
          autoComplete="off"
          placeholder={t('critical.clock')}
          value={toldAt}
          onChange={(event) => setToldAt(event.target.value)}
        />
      </label>
      <label className="field">
        <span className="label">{t('critical.method')}</span>
        <select className="input" name="method" defaultValue="telephone">
          {CRITICAL_METHODS.map((each) => (
            <option key={each} value={each}>
              {wordFor('critical.method', each)}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span className="label">{t('critical.communicator')}</span>
        <select className="input" name="communicatorId" defaultValue={view.me}>
          {view.people.map((person) => (
            <option key={person.id} value={person.id}>
              {person.name}
            </option>
          ))}
        </select>
      </label>
      <label className="critical-tick" htmlFor={id}>
        <input
          id={id}
          type="checkbox"
          name="readBack"
          // The call has just been had: its time is now, unless another was written down.
          onChange={({ target }) => target.checked && toldAt === '' && setToldAt(clockTime(now, zone))}
        />
        {t('critical.read-back')}
      </label>
      {critical.isOut && view.maySign ? (
        <label className="field wide">
          <span className="label">{t('critical.password')}</span>
          <input className="input" type="password" name="password" autoComplete="current-password" />
        </label>
      ) : null}
      <Button type="submit" look="primary" chord="Alt+C" busy={isBusy}>
        {t('critical.record')}
      </Button>
      <Button onClick={tried} busy={isBusy}>
        {t('critical.tried')}
      </Button>
    </form>
  )
}

function Withdrawal({ isBusy, onSubmit }: Pick<CallFormProps, 'isBusy' | 'onSubmit'>) {
  return (
    <form
      className="critical-call"
      onSubmit={(event) => {
        event.preventDefault()
        const fields = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>
        onSubmit({ intent: 'withdraw', ...fields })
      }}
    >
      <p className="wide text-2">{t('critical.withdraw-rule')}</p>
      <label className="field wide">
        <span className="label">{t('critical.withdraw-reason')}</span>
        <input className="input" name="reason" maxLength={200} autoComplete="off" />
      </label>
      <label className="field">
        <span className="label">{t('critical.second-user')}</span>
        <input className="input" name="secondUser" autoComplete="off" />
      </label>
      <label className="field">
        <span className="label">{t('critical.second-password')}</span>
        <input className="input" type="password" name="secondPassword" autoComplete="off" />
      </label>
      <Button type="submit" look="bad" busy={isBusy}>
        {t('critical.withdraw')}
      </Button>
    </form>
  )
}
