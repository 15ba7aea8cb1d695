/** One's own words that could not be saved, below the report: to be read and copied, and in no report. */
import type { KeptAside } from '#db/queries/kept-aside.ts'
import { t, wordFor } from '../strings/words.ts'
import { useDepartmentNow, useZone } from '../ui/department-clock.tsx'
import { timeOrDay } from '../ui/format.ts'

export function KeptAsideWords({ kept }: { kept: readonly KeptAside[] }) {
  const zone = useZone()
  const now = useDepartmentNow('minute')
  if (kept.length === 0) return null
  return (
    <section className="kept-aside" aria-label={t('aside.title')}>
      <h3 className="label">{t('aside.title')}</h3>
      {kept.map(({ id, at, sections }) => (
        <details key={id}>
          <summary className="small text-2">{t('aside.words', { time: timeOrDay(at, zone, now) })}</summary>
          {sections
            .filter(({ text }) => text.trim() !== '')
            .map(({ key, text }) => (
              <div key={key}>
                <p className="label">{wordFor('section', key)}</p>
                <p className="prior-text">{text}</p>
              </div>
            ))}
        </details>
      ))}
    </section>
  )
}
