/** Where an order stands: the work that waits, and what its receivers have; now, or as its events made it then. */
import { t, wordFor } from '../../strings/words.ts'
import type { StateAt } from '../../timeline/state-at.ts'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, count, timeOrDay } from '../../ui/format.ts'
import { PhaseTag } from '../../ui/phase-tag.tsx'

/** The order as the events up to the cursor made it. */
export function StateThen({ state, at }: { state: StateAt; at: string }) {
  const zone = useZone()
  const [due] = state.work.flatMap(({ dueAt }) => dueAt ?? []).sort()
  return (
    <dl className="pairs">
      <dt>{t('identity.phase')}</dt>
      <dd>
        <PhaseTag phase={state.phase} />
      </dd>
      <dt>{t('timeline.work')}</dt>
      <dd>{workWords(state.work)}</dd>
      {due ? (
        <>
          <dt>{t('scan.due')}</dt>
          <dd>{timeOrDay(new Date(due), zone, new Date(at))}</dd>
        </>
      ) : null}
      <dt>{t('detail.images')}</dt>
      <dd>{count(state.images)}</dd>
      <dt>{t('room.report')}</dt>
      <dd>{wordFor('report-state', state.report)}</dd>
      {state.receivers.map((delivery, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: one line per delivery in the order of queueing
        <DeliveryLine key={index} delivery={delivery} />
      ))}
    </dl>
  )
}

export function workWords(work: { kind: string; holder: string | null }[]): string {
  if (work.length === 0) return t('app.none')
  return work.map(({ kind, holder }) => `${wordFor('work', kind)}${holder ? `: ${holder}` : ''}`).join(', ')
}

interface DeliveryShown {
  destination: string
  state: string
  attempts: number
  acknowledgedAt?: Date | null
}

export function DeliveryLine({ delivery }: { delivery: DeliveryShown }) {
  const zone = useZone()
  const { state, attempts, acknowledgedAt } = delivery
  const tone =
    state === 'acknowledged' ? 'ok' : state === 'parked' ? 'late' : state === 'unknown' ? 'risk' : ''
  return (
    <>
      <dt>{delivery.destination}</dt>
      <dd className={tone}>
        {acknowledgedAt
          ? t('timeline.acknowledged-at', { time: clockTime(acknowledgedAt, zone, { seconds: true }) })
          : wordFor('delivery', state)}
        {attempts > 0 ? ` · ${t('timeline.attempts', { n: attempts })}` : null}
      </dd>
    </>
  )
}
