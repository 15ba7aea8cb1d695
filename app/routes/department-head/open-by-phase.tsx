/** How many orders are open in each phase, and how many of them are late. */
import { Link } from 'react-router'
import type { DepartmentFigures } from '#db/queries/today.ts'
import { t } from '../../strings/words.ts'
import { count, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { PhaseTag } from '../../ui/phase-tag.tsx'

export function OpenByPhase({ found }: { found: DepartmentFigures }) {
  const most = Math.max(1, ...found.phases.map(({ open }) => open))
  return (
    <section className="panel open-by-phase">
      <header>
        <h2>{t('today.phase-title')}</h2>
        <span className="text-2">{t('today.phase-note')}</span>
      </header>
      <table>
        <caption className="visually-hidden">{t('today.phase-title')}</caption>
        <thead className="visually-hidden">
          <tr>
            <th scope="col">{t('column.phase')}</th>
            <th scope="col">{t('today.share')}</th>
            <th scope="col">{t('tile.open')}</th>
            <th scope="col">{t('tile.late')}</th>
          </tr>
        </thead>
        <tbody>
          {found.phases.map(({ phase, open, late }) => (
            <tr key={phase} data-phase={phase}>
              <td>
                <PhaseTag phase={phase} />
              </td>
              <td>
                <span className="phase-bar">
                  <i style={{ width: `${(open / most) * 100}%` }} />
                </span>
              </td>
              <td className="right strong">
                <Link to={`/orders?phase=${phase}`}>{count(open)}</Link>
              </td>
              <td className="right">
                {late > 0 ? (
                  <Link className="late" to={`/orders?phase=${phase}&show=late`}>
                    <Glyph name="alarm" /> {count(late)}
                  </Link>
                ) : (
                  <span className="text-3">{NONE}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
