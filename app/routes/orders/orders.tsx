/** All orders one may see, newest first: where each stands. */
import { useMemo, useState } from 'react'
import { type LoaderFunctionArgs, useLoaderData, useNavigate, useSearchParams } from 'react-router'
import { type Days, figures } from '#app/server/figures.ts'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { findOrders, type OrderFilter, type OrderSummary } from '#db/queries/orders.ts'
import { sites } from '#db/queries/sites.ts'
import { MARKS } from '#domain/segments.ts'
import { similarAmong } from '#domain/similar-people.ts'
import { PHASES, type Phase } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { dayStart } from '../../ui/day-start.ts'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { count, NONE, spanInWords, timeOrDay } from '../../ui/format.ts'
import { useSexAge } from '../../ui/identity-banner.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { writtenName } from '../../ui/person-name.ts'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { Priority } from '../../ui/priority.tsx'
import { Screen } from '../../ui/screen.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { type Column, WorklistTable } from '../../worklist/worklist-table.tsx'

const PAGE = 200

/** What a number elsewhere counts: `show`, or the orders behind a segment of turnaround, slowest first. */
const SHOWS = ['open', 'late', 'delivered-today', 'to-mend'] as const
type Show = (typeof SHOWS)[number]

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('orders'))
  const { person, server } = signedIn
  const search = new URL(args.request.url).searchParams
  const asked = search.get('phase')
  const phase = PHASES.find((each) => each === asked)
  const segment = await segmentOf(signedIn, search)
  if (segment) return { orders: segment.orders, next: null, segment: segment.segment }
  const after = afterOf(search.get('after'))
  const asFilter = await filterOf(signedIn, search.get('show'))
  const found = await findOrders(server.department.sql, person.actor, {
    limit: PAGE + 1,
    ...asFilter,
    ...(phase && { phase }),
    ...(after && { after }),
  })
  const last = found.length > PAGE ? found[PAGE - 1] : undefined
  return {
    orders: found.slice(0, PAGE),
    next: last ? `${last.receivedAt.toISOString()}~${last.id}` : null,
    segment: null,
  }
}

async function filterOf({ person, server }: SignedIn, show: string | null): Promise<Partial<OrderFilter>> {
  const now = await server.department.now()
  if (show === 'open') return { open: true }
  if (show === 'late') return { open: true, lateAt: now }
  if (show === 'to-mend') return { toMend: true }
  if (show !== 'delivered-today') return {}
  const [site] = await sites(server.department.sql, person.sites)
  return { deliveredSince: dayStart(now, site?.zone ?? 'UTC') }
}

/** Null unless the address names a segment; of an order, the slowest procedure's time stands. */
async function segmentOf(signedIn: SignedIn, search: URLSearchParams) {
  const [from, to] = (search.get('segment') ?? '')
    .split('~')
    .map((text) => MARKS.find((mark) => mark === text))
  if (!from || !to) return null
  const { person, server } = signedIn
  const now = await server.department.now()
  const [site] = await sites(server.department.sql, person.sites)
  const days = DAYS.find((each) => each === Number(search.get('days'))) ?? 1
  const { segments } = await figures(signedIn, days, { now, dayStart: dayStart(now, site?.zone ?? 'UTC') })
  const slowest = segments.find((each) => each.from === from && each.to === to)?.slowest ?? []
  const times: Record<string, number> = {}
  for (const { orderId, ms } of slowest) times[orderId] ??= ms
  const ids = Object.keys(times)
  const orders =
    ids.length > 0 ? await findOrders(server.department.sql, person.actor, { ids, limit: PAGE }) : []
  orders.sort((a, b) => (times[b.id] ?? 0) - (times[a.id] ?? 0))
  return { orders, segment: { from, to, times } }
}

const DAYS: Days[] = [1, 7, 28]

