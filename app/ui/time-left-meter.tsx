/** The time left of a promise: text and a meter of the share used. Comfortable, soon, late or paused. */
import { t } from '../strings/words.ts'
import { useDepartmentNow } from './department-clock.tsx'
import { duration } from './format.ts'
import { Glyph } from './glyph.tsx'
import { type Allowance, timeLeftOf } from './time-left.ts'

/** `late` stands in the record: once late, a case never turns back to on time. */
export function TimeLeft({
  allowance,
  words = 'plain',
}: {
  allowance: Allowance
  words?: 'plain' | 'left' | 'in'
}) {
  const { state, leftMs, usedShare } = timeLeftOf(allowance, useDepartmentNow('second'))
  if (state === 'none') return <span className="text-3">{t('app.none')}</span>
  const tone = state === 'soon' ? 'risk' : state === 'late' ? 'late' : state === 'paused' ? 'hold' : ''
  const glyph =
    state === 'soon' ? 'stopwatch' : state === 'late' ? 'alarm' : state === 'paused' ? 'paused' : null
  const waitsFor = state === 'paused' ? (allowance.paused ?? undefined) : undefined
  return (
    <span className={`time-left ${tone}`} title={waitsFor}>
      {glyph ? <Glyph name={glyph} /> : null}
      <b>{textOf(state, leftMs, words)}</b>
      {waitsFor ? <span className="visually-hidden">{waitsFor}</span> : null}
      <span className={`meter ${tone}`}>
        <i style={{ width: `${Math.round(usedShare * 100)}%` }} />
      </span>
    </span>
  )
}

function textOf(state: string, leftMs: number, words: 'plain' | 'left' | 'in'): string {
  if (state === 'paused') return t('time-left.paused')
  const span = duration(leftMs)
  if (state === 'late') return t('time-left.late', { duration: span })
  return words === 'plain' ? span : t(`time-left.${words}`, { duration: span })
}
