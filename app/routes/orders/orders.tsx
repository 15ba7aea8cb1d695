/** All orders one may see, newest first: where each stands. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import {
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
  useSearchParams,
} from 'react-router'
import { type Days, figures, hourOf, populationOf, segmentAsked } from '#app/server/figures.ts'
import { requireUser, type SignedIn } from '#app/server/guard.ts'
import { askedView } from '#app/server/list-bar.ts'
import { folderedOrders, foldersOf } from '#db/queries/case-folders.ts'
import { countOrders, findOrders, type OrderFilter, type OrderSummary } from '#db/queries/orders.ts'
import { sites } from '#db/queries/sites.ts'
import { localDate } from '#domain/calendar.ts'
import { writeFilter } from '#domain/list-filter.ts'
import { similarAmong } from '#domain/similar-people.ts'
import { PHASES } from '#domain/words.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { dayStart } from '../../ui/day-start.ts'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { NONE, spanInWords, timeOrDay } from '../../ui/format.ts'
import { useSexAge } from '../../ui/identity-banner.tsx'
import { EmptyState } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { writtenName } from '../../ui/person-name.ts'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { Priority } from '../../ui/priority.tsx'
import { Screen } from '../../ui/screen.tsx'
import { FolderTabs, useCaseFolders } from '../../worklist/case-folders.tsx'
import { FilterBar, viewKeys } from '../../worklist/filter-bar.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { ListTabs } from '../../worklist/list-tabs.tsx'
import { useListView } from '../../worklist/use-list-view.ts'
import { type Column, WorklistTable } from '../../worklist/worklist-table.tsx'
import { populationWords } from '../department-head/population-words.ts'

const PAGE = 200

/** What a number elsewhere counts: `show`, or the orders behind a segment of turnaround, slowest first. */
const SHOWS = ['open', 'late', 'delivered-today', 'to-mend'] as const

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('orders'))
  const { person, server } = signedIn
  const { sql } = server.department
  const search = new URL(args.request.url).searchParams
  const { filter: chips, bar } = await askedView(signedIn, 'orders', narrowedBy(search))
  const mine = await foldersFor(signedIn, search.get('folder'))
  const segment = await segmentOf(signedIn, search)
  if (segment) {
    const { orders, next, total } = segment
    return { orders, next, segment: segment.segment, bar: bar({}, total), mine: mine.folders }
  }
  const after = afterOf(search.get('after'))
  const now = await server.department.now()
  const [site] = await sites(sql, person.sites)
  const asking = { userId: person.id, now, today: localDate(site?.zone ?? 'UTC', now) }
  const filter = { ...(await filterOf(signedIn, search.get('show'))), ...mine.filter, chips, asking }
  const [found, total] = await Promise.all([
    findOrders(sql, person.actor, { limit: PAGE + 1, ...filter, ...(after && { after }) }),
    // A page further down belongs to a list that is counted already.
    after ? 0 : countOrders(sql, person.actor, filter),
  ])
  const last = found.length > PAGE ? found[PAGE - 1] : undefined
  return {
    orders: found.slice(0, PAGE).map((order): ListedOrder => order),
    next: last ? `${last.receivedAt.toISOString()}~${last.id}` : null,
    segment: null,
    bar: bar({}, total),
    mine: mine.folders,
  }
}

/** The person's folders; an address that names one narrows the list to what is in it and may be seen. */
async function foldersFor({ person, server }: SignedIn, folderId: string | null) {
  const { sql } = server.department
  const [all, ids] = await Promise.all([
    foldersOf(sql, person.id),
    folderId === null ? null : folderedOrders(sql, person.id, folderId),
  ])
  return {
    folders: { topic: `folders:${person.id}`, shown: ids && folderId, all },
    filter: ids ? { ids } : {},
  }
}

