/** Who is on the table, who is next, are they ready, how late are we? */
import './scan-queue.css'
import { useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
  useSearchParams,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { arrive, beginStep, endExam, undoArrive } from '#db/mutations/steps.ts'
import { type ScanRoom, type ScanStep, scanDay } from '#db/queries/scan-queue.ts'
import { useScan } from '../../keys/key-layer.tsx'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { calendarDate, clockTime, count, duration, elapsed, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { useSexAge } from '../../ui/identity-banner.tsx'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { nameParts, writtenName } from '../../ui/person-name.ts'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { Priority } from '../../ui/priority.tsx'
import { Screen } from '../../ui/screen.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { type Column, type WorklistRow, WorklistTable } from '../../worklist/worklist-table.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('scan-queue'))
  const { department } = server
  return {
    ...(await scanDay(department.sql, person.actor, await department.now())),
    mayScan: person.roles.includes('technologist'),
  }
}

const ACTS = { arrive, 'undo-arrive': undoArrive, begin: beginStep, end: endExam }

export async function action(args: ActionFunctionArgs) {
  const { server, act } = await requireUser(args, ['technologist'])
  const form = await args.request.formData()
  const run = ACTS[String(form.get('intent')) as keyof typeof ACTS]
  if (!run) throw data(null, { status: 400 })
  return answer(async () => {
    await run(server.department, await act(), { stepId: String(form.get('stepId')) })
    return {}
  })
}

export function meta() {
  return [{ title: `${t('nav.scan-queue')} · ${t('app.name')}` }]
}

type QueueRow = ScanStep & WorklistRow
const WAITING = ['scheduled', 'arrived', 'ready']
const TOPICS = [
  'list:perform',
  'step.scheduled',
  'step.unscheduled',
  'step.arrived',
  'step.ready',
  'step.started',
  'step.departed',
  'step.discontinued',
  'step.cancelled',
  'step.no-show',
  'performed-step.begun',
  'performed-step.updated',
  'performed-step.ended',
  'images.arrived',
  'order.changed',
  'order.ended',
  'quality.accepted',
  'quality.rejected',
]

