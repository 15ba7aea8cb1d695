/** Critical results beside a case: there only while one is open, or while one is being raised. */
import './critical.css'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { useFetcher } from 'react-router'
import type { CriticalAnswer } from '#app/server/critical-acts.ts'
import type { CriticalView } from '#app/server/critical-view.ts'
import type { CriticalOnScreen } from '#db/queries/critical-results.ts'
import { CRITICAL_LEVELS } from '#domain/critical-result.ts'
import { t, wordFor } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { useZone } from '../ui/department-clock.tsx'
import { clockTime } from '../ui/format.ts'
import { Glyph } from '../ui/glyph.tsx'
import { ErrorLine } from '../ui/messages.tsx'
import type { ScreenKey } from '../ui/screen.tsx'
import { CriticalForm } from './critical-form.tsx'

/**
 * The key raises the first one, goes to an open one, and records the call once its fields are being written.
 * @param orderId of a report over several orders, the one whose ward is to be told; left out: the one it was begun from
 */
export function useCritical(view: CriticalView, reportId: string | null, orderId = '') {
  const panel = useRef<HTMLDivElement>(null)
  const first = useRef<HTMLInputElement>(null)
  const [isRaising, setRaising] = useState(false)
  const open = view.results.filter(({ state }) => state === 'open')
  const mayRaise = view.mayRaise && reportId !== null

  function press(): void {
    const form = panel.current && formInUse(panel.current)
    if (form) form.requestSubmit()
    else if (first.current) first.current.focus()
    else if (mayRaise) setRaising(true)
  }
  const screenKey: ScreenKey = {
    chord: 'Alt+C',
    word: t('critical.key'),
    run: press,
    disabled: open.length === 0 && !mayRaise,
  }
  return { screenKey, panel, first, open, view, reportId, orderId, isRaising, setRaising, mayRaise }
}

/** The form in one of whose fields somebody writes; on its buttons the key is not theirs. */
export function formInUse(within: Element): HTMLFormElement | null {
  const field = document.activeElement
  return field?.matches('input, select, textarea') && within.contains(field) ? field.closest('form') : null
}

interface CriticalPanelProps {
  critical: ReturnType<typeof useCritical>
  /** A button for the first one too: where a finding is the exception, nobody looks for its key. */
  offers?: boolean
}

export function CriticalPanel({ critical, offers = false }: CriticalPanelProps) {
  const { panel, first, open, view, reportId, orderId, isRaising, setRaising, mayRaise } = critical
  const told = view.results.filter(({ state }) => state === 'closed')
  return (
    <div className="critical-panel" ref={panel}>
      <Spoken open={open} />
      {open.map((each, index) => (
        <CriticalForm key={each.id} critical={each} view={view} first={index === 0 ? first : undefined} />
      ))}
      {isRaising && reportId ? (
        <RaiseForm reportId={reportId} orderId={orderId} onEnd={() => setRaising(false)} />
      ) : open.length > 0 && mayRaise ? (
        <Button look="quiet" onClick={() => setRaising(true)}>
          {t('critical.raise-another')}
        </Button>
      ) : offers && mayRaise ? (
        <Button wide chord="Alt+C" onClick={() => setRaising(true)}>
          {t('critical.raise')}
        </Button>
      ) : null}
      {told.map((each) => (
        <Told key={each.id} critical={each} />
      ))}
    </div>
  )
}

/** Said once when one is raised, when its next contact is due and when it is late. */
export function Spoken({ open }: { open: readonly CriticalOnScreen[] }) {
  const [worst] = open
  return (
    <p className="visually-hidden" aria-live="assertive">
      {worst?.contact
        ? t(worst.lateAt ? 'critical.spoken-late' : 'critical.spoken', {
            level: worst.level,
            contact: wordFor('critical.rung', worst.contact.rung),
          })
        : null}
    </p>
  )
}

/** What was told, as it will stand in the report. */
function Told({ critical: { level, finding, told, lateAt } }: { critical: CriticalOnScreen }) {
  const zone = useZone()
  if (!told) return null
  return (
    <p className="critical-told text-2">
      <span className="ok">
        <Glyph name="check" />
      </span>
      <span>
        {t('critical.told', {
          level,
          finding,
          recipient: told.recipient,
          time: clockTime(told.at, zone),
          who: told.communicator,
        })}
        {lateAt ? <span className="late"> {t('critical.was-late')}</span> : null}
      </span>
    </p>
  )
}

interface RaiseFormProps {
  reportId: string
  orderId: string
  onEnd: () => void
}

function RaiseForm({ reportId, orderId, onEnd }: RaiseFormProps) {
  const raising = useFetcher<CriticalAnswer>()
  const finding: RefObject<HTMLTextAreaElement | null> = useRef(null)
  const [level, setLevel] = useState<string>('1')
  const isBusy = raising.state !== 'idle'
  const answer = isBusy ? undefined : raising.data
  useEffect(() => finding.current?.focus(), [])
  useEffect(() => {
    if (answer?.ok) onEnd()
  }, [answer, onEnd])
  return (
    <form
      className="critical critical-call"
      aria-label={t('critical.raise')}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onEnd()
      }}
      onSubmit={(event) => {
        event.preventDefault()
        const fields = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>
        if (!isBusy)
          void raising.submit(
            { intent: 'raise', reportId, orderId, level, ...fields },
            { method: 'post', action: '/critical-results' },
          )
      }}
    >
      <h2 className="strong wide">
        <Glyph name="bell" /> {t('critical.raise')}
      </h2>
      <label className="field wide">
        <span className="label">{t('critical.finding')}</span>
        <textarea
          ref={finding}
          className="input"
          name="finding"
          rows={2}
          maxLength={500}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey) return
            event.preventDefault()
            event.currentTarget.form?.requestSubmit()
          }}
        />
      </label>
      <fieldset className="segments wide" aria-label={t('critical.level')}>
        {CRITICAL_LEVELS.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={String(each) === level}
            onClick={() => setLevel(String(each))}
          >
            {t('critical.level-within', { level: each, within: wordFor('critical.within', String(each)) })}
          </button>
        ))}
      </fieldset>
      <label className="field">
        <span className="label">{t('critical.found-at')}</span>
        <input
          className="input mono"
          name="foundAt"
          inputMode="numeric"
          maxLength={5}
          autoComplete="off"
          placeholder={t('critical.now')}
        />
      </label>
      <div className="row critical-raise-buttons">
        <Button type="submit" look="primary" chord="Alt+C" busy={isBusy}>
          {t('critical.raise-it')}
        </Button>
        <Button look="quiet" onClick={onEnd}>
          {t('critical.not-now')}
        </Button>
      </div>
      {answer && 'sentence' in answer ? (
        <div className="wide">
          <ErrorLine>{answer.sentence}</ErrorLine>
        </div>
      ) : null}
    </form>
  )
}
