/** Are we on time, where does time go, what will be late, what can I do? */
import './today.css'
import { useState } from 'react'
import { Link, type LoaderFunctionArgs, useLoaderData, useNavigate, useSearchParams } from 'react-router'
import { type Days, figures, hourOf, populationOf, segmentAsked } from '#app/server/figures.ts'
import { requireUser } from '#app/server/guard.ts'
import { type LateCase, lateCases } from '#app/server/late-cases.ts'
import { sites } from '#db/queries/sites.ts'
import {
  type DepartmentFigures,
  figuresAtHour,
  type Population,
  type SegmentFigures,
  segmentAtHour,
} from '#db/queries/today.ts'
import { HOURS } from '#domain/segments.ts'
import { MODALITIES, PATIENT_CLASSES } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { count, hourWords, minutes, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { Priority } from '../../ui/priority.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { allowanceOf } from '../../worklist/listed-case.ts'
import { type LeadAct, useLeadActs } from './lead-acts.tsx'
import { populationWords } from './population-words.ts'
import { ownerOf, whyLate } from './why-late.ts'

const PERIODS: Days[] = [1, 7, 28]
const TOPICS = [
  'order.received',
  'order.ended',
  'step.arrived',
  'step.started',
  'performed-step.ended',
  'completeness.decided',
  'quality.accepted',
  'work-item.opened',
  'work-item.claimed',
  'work-item.completed',
  'report.signed',
  'report.released',
  'delivery.acknowledged',
  'work-item.cancelled',
  'escalation.fired',
  'exceptions',
  'phase',
]

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('today'))
  const { person, server } = signedIn
  const search = new URL(args.request.url).searchParams
  const asked = Number(search.get('days'))
  const days = PERIODS.find((each) => each === asked) ?? 1
  const now = await server.department.now()
  const own = await sites(server.department.sql, person.sites)
  const of = populationOf(search, own)
  const all = await figures(signedIn, days, {
    ...{ now, of },
    zone: own[0]?.zone ?? 'UTC',
  })
  const hour = hourOf(search)
  const found = hour === null ? all : figuresAtHour(all, hour)
  const by = segmentAsked(search.get('by'))
  const byHour = by && all.segments.find(({ from, to }) => from === by.from && to === by.to)
  return {
    figures: { ...found, segments: found.segments.map(withoutOrders) },
    byHour: byHour ? HOURS.map((each) => withoutOrders(segmentAtHour(byHour, each))) : null,
    ...{ days, of, hour },
    sites: own.map(({ id }) => id),
    mayAct: person.roles.includes('lead'),
    late: (await lateCases(signedIn, { withinMs: 3_600_000, limit: 40 })).cases,
  }
}

/** The orders behind the numbers are asked for where a number leads. */
function withoutOrders(segment: SegmentFigures): SegmentFigures {
  return { ...segment, slowest: [] }
}

export function meta() {
  return [{ title: `${t('nav.today')} · ${t('app.name')}` }]
}

export default function Today() {
  const {
    figures: found,
    byHour,
    days,
    of,
    hour,
    sites: siteIds,
    late,
    mayAct,
  } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const [, setSearch] = useSearchParams()
  const measured: Measured = { days, of, hour, by: byHour?.[0] ?? null }
  const show = (more: Partial<Measured>) =>
    setSearch(addressOf({ ...measured, ...more }), { preventScrollReset: true })
  const navigate = useNavigate()
  const [isDefining, setDefining] = useState(false)
  const acts = useLeadActs(undefined, mayAct)
  return (
    <Screen
      label={t('nav.today')}
      className="today late-screen"
      fact={t('today.links')}
      keys={[
        { chord: 'D', word: t('today.definitions'), where: 'list', run: () => setDefining(!isDefining) },
        { chord: 'L', word: t('nav.late'), where: 'list', run: () => void navigate('/late') },
      ]}
    >
      <div className="toolbar">
        <h1 className="strong">{t('nav.today')}</h1>
        <span className="push segments">
          {PERIODS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === days}
              onClick={() => show({ days: each })}
            >
              {t(`today.days-${each}`)}
            </button>
          ))}
        </span>
        <Button chord="D" aria-expanded={isDefining} onClick={() => setDefining(!isDefining)}>
          {t('today.definitions')}
        </Button>
      </div>
      <Tiles found={found} measured={measured} />
      {isDefining ? <Definitions found={found} /> : null}
      <div className="today-panels" hidden={isDefining}>
        <WhereTimeGoes found={found} byHour={byHour} measured={measured} sites={siteIds} onShow={show} />
        <OpenByPhase found={found} />
        <section className="panel today-late">
          <header>
            <h2>{t('today.late-title')}</h2>
            <span className="text-2">
              {t('today.late-count', { late: found.lateItems, due: found.dueWithinHour })}
            </span>
            <Link className="link push" to="/late">
              {t('today.all')}
            </Link>
          </header>
          <LateTable late={late} onAct={mayAct ? acts.ask : null} />
        </section>
      </div>
      {acts.panel}
    </Screen>
  )
}

