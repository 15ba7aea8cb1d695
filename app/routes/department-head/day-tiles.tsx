/** The day in six numbers, each leading to the orders behind it. */
import { Link } from 'react-router'
import type { DepartmentFigures } from '#db/queries/today.ts'
import { t } from '../../strings/words.ts'
import { count, minutes, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { type Measured, ordersBehind } from './measured.ts'
import { populationWords } from './population-words.ts'

export function DayTiles({ found, measured }: { found: DepartmentFigures; measured: Measured }) {
  const turnaround = found.segments.find(({ from, to }) => from === 'available' && to === 'opened')
  return (
    <ul className="tiles">
      <Tile
        label={t('tile.open')}
        value={count(found.openOrders)}
        to="/orders?show=open"
        note={t('tile.open-note')}
      />
      <Tile
        label={t('tile.late')}
        value={count(found.lateItems)}
        to="/late?view=late"
        late={found.lateItems > 0}
        note={t('tile.late-note')}
      />
      <Tile
        label={t('tile.due')}
        value={count(found.dueWithinHour)}
        to="/late?view=due"
        note={t('tile.due-note')}
      />
      <Tile
        label={t('tile.waiting')}
        value={turnaround?.p50 == null ? NONE : t('today.minutes', { value: minutes(turnaround.p50) })}
        {...(turnaround && turnaround.n > 0 && { to: ordersBehind(turnaround, measured) })}
        note={[t('tile.n', { n: turnaround?.n ?? 0 }), ...populationWords(measured)].join(' · ')}
      />
      <Tile
        label={t('tile.delivered')}
        value={count(found.deliveredToday)}
        to="/orders?show=delivered-today"
        note={t('tile.delivered-note')}
      />
      <Tile
        label={t('tile.exceptions')}
        value={count(found.ordersToMend)}
        to="/orders?show=to-mend"
        note={t('tile.exceptions-note')}
      />
    </ul>
  )
}

interface TileProps {
  label: string
  value: string
  note: string
  to?: string
  late?: boolean
}

function Tile({ label, value, note, to, late = false }: TileProps) {
  const figure = (
    <b className={late ? 'late' : ''}>
      {late ? <Glyph name="alarm" /> : null} {value}
    </b>
  )
  return (
    <li className="panel tile">
      <span className="label">{label}</span>
      {to ? <Link to={to}>{figure}</Link> : figure}
      <span className="small text-2">{note}</span>
    </li>
  )
}
