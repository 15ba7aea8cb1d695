/** What was seen before of the same identified patient; its report opens in place, without leaving the text. */
import type { PriorStudy } from '#db/queries/reading-room.ts'
import { t, wordFor } from '../strings/words.ts'
import { useDepartmentNow } from '../ui/department-clock.tsx'
import { ageOfPrior, calendarDate } from '../ui/format.ts'

export function PriorList({ priors }: { priors: PriorStudy[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it scrolls, a keyboard must reach it
    <section className="priors" aria-label={t('room.priors')} tabIndex={0}>
      <header>
        <h2 className="strong">{t('room.priors')}</h2>
        <span className="small text-3 push">{t('room.same-patient')}</span>
      </header>
      {priors.length === 0 ? <p className="text-3">{t('room.no-priors')}</p> : null}
      <ul>
        {priors.map((prior) => (
          <li key={prior.uid}>
            {prior.report ? <WithReport prior={prior} report={prior.report} /> : <PriorName prior={prior} />}
          </li>
        ))}
      </ul>
    </section>
  )
}

function WithReport({ prior, report }: { prior: PriorStudy; report: NonNullable<PriorStudy['report']> }) {
  const impression = report.find(({ key }) => key === 'impression')?.text ?? ''
  return (
    <details>
      <summary>
        <PriorName prior={prior} />
        <span className="small text-2 prior-impression">{impression}</span>
      </summary>
      {report
        .filter(({ text }) => text.trim() !== '')
        .map(({ key, text }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a report may have two addenda, and its order never changes
          <div key={index}>
            <h3 className="label">{wordFor('section', key)}</h3>
            <p className="prior-text">{text}</p>
          </div>
        ))}
    </details>
  )
}

/** `CT head 14 Aug 2025 · 7 months` */
export function PriorName({ prior }: { prior: PriorStudy }) {
  const now = useDepartmentNow()
  const day = dayOfPrior(prior)
  return (
    <span>
      <b className="strong">{whatPrior(prior)}</b>{' '}
      <span className="text-2">
        {calendarDate(day)}
        {day.length === 10 ? ` · ${ageOfPrior(new Date(`${day}T12:00:00Z`), now)}` : ''}
      </span>
    </span>
  )
}

/** For the comparison section: `CT head 14 Aug 2025.` */
export function comparisonText(priors: PriorStudy[]): string {
  const [newest] = priors
  return newest
    ? t('room.compared-with', { what: whatPrior(newest), day: calendarDate(dayOfPrior(newest)) })
    : t('room.nothing-to-compare')
}

// Descriptions come from devices: often the modality stands in them already.
function whatPrior({ modalities, description }: PriorStudy): string {
  const modality = modalities.filter((each) => !['SR', 'PR', 'KO', 'DOC'].includes(each)).join(' ')
  if (!description) return modality || t('room.prior-unnamed')
  return description.toUpperCase().startsWith(modality) ? description : `${modality} ${description}`
}

const dayOfPrior = ({ date }: PriorStudy) => date.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3')