/** Of which days, of what hour and whose turnaround, and which segment is drawn by hour: what the address says. */
interface Measured {
  days: Days
  of: Population
  /** Null: of every hour. */
  hour: number | null
  by: Segment | null
}

type Segment = Pick<SegmentFigures, 'from' | 'to'>

function addressOf({ days, of: { modality, patientClass, site }, hour, by }: Measured): URLSearchParams {
  return new URLSearchParams({
    ...(days !== 1 && { days: String(days) }),
    ...(modality && { modality }),
    ...(patientClass && { class: patientClass }),
    ...(site && { site }),
    ...(hour !== null && { hour: String(hour) }),
    ...(by && { by: `${by.from}~${by.to}` }),
  })
}

function Tiles({ found, measured }: { found: DepartmentFigures; measured: Measured }) {
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

interface WhereTimeGoesProps {
  found: DepartmentFigures
  /** One segment hour by hour, instead of all of them. */
  byHour: SegmentFigures[] | null
  measured: Measured
  sites: string[]
  onShow: (more: Partial<Measured>) => void
}

/** p50 solid, p90 lighter, p95 a tick; below 20 values each one is a dot. The axis begins at zero. */
function WhereTimeGoes({ found, byHour, measured, sites: siteIds, onShow }: WhereTimeGoesProps) {
  const shown = byHour ?? found.segments
  const most = Math.max(60_000, ...shown.map(({ p95, values }) => p95 ?? values.at(-1) ?? 0))
  const x = (ms: number) => `${Math.min(100, (ms / most) * 100)}%`
  return (
    <section className="panel where-time-goes">
      <header>
        <h2>{byHour?.[0] ? segmentWords(byHour[0]) : t('today.time-title')}</h2>
        {byHour ? null : <span className="text-2">{t('today.time-note', { n: found.procedures })}</span>}
        {byHour ? (
          <Button look="quiet" onClick={() => onShow({ by: null })}>
            {t('today.every-segment')}
          </Button>
        ) : null}
        <Narrow measured={measured} sites={siteIds} onShow={onShow} />
      </header>
      <div className="body">
        {byHour ? <p className="small text-2">{t('definition.hour')}</p> : null}
        <div className={byHour ? 'time-hours' : undefined}>
          {byHour
            ? byHour.map((segment, hour) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the index is the hour of the day
                <TimeRow key={hour} segment={segment} measured={{ ...measured, hour }} x={x}>
                  <span className="small right time-hour">{hourWords(hour)}</span>
                </TimeRow>
              ))
            : shown.map((segment) => (
                <TimeRow key={`${segment.from} ${segment.to}`} segment={segment} measured={measured} x={x}>
                  <button
                    type="button"
                    className="link small right"
                    title={t('today.show-by-hour')}
                    onClick={() => onShow({ by: segment, hour: null })}
                  >
                    {segmentWords(segment)}
                  </button>
                </TimeRow>
              ))}
        </div>
        <p className="legend small text-2">
          {t('today.legend')} {measured.hour === null || byHour ? null : t('definition.hour')}
        </p>
      </div>
    </section>
  )
}

interface TimeRowProps {
  segment: SegmentFigures
  /** What its number leads to. */
  measured: Measured
  x: (ms: number) => string
  /** What the row is of. */
  children: React.ReactNode
}

