/** The strip below a list (a panel beside it on wide screens): who, what, why here, and what can be done. */
import type { ReactNode } from 'react'
import { t } from '../strings/words.ts'
import { calendarDate, count } from '../ui/format.ts'
import { useSexAge } from '../ui/identity-banner.tsx'
import { PatientName } from '../ui/patient-name.tsx'
import { PhaseTag } from '../ui/phase-tag.tsx'
import { Images } from './case-columns.tsx'
import type { ListedCase } from './listed-case.ts'

export function CaseDetail({ row, children }: { row: ListedCase; children: ReactNode }) {
  const sexAge = useSexAge(row)
  return (
    <aside className="case-detail" aria-label={t('detail.title')}>
      <section>
        <p className="case-detail-name">
          <PatientName name={row.name} />
          <span className="push small">{row.accession}</span>
        </p>
        <p className="small text-2">
          {sexAge} · {calendarDate(row.birthDate)} · {t('identity.mrn')} {row.mrn}
        </p>
        <p className="strong">{row.procedureName}</p>
        {row.place ? <p className="small text-2">{row.place}</p> : null}
      </section>
      <section>
        <h2 className="label">{t('reading.why-title')}</h2>
        <ul>
          {row.why.map((why) => (
            <li key={why}>{why}</li>
          ))}
        </ul>
      </section>
      <section>
        <h2 className="label">{t('detail.state')}</h2>
        <p>
          <PhaseTag phase={row.phase} />
        </p>
        <p>
          {t('detail.images')} <Images images={row.images} />
        </p>
        <p>{t('detail.priors', { n: row.priors, count: count(row.priors) })}</p>
      </section>
      <div className="case-detail-actions">{children}</div>
    </aside>
  )
}