/** A number elsewhere links to a phase: it is one chip. */
function narrowedBy(search: URLSearchParams): URLSearchParams {
  const phase = PHASES.find((each) => each === search.get('phase'))
  if (!phase || search.has('filter')) return search
  return new URLSearchParams({ ...Object.fromEntries(search), filter: writeFilter({ phase: [phase] }) })
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

/** Of an order behind a segment, how long it took: its slowest procedure. */
type ListedOrder = OrderSummary & { ms?: number }

/** Null unless the address names a segment: exactly the orders that its number was measured on, slowest first. */
async function segmentOf(signedIn: SignedIn, search: URLSearchParams) {
  const asked = segmentAsked(search.get('segment'))
  if (!asked) return null
  const { person, server } = signedIn
  const { sql } = server.department
  const now = await server.department.now()
  const own = await sites(sql, person.sites)
  const days = DAYS.find((each) => each === Number(search.get('days'))) ?? 1
  const of = populationOf(search, own)
  const hour = hourOf(search)
  const { segments } = await figures(signedIn, days, {
    ...{ now, of },
    zone: own[0]?.zone ?? 'UTC',
  })
  const measured = segments
    .filter(({ from, to }) => from === asked.from && to === asked.to)
    .flatMap(({ slowest }) => slowest.filter((each) => hour === null || each.hour === hour))
  const times = new Map<string, number>()
  for (const { orderId, ms } of measured) if (!times.has(orderId)) times.set(orderId, ms)
  const page = pageOfTimes([...times], search.get('after'))
  const msOf = new Map(page.times)
  const found =
    msOf.size > 0 ? await findOrders(sql, person.actor, { ids: [...msOf.keys()], limit: PAGE }) : []
  const orders = found.map((order): ListedOrder => ({ ...order, ms: msOf.get(order.id) ?? 0 }))
  return {
    orders: orders.sort(slowestFirst),
    next: page.next,
    total: times.size,
    segment: { ...asked, of, hour, procedures: measured.length },
  }
}

/** One page by its key, `time~id`: what is measured meanwhile moves no order to where it is missed or shown twice. */
function pageOfTimes(
  all: readonly [string, number][],
  after: string | null,
): { times: [string, number][]; next: string | null } {
  const [ms, id = ''] = (after ?? '').split('~')
  const key = id === '' ? null : { id, ms: Number(ms) }
  const sorted = all.map(([id, ms]) => ({ id, ms })).sort(slowestFirst)
  const rest = key ? sorted.filter((each) => slowestFirst(each, key) > 0) : sorted
  const last = rest.length > PAGE ? rest[PAGE - 1] : undefined
  return {
    times: rest.slice(0, PAGE).map((each) => [each.id, each.ms]),
    next: last ? `${last.ms}~${last.id}` : null,
  }
}

interface Timed {
  id: string
  ms?: number
}

function slowestFirst(one: Timed, other: Timed): number {
  return (other.ms ?? 0) - (one.ms ?? 0) || (one.id < other.id ? 1 : one.id > other.id ? -1 : 0)
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

type OrderRow = ListedOrder & {
  orderId: string
  isStat: boolean
  isSimilar: boolean
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
  'phase',
  'exceptions',
  'views:orders',
]

export default function Orders() {
  const loaded = useLoaderData<typeof loader>()
  const { segment, bar, mine } = loaded
  useLive([...TOPICS, mine.topic])
  const navigate = useNavigate()
  const [search, setSearch] = useSearchParams()
  const view = useListView(bar)
  const show = SHOWS.find((each) => each === search.get('show'))
  const { orders, more } = usePages(loaded, search)
  const similar = useMemo(
    () => similarAmong(orders.map((order) => ({ ...order, id: personKey(order), name: order.patientName }))),
    [orders],
  )
  const rows: OrderRow[] = useMemo(
    () =>
      orders.map((order) => ({
        ...order,
        orderId: order.id,
        isStat: order.priority === 'stat',
        isSimilar: similar.has(personKey(order)),
      })),
    [orders, similar],
  )
  const name = `${view.name}:${show}:${segment?.from}:${mine.shown}`
  const cursor = useKeptCursor(name, rows)
  const change = (field: 'show' | 'segment' | 'folder', value: string | null) => {
    const next = new URLSearchParams(search)
    if (value === null) next.delete(field)
    else next.set(field, value)
    setSearch(next, { preventScrollReset: true })
  }
  const open = (id: string | null | undefined) => id && void navigate(`/orders/${id}`)
  const { current } = cursor
  const columns = segment ? BY_TIME : COLUMNS
  const folders = useCaseFolders(current)
  return (
    <Screen
      label={t('nav.orders')}
      className="list-screen viewed"
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
        folders.key,
        ...viewKeys(view),
      ]}
    >
      {folders.panel}
      <div className="toolbar">
        <h1 className="strong">{t('nav.orders')}</h1>
        <ListTabs view={mine.shown ? { ...view, bar: { ...bar, viewId: '' } } : view} />
        <FolderTabs mine={mine} onShow={(folderId) => change('folder', folderId)} />
        <span className="push text-3">
          {segment ? t('orders.segment-note', { n: segment.procedures }) : t('orders.sorted')}
        </span>
      </div>
      <FilterBar view={view} columns={columns}>
        {SHOWS.map((each) => (
          <button
            key={each}
            type="button"
            className="chip"
            aria-pressed={each === show}
            onClick={() => change('show', each === show ? null : each)}
          >
            {t(`orders.show-${each}`)}
          </button>
        ))}
        {segment ? (
          <button type="button" className="chip on" onClick={() => change('segment', null)}>
            {t('orders.segment')}{' '}
            <b>
              {[
                `${t(`mark.${segment.from}`)} → ${t(`mark.${segment.to}`)}`,
                ...populationWords(segment),
              ].join(' · ')}
            </b>{' '}
            ×
          </button>
        ) : null}
      </FilterBar>
      <WorklistTable
        name={name}
        label={t('nav.orders')}
        rows={rows}
        total={Math.max(bar.shown, rows.length)}
        columns={columns}
        layout={view.layout}
        onLayout={view.setLayout}
        onNearEnd={more}
        cursorId={cursor.id}
        onCursor={cursor.move}
        onOpen={({ id }) => open(id)}
        empty={
          mine.shown ? (
            <EmptyState title={t('folder.empty')}>{t('folder.empty-why')}</EmptyState>
          ) : (
            <EmptyState title={t('orders.empty')}>{t('orders.empty-why')}</EmptyState>
          )
        }
      />
    </Screen>
  )
}

