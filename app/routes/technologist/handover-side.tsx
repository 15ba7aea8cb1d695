/** Beside the handover: the line under the cursor in full, and the form that writes another one down. */
import { useEffect, useRef, useState } from 'react'
import type { CalendarRoom } from '#db/queries/calendar.ts'
import type { HandoverLine } from '#db/queries/handover.ts'
import { HANDOVER_KINDS, type HandoverKind, WAITING_FOR } from '#domain/handover.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { timeOrDay } from '../../ui/format.ts'
import { PatientName } from '../../ui/patient-name.tsx'
import { whatItIs } from './handover-words.ts'

interface ChosenLineProps {
  line: HandoverLine | undefined
  busy: boolean
  blocked: string | null
  onTake: () => void
  onSettle: () => void
}

export function ChosenLine({ line, busy, blocked, onTake, onSettle }: ChosenLineProps) {
  const zone = useZone()
  const now = useDepartmentNow()
  if (!line) return null
  const { added, acknowledged, before } = line
  return (
    <section className="panel handover-chosen">
      <p className="strong">{whatItIs(line)}</p>
      {line.name ? (
        <p>
          <PatientName name={line.name} />{' '}
          <span className="text-2">
            {line.procedure} · <span className="mono">{line.accession}</span>
          </span>
        </p>
      ) : null}
      <p className="small text-2">
        {added ? t('handover.added-by', { by: added.by }) : t('handover.of-facts')}
      </p>
      {before[0] ? (
        <p className="small text-3">
          {t('handover.before', { by: before[0].by, time: timeOrDay(new Date(before[0].at), zone, now) })}
        </p>
      ) : null}
      <Button
        look={acknowledged.length > 0 ? 'plain' : 'primary'}
        size="big"
        wide
        chord="Alt+Enter"
        busy={busy}
        blocked={blocked}
        onClick={onTake}
      >
        {t('handover.take')}
      </Button>
      {blocked ? <p className="button-reason">{blocked}</p> : null}
      {added ? (
        <Button wide chord="Alt+X" busy={busy} onClick={onSettle}>
          {t('handover.settle')}
        </Button>
      ) : null}
    </section>
  )
}

interface AddLineProps {
  rooms: CalendarRoom[]
  busy: boolean
  answer: { ok: boolean; intent?: string } | undefined
  onAdd: (fields: Record<string, string>) => void
}

/** Written down: the words are gone from the form; refused: they stay. */
export function AddLine({ rooms, busy, answer, onAdd }: AddLineProps) {
  const form = useRef<HTMLFormElement>(null)
  const [kind, setKind] = useState<HandoverKind>('waiting')
  useEffect(() => {
    if (answer?.ok && answer.intent === 'add') form.current?.reset()
  }, [answer])
  return (
    <form
      ref={form}
      className="panel handover-add"
      onSubmit={(event) => {
        event.preventDefault()
        const fields = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>
        const room = rooms.find(({ id }) => id === fields.roomId)
        const siteId = room?.siteId ?? rooms[0]?.siteId ?? ''
        if (!busy) onAdd({ intent: 'add', ...fields, kind, siteId })
      }}
    >
      <h2 className="strong">{t('handover.add')}</h2>
      <fieldset className="segments" aria-label={t('handover.kind')}>
        {HANDOVER_KINDS.map((each) => (
          <button key={each} type="button" aria-pressed={each === kind} onClick={() => setKind(each)}>
            {t(`handover.${each}`)}
          </button>
        ))}
      </fieldset>
      <label className="field">
        <span>{t('handover.for')}</span>
        <select className="input" name="waitingFor" disabled={kind !== 'waiting'}>
          {WAITING_FOR.map((each) => (
            <option key={each} value={each}>
              {t(`handover.for-${each}`)}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{t('handover.words')}</span>
        <textarea className="input" name="words" rows={3} maxLength={300} required />
      </label>
      <div className="handover-about">
        <label className="field">
          <span>
            {t('handover.accession')} <span className="text-3">({t('reason.optional')})</span>
          </span>
          <input className="input mono" name="accession" maxLength={16} autoComplete="off" />
        </label>
        <label className="field">
          <span>
            {t('handover.room')} <span className="text-3">({t('reason.optional')})</span>
          </span>
          <select className="input" name="roomId">
            <option value="">{t('handover.no-room')}</option>
            {rooms.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Button type="submit" wide busy={busy}>
        {t('handover.add-submit')}
      </Button>
    </form>
  )
}
