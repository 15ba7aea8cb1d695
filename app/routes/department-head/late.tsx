/** Late and at risk: every promise that is broken or will be within the hour, who has it and why. */
import { useCallback } from 'react'
import {
  type ActionFunctionArgs,
  type ClientLoaderFunctionArgs,
  type LoaderFunctionArgs,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { type LateCase, type LateList, lateList } from '#app/server/late-cases.ts'
import { leadAct } from '#app/server/lead-acts.ts'
import { answer } from '#app/server/refusal.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { EmptyState } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { caseColumns } from '../../worklist/case-columns.tsx'
import { FilterBar, viewKeys } from '../../worklist/filter-bar.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { listSource } from '../../worklist/list-source.ts'
import { ListTabs } from '../../worklist/list-tabs.tsx'
import { useListView } from '../../worklist/use-list-view.ts'
import { type Column, WorklistTable } from '../../worklist/worklist-table.tsx'
import { CallState, useLeadActs } from './lead-acts.tsx'
import { ownerOf, whyLate } from './why-late.ts'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('late'))
  return lateList(signedIn, new URL(args.request.url).searchParams)
}

const list = listSource<LateCase, Omit<LateList, 'late'>>({ rows: '/late/rows', screen: '/late' })

/** The page brings its first rows itself; from then on only what the screen lacks travels. */
export async function clientLoader({ request, serverLoader }: ClientLoaderFunctionArgs) {
  return (await list.load(new URL(request.url).searchParams)) ?? serverLoader<typeof loader>()
}

/**
 * `intent`: reassign (itemId, userId; empty: nobody's) · re-room (stepId, roomId, start) · call-in (itemId, userId) ·
 * withdraw-call (callId). Who only looks on is refused by each act itself.
 */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('late'))
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  return answer(() => leadAct(signedIn, text('intent'), text))
}

export function meta() {
  return [{ title: `${t('nav.late')} · ${t('app.name')}` }]
}

/** Worklists go by priority; here the promise that breaks first stands first. */
function soonestFirst({ sorted: _, ...column }: Column<LateCase>): Column<LateCase> {
  return column.head === t('column.time-left') ? { ...column, sorted: 'ascending' } : column
}

const COLUMNS: Column<LateCase>[] = [
  ...(
    caseColumns(
      'priority',
      'timeLeft',
      'patient',
      'sexAge',
      'procedure',
      'place',
      'phase',
    ) as Column<LateCase>[]
  ).map(soonestFirst),
  { key: 'work', head: t('orders.work'), width: '120px', cell: (row) => wordFor('work', row.kind) },
  {
    key: 'owner',
    head: t('late.owner'),
    width: '158px',
    cell: (row) => (
      <span className="ellipsis">{row.call ? <CallState call={row.call} /> : ownerOf(row)}</span>
    ),
    words: (row) => `${ownerOf(row)}${row.call?.answer}`,
  },
  {
    key: 'cause',
    head: t('late.cause'),
    width: 'minmax(170px, 0.8fr)',
    cell: (row) => <span className="two-lines">{whyLate(row)}</span>,
  },
]

export default function Late() {
  const loaded = useLoaderData<Awaited<ReturnType<typeof clientLoader>>>()
  const late = 'late' in loaded ? loaded.late : loaded.rows
  const { bar, mayAct } = loaded
  const view = useListView(bar)
  const again = useLive([
    'work-item.opened',
    'work-item.claimed',
    'work-item.released',
    'work-item.expired',
    'work-item.taken-over',
    'work-item.paused',
    'work-item.resumed',
    'work-item.completed',
    'work-item.cancelled',
    'work-item.reassigned',
    'step.scheduled',
    'call-ins',
    'escalation.fired',
    'order.ended',
    'views:late',
  ])
  const more = useCallback(() => {
    list.wantMore()
    again()
  }, [again])
  const navigate = useNavigate()
  const cursor = useKeptCursor(view.name, late)
  const acts = useLeadActs(cursor.current, mayAct)
  return (
    <Screen
      label={t('nav.late')}
      className="list-screen late-screen viewed"
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        { chord: 'Enter', word: t('reading.timeline'), where: 'list' },
        ...acts.keys,
        ...viewKeys(view),
      ]}
    >
      <div className="toolbar">
        <h1 className="strong">{t('nav.late')}</h1>
        <ListTabs view={view} />
      </div>
      <FilterBar view={view} columns={COLUMNS} />
      <WorklistTable
        name={view.name}
        label={t('nav.late')}
        rows={late}
        total={bar.shown}
        columns={COLUMNS}
        layout={view.layout}
        onLayout={view.setLayout}
        onNearEnd={late.length < bar.shown ? more : undefined}
        cursorId={cursor.id}
        onCursor={cursor.move}
        onOpen={({ orderId }) => void navigate(`/orders/${orderId}`)}
        empty={<EmptyState title={t('today.none-late')}>{t('today.none-late-why')}</EmptyState>}
      />
      {acts.panel}
    </Screen>
  )
}