export default function ScanQueue() {
  const { rooms, steps, mayScan } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const [room, setRoom] = useRoom(rooms)
  const inRoom = steps.filter((step) => step.roomId === room?.id)
  const onTable = inRoom.filter(({ status }) => status === 'started')
  const queue = inRoom.filter(({ status }) => WAITING.includes(status)).map(queueRow)
  const done = inRoom.filter(({ status }) => status === 'departed' || status === 'discontinued')
  const [cursorId, setCursor] = useKeptCursor(`scan:${room?.id}`, queue)
  const current = queue.find(({ id }) => id === cursorId) ?? queue[0]
  const [scanned, setScanned] = useState<string | null>(null)
  const acting = useFetcher<typeof action>()
  const navigate = useNavigate()
  useScan(setScanned)
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && !acting.data.ok ? acting.data.sentence : null
  const submit = (intent: keyof typeof ACTS, stepId: string) =>
    void acting.submit({ intent, stepId }, { method: 'post', action: '/scan-queue' })
  const match = matchOf(current, scanned)
  const [table] = onTable
  const beginBlocked = !current
    ? t('scan.nobody-waits')
    : table
      ? t('scan.table-taken')
      : match === 'differs'
        ? t('scan.wristband-differs')
        : null
  function primary(): void {
    if (table) submit('end', table.stepId)
    else if (current && !beginBlocked) submit('begin', current.stepId)
  }
  const stepRoom = () =>
    setRoom(rooms[(rooms.findIndex(({ id }) => id === room?.id) + 1) % rooms.length]?.id ?? '')

  return (
    <Screen
      label={t('nav.scan-queue')}
      className="scan-queue"
      fact={t('scan.letters')}
      keys={[
        { chord: 'Alt+R', word: t('scan.next-room'), run: stepRoom },
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        {
          chord: 'Alt+A',
          word: t('scan.arrived'),
          run: () => current && submit('arrive', current.stepId),
          disabled: !mayScan || current?.status !== 'scheduled',
        },
        {
          chord: 'Alt+Enter',
          word: table ? t('scan.end') : t('scan.begin'),
          run: primary,
          disabled: !mayScan,
        },
        {
          chord: 'Alt+L',
          word: t('reading.timeline'),
          run: () => current && void navigate(`/orders/${current.orderId}`),
        },
        {
          chord: 'Escape',
          word: t('scan.scan-again'),
          run: () => setScanned(null),
          silent: true,
          disabled: scanned === null,
        },
      ]}
    >
      <h1 className="visually-hidden">{t('nav.scan-queue')}</h1>
      <nav className="room-strip" aria-label={t('scan.rooms')}>
        {rooms.map((each) => (
          <RoomButton
            key={each.id}
            room={each}
            isChosen={each.id === room?.id}
            onChoose={() => setRoom(each.id)}
          />
        ))}
      </nav>
      <div className="scan-main">
        <div className="scan-left">
          {table ? (
            <OnTable step={table} busy={isBusy} mayScan={mayScan} onEnd={() => submit('end', table.stepId)} />
          ) : (
            <section className="panel on-table free">
              <p className="text-3">{t('scan.table-free')}</p>
            </section>
          )}
          <section className="panel scan-list">
            <header>
              <h2>{t('scan.next-in', { room: room?.name ?? '' })}</h2>
              <span className="text-3">{t('scan.waiting', { n: queue.length })}</span>
            </header>
            {refused ? <ErrorLine>{refused}</ErrorLine> : null}
            <WorklistTable
              name={`scan:${room?.id}`}
              label={t('nav.scan-queue')}
              rows={queue}
              columns={COLUMNS}
              cursorId={current?.id ?? null}
              onCursor={setCursor}
              onOpen={(row) => void navigate(`/orders/${row.orderId}`)}
              empty={<EmptyState title={t('scan.empty')}>{t('scan.empty-why')}</EmptyState>}
            />
            <DoneSteps steps={done} />
          </section>
        </div>
        <Wristband
          current={current}
          scanned={scanned}
          other={scanned ? steps.find((step) => step.identifiers.includes(scanned)) : undefined}
          onScan={setScanned}
        >
          {current && mayScan ? (
            <div className="stack">
              {current.status === 'scheduled' ? (
                <Button wide chord="Alt+A" busy={isBusy} onClick={() => submit('arrive', current.stepId)}>
                  {t('scan.arrived')}
                </Button>
              ) : current.status === 'arrived' || current.status === 'ready' ? (
                <Button wide busy={isBusy} onClick={() => submit('undo-arrive', current.stepId)}>
                  {t('scan.undo-arrived')}
                </Button>
              ) : null}
              <Button
                look={table ? 'plain' : 'primary'}
                size="big"
                wide
                chord={table ? undefined : 'Alt+Enter'}
                busy={isBusy}
                blocked={beginBlocked}
                onClick={() => submit('begin', current.stepId)}
              >
                {t('scan.begin')}
              </Button>
              <p className="button-reason">{beginBlocked ?? ' '}</p>
            </div>
          ) : null}
        </Wristband>
      </div>
    </Screen>
  )
}

function queueRow(step: ScanStep): QueueRow {
  return { ...step, id: step.stepId, isStat: step.priority === 'stat' }
}

const COLUMNS: Column<QueueRow>[] = [
  { key: 'planned', head: t('scan.planned'), width: '64px', cell: (row) => <Planned {...row} /> },
  { key: 'due', head: t('scan.due'), width: '104px', align: 'right', cell: (row) => <Due {...row} /> },
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
    width: 'minmax(200px, 1.1fr)',
    cell: (row) => <PatientName name={row.name} />,
    words: (row) => writtenName(row.name),
  },
  { key: 'sex-age', head: t('column.sex-age'), width: '72px', cell: (row) => <SexAge {...row} /> },
  {
    key: 'procedure',
    head: t('column.procedure'),
    width: 'minmax(150px, 1fr)',
    cell: (row) => (
      <span className="ellipsis" title={row.procedureName}>
        {row.procedure}
      </span>
    ),
  },
  {
    key: 'phase',
    head: t('column.phase'),
    width: '108px',
    cell: (row) => <PhaseTag phase={stepPhase(row.status)} />,
    words: (row) => row.status,
  },
  {
    key: 'where',
    head: t('scan.where'),
    width: '110px',
    cell: (row) => <span className="ellipsis">{row.location ?? NONE}</span>,
  },
]

function stepPhase(status: ScanStep['status']) {
  return status === 'ready' || status === 'arrived'
    ? 'arrived'
    : status === 'started'
      ? 'acquiring'
      : 'scheduled'
}

function Planned({ plannedStart }: ScanStep) {
  const zone = useZone()
  return plannedStart ? <b className="strong">{clockTime(plannedStart, zone)}</b> : NONE
}