function afterOf(text: string | null): { receivedAt: Date; id: string } | undefined {
  const [at = '', id = ''] = (text ?? '').split('~')
  return id && !Number.isNaN(Date.parse(at)) ? { receivedAt: new Date(at), id } : undefined
}

export function meta() {
  return [{ title: `${t('nav.orders')} · ${t('app.name')}` }]
}

const personKey = ({ patientId, patientIssuer }: OrderSummary) => `${patientIssuer} ${patientId}`

type OrderRow = OrderSummary & {
  orderId: string
  isStat: boolean
  isSimilar: boolean
  ms: number | undefined
}

const TOPICS = [
  'order.received',
  'order.changed',
  'order.ended',
  'order.closed',
  'step.scheduled',
  'step.arrived',
  'step.started',
  'performed-step.begun',
  'performed-step.ended',
  'images.arrived',
  'completeness.decided',
  'quality.accepted',
  'report.preliminary',
  'report.signed',
  'report.released',
  'delivery.acknowledged',
]

export default function Orders() {
  const { orders, next, segment } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const navigate = useNavigate()
  const [search, setSearch] = useSearchParams()
  const phase = search.get('phase')
  const show = SHOWS.find((each) => each === search.get('show'))
  const similar = useMemo(
    () => similarAmong(orders.map((order) => ({ ...order, id: personKey(order), name: order.patientName }))),
    [orders],
  )
  const rows: OrderRow[] = orders.map((order) => ({
    ...order,
    orderId: order.id,
    isStat: order.priority === 'stat',
    isSimilar: similar.has(personKey(order)),
    ms: segment?.times[order.id],
  }))
  const [cursorId, setCursor] = useKeptCursor(`orders:${search}`, rows)
  const [isChoosing, setChoosing] = useState(false)
  const filter = (chosen: { phase?: Phase | undefined; show?: Show | undefined }) => {
    setChoosing(false)
    setSearch(
      { ...(chosen.phase && { phase: chosen.phase }), ...(chosen.show && { show: chosen.show }) },
      { preventScrollReset: true },
    )
  }
  const shownPhase = PHASES.find((each) => each === phase)
  const open = (id: string | null | undefined) => id && void navigate(`/orders/${id}`)
  const current = rows.find(({ id }) => id === cursorId) ?? rows[0]
  return (
    <Screen
      label={t('nav.orders')}
      className="list-screen"
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        { chord: 'Enter', word: t('reading.timeline'), where: 'list' },
        {
          chord: 'T',
          word: t('reading.timeline'),
          where: 'list',
          run: () => open(current?.id),
          silent: true,
        },
        { chord: 'F', word: t('orders.filter'), where: 'list', run: () => setChoosing(!isChoosing) },
      ]}
    >
      <div className="toolbar">
        <h1 className="strong">{t('nav.orders')}</h1>
        {phase ? (
          <button type="button" className="chip on" onClick={() => filter({ show })}>
            {t('column.phase')} <b>{wordFor('phase', phase)}</b> ×
          </button>
        ) : null}
        {show ? (
          <button type="button" className="chip on" onClick={() => filter({ phase: shownPhase })}>
            {t('orders.show')} <b>{t(`orders.show-${show}`)}</b> ×
          </button>
        ) : null}
        {segment ? (
          <button type="button" className="chip on" onClick={() => filter({})}>
            {t('orders.segment')}{' '}
            <b>
              {t(`mark.${segment.from}`)} → {t(`mark.${segment.to}`)}
            </b>{' '}
            ×
          </button>
        ) : null}
        <button
          type="button"
          className="chip dashed"
          aria-expanded={isChoosing}
          onClick={() => setChoosing(!isChoosing)}
        >
          + {t('orders.filter')} <kbd>F</kbd>
        </button>
        <span className="push text-3">
          {count(rows.length)}
          {next ? '+' : ''} · {t(segment ? 'orders.slowest' : 'orders.sorted')}
        </span>
        {next ? (
          <Button onClick={() => setSearch({ ...(phase && { phase }), ...(show && { show }), after: next })}>
            {t('orders.older')}
          </Button>
        ) : null}
      </div>
      <div>
        {isChoosing ? (
          <div className="toolbar chips phase-choice">
            {PHASES.map((each) => (
              <button
                key={each}
                type="button"
                className="chip"
                aria-pressed={each === phase}
                onClick={() => filter({ phase: each, show })}
              >
                {t(`phase.${each}`)}
              </button>
            ))}
            {SHOWS.map((each) => (
              <button
                key={each}
                type="button"
                className="chip"
                aria-pressed={each === show}
                onClick={() => filter({ phase: shownPhase, show: each })}
              >
                {t(`orders.show-${each}`)}
              </button>
            ))}
          </div>
        ) : null}
      </div>
      <WorklistTable
        name={`orders:${search}`}
        label={t('nav.orders')}
        rows={rows}
        columns={segment ? BY_TIME : COLUMNS}
        cursorId={current?.id ?? null}
        onCursor={setCursor}
        onOpen={({ id }) => open(id)}
        empty={<EmptyState title={t('orders.empty')}>{t('orders.empty-why')}</EmptyState>}
      />
    </Screen>
  )
}

