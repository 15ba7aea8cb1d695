import { Link } from 'react-router'
import { t } from '../../strings/words.ts'
import { count } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { Priority } from '../../ui/priority.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { allowanceOf, type ListedCase } from '../../worklist/listed-case.ts'

export const here = (itemId: string) => `/quality-check/${itemId}`

interface ToCheckProps {
  toCheck: ListedCase[]
  chosen: string | null
  /** What nobody looked at in time goes on unchecked where it is STAT. */
  isLetOn: boolean
}

export function ToCheck({ toCheck, chosen, isLetOn }: ToCheckProps) {
  return (
    <>
      <header>
        <h2>{t('quality.to-check')}</h2>
        <span className="text-3">{count(toCheck.length)}</span>
      </header>
      <ul className="queue-list">
        {toCheck.map((row) => (
          <li key={row.id} data-order={row.orderId} data-accession={row.accession}>
            <Link to={here(row.id)} aria-current={row.id === chosen ? 'true' : undefined}>
              <span className="quality-list-name">
                <PatientName name={row.name} similar={row.isSimilar} />
              </span>
              <span className="small text-2 ellipsis quality-list-what">{row.procedure}</span>
              <span className="quality-list-tags">
                <Priority value={row.priority} />
                {row.kind === 'complete' ? (
                  <span className="tag risk">{t('quality.missing', { n: row.images?.missing ?? 0 })}</span>
                ) : null}
                {row.holder ? (
                  <span className={row.isMine ? 'tag you' : 'tag'}>
                    <Glyph name="lock" /> {row.isMine ? t('claim.you') : row.holder.name}
                  </span>
                ) : null}
              </span>
              <TimeLeft allowance={allowanceOf(row)} />
            </Link>
          </li>
        ))}
      </ul>
      {toCheck.length === 0 ? <p className="quality-note small text-3">{t('quality.empty')}</p> : null}
      <p className="quality-note small text-3">{t(isLetOn ? 'quality.timeout-stat' : 'quality.timeout')}</p>
    </>
  )
}