type Loaded = ReturnType<typeof useLoaderData<typeof loader>>

/**
 * The first page, live, and those below it that were asked for. An order's place never changes: what new orders push off
 * the first page is known from before, and a key of it continues the list. (Behind a segment a place changes when a
 * procedure of an order is measured later; an order that rose stands once, where the first page has it.)
 */
function usePages(
  first: Loaded,
  search: URLSearchParams,
): { orders: Loaded['orders']; more: (() => void) | undefined } {
  const of = search.toString()
  const asking = useFetcher<typeof loader>()
  const [below, setBelow] = useState<{ of: string; orders: Loaded['orders']; next: string | null } | null>(
    null,
  )
  const kept = below?.of === of ? below : null
  const asked = useRef({ of: '', next: '' })
  const { data } = asking
  // Asked once, and answered again with every load of the screen: an order that is known takes its newest row.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each answer
  useEffect(() => {
    if (!data || asked.current.of !== of) return
    setBelow((before) => {
      const known = before?.of === of ? before.orders : first.orders
      const all = new Map([...known, ...data.orders].map((order) => [order.id, order]))
      return { of, orders: [...all.values()], next: data.next }
    })
  }, [data])
  const orders = useMemo(() => {
    const last = first.orders.at(-1)
    if (!kept || !last) return first.orders
    const onFirst = new Set(first.orders.map(({ id }) => id))
    const below = kept.orders.filter((order) => isBelow(order, last) && !onFirst.has(order.id))
    return [...first.orders, ...below]
  }, [first.orders, kept])
  const next = kept ? kept.next : first.next
  const { load, state } = asking
  const more = useCallback(() => {
    if (!next || state !== 'idle' || (asked.current.of === of && asked.current.next === next)) return
    asked.current = { of, next }
    const query = new URLSearchParams(of)
    query.set('after', next)
    void load(`/orders?${query}`)
  }, [next, state, of, load])
  return { orders, more: next ? more : undefined }
}

function isBelow(order: ListedOrder, last: ListedOrder): boolean {
  if (order.ms !== undefined || last.ms !== undefined) return slowestFirst(order, last) > 0
  const byTime = order.receivedAt.getTime() - last.receivedAt.getTime()
  return byTime < 0 || (byTime === 0 && order.id < last.id)
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
    cell: (row) => <span className="two-lines">{row.procedures.map(({ name }) => name).join(', ')}</span>,
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
      <span className="two-lines text-2">
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