const COLUMNS: Column<OrderRow>[] = [
  {
    key: 'received',
    head: t('orders.received'),
    width: '132px',
    sorted: 'descending',
    cell: (row) => <At at={row.receivedAt} />,
  },
  {
    key: 'accession',
    head: t('identity.accession'),
    width: '124px',
    cell: (row) => <span className="mono">{row.accession}</span>,
  },
  {
    key: 'priority',
    head: t('column.priority'),
    width: '84px',
    cell: (row) => <Priority value={row.priority} />,
    words: (row) => row.priority,
  },
  {
    key: 'patient',
    head: t('column.patient'),
    width: 'minmax(240px, 1fr)',
    cell: (row) => <PatientName name={row.patientName} similar={row.isSimilar} />,
    words: (row) => `${writtenName(row.patientName)}${row.isSimilar}`,
  },
  { key: 'sex-age', head: t('column.sex-age'), width: '72px', cell: (row) => <SexAge {...row} /> },
  {
    key: 'mrn',
    head: t('identity.mrn'),
    width: '110px',
    cell: (row) => <span className="mono">{row.patientId}</span>,
  },
  {
    key: 'procedure',
    head: t('column.procedure'),
    width: 'minmax(200px, 1fr)',
    cell: (row) => <span className="ellipsis">{row.procedures.map(({ name }) => name).join(', ')}</span>,
  },
  {
    key: 'phase',
    head: t('column.phase'),
    width: '124px',
    cell: (row) => <PhaseTag phase={row.phase} />,
    words: (row) => row.phase,
  },
  {
    key: 'work',
    head: t('orders.work'),
    width: '220px',
    cell: (row) => (
      <span className="ellipsis text-2">
        {row.workItems
          .map(({ kind, holder }) => `${wordFor('work', kind)}${holder ? `: ${holder}` : ''}`)
          .join(', ')}
      </span>
    ),
    words: (row) => row.workItems.map(({ kind, holder }) => `${kind} ${holder}`).join(),
  },
]

const TIME: Column<OrderRow> = {
  key: 'ms',
  head: t('orders.time'),
  width: '104px',
  sorted: 'descending',
  cell: ({ ms }) => (ms === undefined ? NONE : spanInWords(ms)),
  words: ({ ms }) => (ms === undefined ? NONE : spanInWords(ms)),
}

const BY_TIME: Column<OrderRow>[] = [TIME, ...COLUMNS.map(({ sorted: _, ...column }) => column)]

function At({ at }: { at: Date }) {
  return timeOrDay(at, useZone(), useDepartmentNow())
}

function SexAge(row: { sex: string | null; birthDate: string | null }) {
  return useSexAge(row).replace(' · ', ' ')
}