function TimeRow({ segment, measured, x, children }: TimeRowProps) {
  const said = segmentFigures(segment)
  const of = [segmentWords(segment), ...(measured.hour === null ? [] : [hourWords(measured.hour)])].join(', ')
  return (
    <div className="time-row">
      {children}
      <span className="time-track" role="img" aria-label={`${of}: ${said}`}>
        {segment.p90 !== null ? <i className="p90" style={{ width: x(segment.p90) }} /> : null}
        {segment.p50 !== null ? <i className="p50" style={{ width: x(segment.p50) }} /> : null}
        {segment.p95 !== null ? <i className="p95" style={{ left: x(segment.p95) }} /> : null}
        {segment.values.map((ms, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: equal values are equal dots
          <i key={index} className="value" style={{ left: x(ms) }} />
        ))}
      </span>
      {segment.n > 0 ? (
        <Link className="small" to={ordersBehind(segment, measured)}>
          <span className="link">{said}</span>
        </Link>
      ) : (
        <span className="small text-3">{said}</span>
      )}
    </div>
  )
}

interface NarrowProps {
  measured: Measured
  sites: string[]
  onShow: (more: Partial<Measured>) => void
}

/** Modality, patient class, site and hour: each narrows what is measured, and the orders behind every number with it. */
function Narrow({ measured: { of, hour, by: byHour }, sites: siteIds, onShow }: NarrowProps) {
  const choices = {
    modality: MODALITIES.map((each) => [each, each] as const),
    patientClass: PATIENT_CLASSES.map((each) => [each, wordFor('why.class', each)] as const),
    site: siteIds.map((each) => [each, each] as const),
  }
  return (
    <span className="push narrow">
      {(['modality', 'patientClass', 'site'] as const).map((name) => (
        <Choice
          key={name}
          name={name}
          value={of[name] ?? ''}
          choices={choices[name]}
          onChoose={(value) => {
            const { [name]: _, ...others } = of
            onShow({ of: value ? { ...others, [name]: value } : others })
          }}
        />
      ))}
      {byHour ? null : (
        <Choice
          name="hour"
          value={hour === null ? '' : String(hour)}
          choices={HOURS.map((each) => [String(each), hourWords(each)] as const)}
          onChoose={(value) => onShow({ hour: value === '' ? null : Number(value), by: null })}
        />
      )}
    </span>
  )
}

interface ChoiceProps {
  name: 'modality' | 'patientClass' | 'site' | 'hour'
  value: string
  choices: readonly (readonly [string, string])[]
  onChoose: (value: string) => void
}

function Choice({ name, value, choices, onChoose }: ChoiceProps) {
  return (
    <select
      className="input"
      aria-label={t(`today.by-${name}`)}
      value={value}
      onChange={({ target }) => onChoose(target.value)}
    >
      <option value="">{t(`today.every-${name}`)}</option>
      {choices.map(([each, word]) => (
        <option key={each} value={each}>
          {word}
        </option>
      ))}
    </select>
  )
}

function ordersBehind({ from, to }: Segment, measured: Measured): string {
  const address = addressOf({ ...measured, by: null })
  address.set('segment', `${from}~${to}`)
  address.set('days', String(measured.days))
  return `/orders?${address}`
}

function segmentWords({ from, to }: Segment): string {
  return `${t(`mark.${from}`)} → ${t(`mark.${to}`)}`
}

function segmentFigures({ n, p50, p90, p95 }: SegmentFigures): string {
  if (n === 0 || p50 === null) return t('today.no-data')
  const all = [p50, p90, p95].filter((ms) => ms !== null).map(minutes)
  return `${all.join(' · ')} (n ${count(n)})`
}

function OpenByPhase({ found }: { found: DepartmentFigures }) {
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

interface LateTableProps {
  late: LateCase[]
  /** Null for who only looks on. */
  onAct: ((act: LeadAct, row: LateCase) => void) | null
}

function LateTable({ late, onAct }: LateTableProps) {
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

/** What each number means, and the same numbers as a table. */
function Definitions({ found }: { found: DepartmentFigures }) {
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
