/** What is late or due within the hour, whose it is, why, and what a lead can do. */
import { Link } from 'react-router'
import type { LateCase } from '#app/server/late-cases.ts'
import { t } from '../../strings/words.ts'
import { NONE } from '../../ui/format.ts'
import { EmptyState } from '../../ui/messages.tsx'
import { Priority } from '../../ui/priority.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { allowanceOf } from '../../worklist/listed-case.ts'
import type { LeadAct } from './lead-acts.tsx'
import { ownerOf, whyLate } from './why-late.ts'

interface LateTableProps {
  late: LateCase[]
  /** Null for who only looks on. */
  onAct: ((act: LeadAct, row: LateCase) => void) | null
}

export function LateTable({ late, onAct }: LateTableProps) {
  if (late.length === 0)
    return <EmptyState title={t('today.none-late')}>{t('today.none-late-why')}</EmptyState>
  return (
    <div className="late-scroll" data-keys="list">
      <table>
        <caption className="visually-hidden">{t('today.late-title')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('column.priority')}</th>
            <th scope="col" className="right">
              {t('scan.due')}
            </th>
            <th scope="col">{t('column.procedure')}</th>
            <th scope="col">{t('column.place')}</th>
            <th scope="col">{t('late.owner')}</th>
            <th scope="col">{t('late.cause')}</th>
            <th scope="col" className="late-do">
              {t('late.do')}
            </th>
          </tr>
        </thead>
        <tbody>
          {late.map((row) => (
            <tr key={row.id} data-order={row.orderId} data-accession={row.accession}>
              <td>
                <Priority value={row.priority} />
              </td>
              <td className="right">
                <TimeLeft words="in" allowance={allowanceOf(row)} />
              </td>
              <td title={row.procedureName}>{row.procedure}</td>
              <td>{row.place || NONE}</td>
              <td>{ownerOf(row)}</td>
              <td>{whyLate(row)}</td>
              <td>
                <span className="row-acts">
                  <Link className="link" to={`/orders/${row.orderId}`}>
                    {t('late.open')}
                  </Link>
                  {onAct ? <RowActs row={row} onAct={onAct} /> : null}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function RowActs({ row, onAct }: { row: LateCase; onAct: (act: LeadAct, row: LateCase) => void }) {
  const acts: LeadAct[] = row.stepId ? ['reassign', 're-room', 'call-in'] : ['reassign', 'call-in']
  return acts.map((act) => (
    <button key={act} type="button" className="link" onClick={() => onAct(act, row)}>
      {t(`lead.${act}-short`)}
    </button>
  ))
}