function Due({ plannedStart }: ScanStep) {
  const now = useDepartmentNow()
  if (!plannedStart) return NONE
  const leftMs = plannedStart.getTime() - now.getTime()
  if (leftMs >= 0) return <b className="strong">{t('time-left.in', { duration: duration(leftMs) })}</b>
  return (
    <span className="time-left late">
      <Glyph name="alarm" />
      <b>{t('time-left.late', { duration: duration(leftMs) })}</b>
    </span>
  )
}

function SexAge(step: { sex: string | null; birthDate: string | null }) {
  return useSexAge(step).replace(' · ', ' ')
}

function RoomButton({
  room,
  isChosen,
  onChoose,
}: {
  room: ScanRoom
  isChosen: boolean
  onChoose: () => void
}) {
  return (
    <button type="button" className="room" aria-pressed={isChosen} onClick={onChoose}>
      <b>{room.name}</b>
      <span>
        <PhaseWord isBusy={room.isBusy} />
        <small className="text-3">{t('scan.waiting', { n: room.waiting })}</small>
      </span>
    </button>
  )
}

function PhaseWord({ isBusy }: { isBusy: boolean }) {
  return (
    <span className="text-2">
      <Glyph name={isBusy ? 'person' : 'dash'} /> {isBusy ? t('scan.scanning') : t('scan.free')}
    </span>
  )
}

function OnTable({
  step,
  busy,
  mayScan,
  onEnd,
}: {
  step: ScanStep
  busy: boolean
  mayScan: boolean
  onEnd: () => void
}) {
  const zone = useZone()
  const now = useDepartmentNow('second')
  const sexAge = useSexAge(step)
  const { begun } = step
  return (
    <section
      className="panel on-table"
      aria-label={t('scan.on-table')}
      data-order={step.orderId}
      data-accession={step.accession}
    >
      <div>
        <p className="text-2">
          <b className="strong">{t('scan.on-table')}</b>{' '}
          {begun
            ? t('scan.since', {
                time: `${begun.inferred ? '≈ ' : ''}${clockTime(begun.at, zone, { seconds: true })}`,
              })
            : null}
        </p>
        <p className="on-table-name">
          <PatientName name={step.name} />
        </p>
        <p className="text-2">
          {sexAge} · {calendarDate(step.birthDate)} · {t('identity.mrn')}{' '}
          <span className="mono">{step.identifiers[0]}</span> · <span className="mono">{step.accession}</span>
        </p>
        <p className="strong">{step.procedureName}</p>
      </div>
      <dl>
        <div>
          <dt className="label">{t('scan.elapsed')}</dt>
          <dd>{begun ? elapsed(now.getTime() - begun.at.getTime()) : NONE}</dd>
        </div>
        <div>
          <dt className="label">{t('scan.images')}</dt>
          <dd>{count(step.images)}</dd>
        </div>
        <div>
          <dt className="label">{t('scan.scanner-says')}</dt>
          <dd className="small strong">
            {begun?.scannerSays ? wordFor('scanner', begun.scannerSays) : t('scan.scanner-silent')}
          </dd>
        </div>
      </dl>
      {mayScan ? (
        <Button look="primary" size="big" chord="Alt+Enter" busy={busy} onClick={onEnd}>
          {t('scan.end')}
        </Button>
      ) : null}
    </section>
  )
}

