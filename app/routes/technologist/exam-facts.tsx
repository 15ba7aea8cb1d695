import type { QualityCheck } from '#db/queries/quality-check.ts'
import { t, wordFor } from '../../strings/words.ts'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, count, NONE } from '../../ui/format.ts'

export function OrderFacts({ check }: { check: QualityCheck }) {
  const zone = useZone()
  const { order, exam, requester } = check
  const times = [exam.startedAt, exam.endedAt].map((at) => (at ? clockTime(at, zone) : NONE))
  return (
    <section className="quality-facts">
      <h2 className="label">{t('quality.order')}</h2>
      <p className="strong">{order.procedure}</p>
      <dl className="pairs small">
        <dt>{t('quality.reason')}</dt>
        <dd>{check.reason ?? NONE}</dd>
        <dt>{t('quality.asked-by')}</dt>
        <dd>{[requester?.prefix, requester?.given, requester?.family].filter(Boolean).join(' ') || NONE}</dd>
        <dt>{t('quality.exam')}</dt>
        <dd>
          {exam.inferred ? '≈ ' : ''}
          {t('quality.exam-times', { from: times[0] ?? NONE, to: times[1] ?? NONE, room: exam.room ?? NONE })}
        </dd>
        <dt>{t('quality.protocol')}</dt>
        <dd>{check.protocol ?? NONE}</dd>
        {check.decisions.map((decision) => (
          <Earlier key={`${decision.cycle}${decision.unchecked ? '≈' : ''}`} decision={decision} />
        ))}
      </dl>
    </section>
  )
}

function Earlier({ decision }: { decision: QualityCheck['decisions'][number] }) {
  const zone = useZone()
  const { verdict, unchecked, reasonCodes, by, at } = decision
  const words = reasonCodes.map((code) => wordFor('reject', code)).join(', ')
  return (
    <>
      <dt>{t('quality.before')}</dt>
      <dd>
        {t(`quality.was-${unchecked ? 'unchecked' : verdict}`, {
          name: by,
          time: clockTime(at, zone),
        })}
        {words ? ` · ${words}` : ''}
      </dd>
    </>
  )
}

export function OwnRejects({ rejects }: { rejects: { looks: number; rejected: number } }) {
  return (
    <p className="quality-note small text-3">
      {t('quality.own-rejects', { rejected: count(rejects.rejected), looks: count(rejects.looks) })}
    </p>
  )
}
