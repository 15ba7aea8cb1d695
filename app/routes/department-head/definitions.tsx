/** What each number of the day means, and the same numbers as a table. */
import type { DepartmentFigures, SegmentFigures } from '#db/queries/today.ts'
import { t } from '../../strings/words.ts'
import { count } from '../../ui/format.ts'
import { segmentFigures, segmentWords } from './measured.ts'

export function Definitions({ found }: { found: DepartmentFigures }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and without a mouse only the focus can reach it
    <section className="panel definitions" aria-label={t('today.definitions')} tabIndex={0}>
      <div className="body stack">
        <p>{t('definition.percentile')}</p>
        <p>{t('definition.period')}</p>
        <p>{t('definition.few')}</p>
        <p>{t('definition.hour')}</p>
        <p>{t('definition.late')}</p>
        <p>{t('definition.inferred')}</p>
        <p>{t('definition.negative', { n: found.negative })}</p>
        <dl className="pairs">
          {found.segments.map((segment) => (
            <Definition key={`${segment.from} ${segment.to}`} segment={segment} />
          ))}
        </dl>
      </div>
    </section>
  )
}

function Definition({ segment }: { segment: SegmentFigures }) {
  return (
    <>
      <dt>{segmentWords(segment)}</dt>
      <dd>
        {t(`definition.${segment.from}`)} → {t(`definition.${segment.to}`)} · {segmentFigures(segment)}
        {segment.inferred ? ` · ≈ ${count(segment.inferred)}` : ''}
      </dd>
    </>
  )
}
