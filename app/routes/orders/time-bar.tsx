/** Where the time went: the width is the time, and the value stands below it. */
import { t } from '../../strings/words.ts'
import type { Segment } from '../../timeline/segments.ts'
import { spanInWords } from '../../ui/format.ts'

export function TimeBar({ cut, headMs }: { cut: Segment[]; headMs: number | null }) {
  const total = cut.reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs), 0)
  if (total === 0) return <div className="time-bar" />
  const sentence = cut
    .map(({ name, fromMs, toMs }) => `${t(`segment.${name}`)} ${spanInWords(toMs - fromMs)}`)
    .join(', ')
  return (
    <div className="time-bar" role="img" aria-label={sentence}>
      {headMs === null ? null : (
        <i className="replay-head" style={{ left: `${shareAt(cut, headMs) * 100}%` }} />
      )}
      {cut.map(({ name, fromMs, toMs }) => (
        <div
          key={name}
          className={`time-segment ${name}`}
          title={`${t(`segment.${name}`)} ${spanInWords(toMs - fromMs)}`}
          style={{ flexGrow: Math.max(0.004, (toMs - fromMs) / total) }}
        >
          <i />
          {/* Too narrow a segment for its words has them in its title and in the bar's sentence. */}
          {(toMs - fromMs) / total > 0.07 ? (
            <span className="small text-2">
              {t(`segment.${name}`)} <b className="strong">{spanInWords(toMs - fromMs)}</b>
            </span>
          ) : null}
        </div>
      ))}
    </div>
  )
}

/** Where an instant stands on the bar, from 0 to 1. */
function shareAt(cut: Segment[], ms: number): number {
  const [from, to] = [cut[0]?.fromMs ?? ms, cut.at(-1)?.toMs ?? ms]
  return to === from ? 0 : Math.max(0, Math.min(1, (ms - from) / (to - from)))
}
