/** Critical results: who must hear of what, how long is left, and whom to call next. */
import '../../reporting/critical.css'
import './critical-results.css'
import { useRef } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useLoaderData,
  useNavigate,
} from 'react-router'
import { criticalAct } from '#app/server/critical-acts.ts'
import { criticalEverywhere } from '#app/server/critical-view.ts'
import { requireUser } from '#app/server/guard.ts'
import type { CriticalOnScreen } from '#db/queries/critical-results.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { CriticalForm } from '../../reporting/critical-form.tsx'
import { formInUse, Spoken } from '../../reporting/critical-panel.tsx'
import { t, wordFor } from '../../strings/words.ts'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { clockTime, count, timeOrDay } from '../../ui/format.ts'
import { EmptyState } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { Screen } from '../../ui/screen.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { type Column, WorklistTable } from '../../worklist/worklist-table.tsx'

export async function loader(args: LoaderFunctionArgs) {
  return criticalEverywhere(await requireUser(args, rolesWith('critical-results')))
}

/** `intent` and fields as app/server/critical-acts.ts says; the reading room's panel asks here too. */
export async function action(args: ActionFunctionArgs) {
  const signedIn = await requireUser(args, rolesWith('critical-results'))
  const done = await criticalAct(signedIn, await args.request.formData())
  if (done === null) throw data(null, { status: 400 })
  return done
}

export function meta() {
  return [{ title: `${t('nav.critical-results')} · ${t('app.name')}` }]
}

type Row = CriticalOnScreen & { isStat: boolean }

const COLUMNS: Column<Row>[] = [
  {
    key: 'level',
    head: t('critical.level'),
    width: '52px',
    cell: ({ level }) => level,
    words: ({ level }) => String(level),
  },
  {
    key: 'left',
    head: t('column.time-left'),
    width: '136px',
    align: 'right',
    sorted: 'ascending',
    cell: (row) => <LeftOrEnded row={row} />,
  },
  {
    key: 'patient',
    head: t('column.patient'),
    width: 'minmax(200px, 0.8fr)',
    cell: ({ patient }) => <PatientName name={patient.name} />,
  },
  {
    key: 'finding',
    head: t('critical.finding'),
    width: 'minmax(220px, 1.3fr)',
    cell: ({ finding }) => <span className="two-lines">{finding}</span>,
  },
  {
    key: 'procedure',
    head: t('column.procedure'),
    width: 'minmax(164px, 0.6fr)',
    cell: ({ procedure }) => <span className="two-lines">{procedure}</span>,
  },
  {
    key: 'contact',
    head: t('critical.contact'),
    width: 'minmax(170px, 0.8fr)',
    cell: (row) => <span className="two-lines">{contactOf(row)}</span>,
    words: contactOf,
  },
]

function contactOf({ contact, told }: Row): string {
  if (contact) return [wordFor('critical.rung', contact.rung), contact.name].filter(Boolean).join(' · ')
  return told?.recipient ?? ''
}

function LeftOrEnded({ row: { state, dueAt, foundAt, lateAt, endedAt } }: { row: Row }) {
  const zone = useZone()
  if (state === 'open')
    return (
      <TimeLeft
        allowance={{
          dueAt: dueAt.toISOString(),
          from: foundAt.toISOString(),
          lateAt: lateAt?.toISOString() ?? null,
        }}
      />
    )
  return (
    <span className={lateAt ? 'late' : 'text-2'}>
      {t(`critical.ended-${state}`, { time: endedAt ? clockTime(endedAt, zone) : '' })}
    </span>
  )
}

export default function CriticalResults() {
  const view = useLoaderData<typeof loader>()
  useLive(['list:critical'])
  const navigate = useNavigate()
  const first = useRef<HTMLInputElement>(null)
  const detail = useRef<HTMLElement>(null)
  const rows: Row[] = view.results.map((result) => ({ ...result, isStat: result.priority === 'stat' }))
  const cursor = useKeptCursor('critical', rows)
  const { shown } = cursor
  const open = rows.filter(({ state }) => state === 'open')
  function press(): void {
    const form = detail.current && formInUse(detail.current)
    if (form) form.requestSubmit()
    else first.current?.focus()
  }
  return (
    <Screen
      label={t('nav.critical-results')}
      className="list-screen critical-screen"
      keys={[
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        { chord: 'Enter', word: t('reading.timeline'), where: 'list' },
        { chord: 'Alt+C', word: t('critical.record'), run: press, disabled: shown?.state !== 'open' },
      ]}
    >
      <div className="toolbar">
        <h1 className="strong">{t('nav.critical-results')}</h1>
        <span className="push text-2">{t('critical.open-count', { n: count(open.length) })}</span>
      </div>
      <Spoken open={open} />
      <div className="critical-list-and-detail">
        <WorklistTable
          name="critical"
          label={t('nav.critical-results')}
          rows={rows}
          columns={COLUMNS}
          cursorId={cursor.id}
          onCursor={cursor.move}
          onOpen={({ orderId }) => void navigate(`/orders/${orderId}`)}
          empty={<EmptyState title={t('critical.none')}>{t('critical.none-why')}</EmptyState>}
        />
        <aside ref={detail} aria-label={t('critical.details')} className="critical-detail">
          {shown ? <Detail key={shown.id} critical={shown} view={view} first={first} /> : null}
        </aside>
      </div>
    </Screen>
  )
}

interface DetailProps {
  critical: Row
  view: ReturnType<typeof useLoaderData<typeof loader>>
  first: React.RefObject<HTMLInputElement | null>
}

function Detail({ critical, view, first }: DetailProps) {
  return (
    <>
      <p className="critical-who">
        <PatientName name={critical.patient.name} /> <span className="mono">{critical.accession}</span>{' '}
        <span className="text-2">{critical.procedure}</span>
      </p>
      {critical.state === 'open' ? (
        <CriticalForm critical={critical} view={view} first={first} />
      ) : (
        <Ended critical={critical} />
      )}
    </>
  )
}

/** The six fields as they were written down, or who withdrew it and why. */
function Ended({ critical: { finding, foundAt, foundBy, told, withdrawn, lateAt } }: { critical: Row }) {
  const zone = useZone()
  const now = useDepartmentNow()
  const time = (at: Date) => timeOrDay(at, zone, now)
  const pairs: [string, string][] = [
    [t('critical.finding'), finding],
    [t('critical.found-at'), `${time(foundAt)} · ${foundBy}`],
    ...(told
      ? ([
          [t('critical.recipient'), told.recipient],
          [t('critical.told-at'), time(told.at)],
          [t('critical.method'), wordFor('critical.method', told.method)],
          [t('critical.communicator'), told.communicator],
        ] as [string, string][])
      : []),
    ...(withdrawn
      ? ([
          [t('critical.withdrawn-by'), `${withdrawn.by}, ${withdrawn.second}`],
          [t('critical.withdraw-reason'), withdrawn.reason],
        ] as [string, string][])
      : []),
  ]
  return (
    <section className="critical" aria-label={t('critical.details')}>
      <dl className="pairs">
        {pairs.map(([name, value]) => (
          <div key={name} className="critical-pair">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {lateAt ? <p className="late">{t('critical.was-late')}</p> : null}
    </section>
  )
}