function DoneSteps({ steps }: { steps: ScanStep[] }) {
  const zone = useZone()
  if (steps.length === 0) return null
  return (
    <div className="done-steps">
      <table>
        <caption className="visually-hidden">{t('scan.done')}</caption>
        <colgroup>
          <col style={{ width: 84 }} />
          <col />
          <col style={{ width: '26%' }} />
          <col style={{ width: 130 }} />
          <col style={{ width: 120 }} />
        </colgroup>
        <thead>
          <tr className="group-row">
            <th colSpan={5} scope="colgroup">
              {t('scan.done-count', { n: steps.length })}
            </th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr
              key={step.stepId}
              data-order={step.orderId}
              data-accession={step.accession}
              className="text-2"
            >
              <td>
                {step.begun ? `${step.begun.inferred ? '≈ ' : ''}${clockTime(step.begun.at, zone)}` : NONE}
              </td>
              <td>
                <PatientName name={step.name} />
              </td>
              <td>{step.procedure}</td>
              <td>
                <PhaseTag phase={step.phase} />
              </td>
              <td>
                {step.quality ? (
                  <QualityWord verdict={step.quality} />
                ) : (
                  t('scan.images-count', { n: step.images })
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function QualityWord({ verdict }: { verdict: 'accepted' | 'rejected' }) {
  return (
    <span>
      <Glyph name={verdict === 'accepted' ? 'check' : 'cross'} /> {t(`scan.${verdict}`)}
    </span>
  )
}

type Match = 'unscanned' | 'same' | 'differs'

function matchOf(current: ScanStep | undefined, scanned: string | null): Match {
  if (!scanned || !current) return 'unscanned'
  return current.identifiers.includes(scanned) ? 'same' : 'differs'
}

interface WristbandProps {
  current: ScanStep | undefined
  scanned: string | null
  other: ScanStep | undefined
  onScan: (text: string | null) => void
  children: React.ReactNode
}

function Wristband({ current, scanned, other, onScan, children }: WristbandProps) {
  const [typed, setTyped] = useState('')
  const match = matchOf(current, scanned)
  return (
    <aside className="panel wristband" aria-label={t('scan.wristband')}>
      <header>
        <Glyph name="wristband" />
        <h2>{t('scan.wristband')}</h2>
        <span className="text-3 push">{t('scan.scanner-ready')}</span>
      </header>
      <form
        className="body field"
        onSubmit={(event) => {
          event.preventDefault()
          if (typed.trim()) onScan(typed.trim())
          setTyped('')
        }}
      >
        <label htmlFor="wristband-number">{t('scan.number')}</label>
        <input
          id="wristband-number"
          className="input mono"
          value={typed}
          autoComplete="off"
          onChange={(e) => setTyped(e.target.value)}
        />
      </form>
      <div role="status">
        {match === 'same' ? (
          <p className="wristband-same">
            <Glyph name="check" /> {t('scan.wristband-same')}
          </p>
        ) : null}
      </div>
      {match === 'differs' && current ? (
        <div className="wristband-differs" role="alert">
          <p className="strong late">
            <Glyph name="look" /> {t('scan.not-next')}
          </p>
          <p className="small">{other ? t('scan.other-person') : t('scan.unknown-number')}</p>
          <Differences current={current} other={other} scanned={scanned ?? ''} />
          <Button wide chord="Escape" onClick={() => onScan(null)}>
            {t('scan.scan-again')}
          </Button>
        </div>
      ) : null}
      <div className="wristband-foot">
        {current ? (
          <>
            <p className="label">{t('scan.selected')}</p>
            <p>
              <PatientName name={current.name} />
            </p>
            <p className="small text-2">
              {calendarDate(current.birthDate)} · {t('identity.mrn')}{' '}
              <span className="mono">{current.identifiers[0]}</span> ·{' '}
              <span className="mono">{current.accession}</span>
            </p>
            <p className="small">{current.procedureName}</p>
            <p className={match === 'same' ? 'small ok' : 'small text-3'}>
              <Glyph name={match === 'same' ? 'check' : 'dash'} /> {t(`scan.match-${match}`)}
            </p>
          </>
        ) : null}
        {children}
      </div>
    </aside>
  )
}

/** Both identities side by side; what differs is underlined as well as coloured. */
function Differences({
  current,
  other,
  scanned,
}: {
  current: ScanStep
  other: ScanStep | undefined
  scanned: string
}) {
  const [a, b] = [nameParts(current.name), other ? nameParts(other.name) : null]
  const rows: [string, string, string][] = [
    [t('scan.family'), a.family, b?.family ?? NONE],
    [t('scan.given'), a.given, b?.given ?? NONE],
    [t('identity.born'), calendarDate(current.birthDate), other ? calendarDate(other.birthDate) : NONE],
    [t('scan.sex'), current.sex ?? NONE, other?.sex ?? NONE],
    [t('identity.mrn'), current.identifiers[0] ?? NONE, scanned],
  ]
  return (
    <table className="differences">
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">{t('scan.field')}</span>
          </th>
          <th scope="col">{t('scan.selected')}</th>
          <th scope="col">{t('scan.wristband')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([field, one, two]) => (
          <tr key={field}>
            <th scope="row">{field}</th>
            <td>{one === two ? one : <mark>{one}</mark>}</td>
            <td>{one === two ? `${two} ${t('scan.same')}` : <mark>{two}</mark>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The room stands in the address: a screen at a scanner stays at its scanner. */
function useRoom(rooms: ScanRoom[]): [ScanRoom | undefined, (id: string) => void] {
  const [search, setSearch] = useSearchParams()
  const asked = search.get('room')
  const room =
    rooms.find(({ id }) => id === asked) ??
    rooms.find(({ isBusy, waiting }) => isBusy || waiting > 0) ??
    rooms[0]
  return [room, (id) => setSearch({ room: id }, { replace: true, preventScrollReset: true })]
}
