/** Who is on the table, who is next, are they ready, how late are we? */
import './scan-queue.css'
import { useEffect, useRef, useState } from 'react'
import {
  type ActionFunctionArgs,
  data,
  Link,
  type LoaderFunctionArgs,
  useFetcher,
  useLoaderData,
  useNavigate,
  useSearchParams,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { decideStopped, type StoppedDecision } from '#db/mutations/performed-steps.ts'
import { keepSetting } from '#db/mutations/settings.ts'
import { arrive, beginStep, endExam, undoArrive } from '#db/mutations/steps.ts'
import {
  isScanOfStep,
  type ScannedPerson,
  type ScanRoom,
  type ScanStep,
  scanDay,
  scannedPerson,
} from '#db/queries/scan-queue.ts'
import { RadiologyError } from '#domain/errors.ts'
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
import { type Reason, ReasonPicker } from '../../ui/reason-picker.tsx'
import { Screen } from '../../ui/screen.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { type Column, type WorklistRow, WorklistTable } from '../../worklist/worklist-table.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('scan-queue'))
  const { department } = server
  return {
    ...(await scanDay(department.sql, person.actor, await department.now())),
    keptRoom: typeof person.settings.scanRoom === 'string' ? person.settings.scanRoom : null,
    mayScan: person.roles.some((role) => role === 'technologist' || role === 'lead'),
  }
}

const ACTS = { arrive, 'undo-arrive': undoArrive, end: endExam }
const DECISIONS: readonly StoppedDecision[] = ['usable', 'book-again', 'end-exam']

/**
 * `intent`: arrive · undo-arrive · end (stepId) · begin (stepId, scanned? = what the wristband said) ·
 * decide (performedStepId, decision = usable, book-again or end-exam) · scan (text) · room (roomId: kept for this person).
 */
export async function action(args: ActionFunctionArgs) {
  const { person, server, act } = await requireUser(args, rolesWith('scan-queue'))
  const { department } = server
  const form = await args.request.formData()
  const text = (name: string) => String(form.get(name) ?? '').trim()
  const intent = text('intent')
  const stepId = text('stepId')
  if (intent === 'scan') {
    const found = await scannedPerson(department.sql, person.actor, text('text'))
    return { ok: true as const, person: found }
  }
  return answer(async () => {
    if (intent === 'begin') {
      const scanned = text('scanned')
      if (scanned && !(await isScanOfStep(department.sql, { stepId, scanned })))
        throw new RadiologyError('identity-mismatch', { stepId })
      await beginStep(department, await act(), { stepId })
    } else if (intent === 'decide') {
      const decision = DECISIONS.find((each) => each === text('decision'))
      if (!decision) throw data(null, { status: 400 })
      await decideStopped(department, await act(), { performedStepId: text('performedStepId'), decision })
    } else if (intent === 'room') {
      await keepSetting(department, await act(), { name: 'scanRoom', value: text('roomId') })
    } else {
      const run = ACTS[intent as keyof typeof ACTS]
      if (!run) throw data(null, { status: 400 })
      await run(department, await act(), { stepId })
    }
    return {}
  })
}

export function meta() {
  return [{ title: `${t('nav.scan-queue')} · ${t('app.name')}` }]
}

type QueueRow = ScanStep & WorklistRow
const WAITING = ['planned', 'scheduled', 'arrived', 'ready']
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
  'completeness.decided',
  'list:quality',
  'list:complete',
  'list:decide',
  'order.received',
  'order.changed',
  'order.ended',
  'quality.accepted',
  'quality.rejected',
]

export default function ScanQueue() {
  const { rooms, steps, mayScan, keptRoom } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const acting = useFetcher<typeof action>()
  const [room, setRoom] = useRoom(rooms, keptRoom)
  const inRoom = steps.filter((step) => room && isIn(step, room))
  const onTable = inRoom.filter(({ status, stopped }) => status === 'started' || stopped !== null)
  const queue = inRoom.filter(({ status }) => WAITING.includes(status)).map(queueRow)
  const done = inRoom
    .filter(({ status, stopped }) => (status === 'departed' || status === 'discontinued') && stopped === null)
    .sort((a, b) => (b.begun?.at.getTime() ?? 0) - (a.begun?.at.getTime() ?? 0))
  const [cursorId, setCursor] = useKeptCursor(`scan:${room?.id}`, queue)
  const current = queue.find(({ id }) => id === cursorId) ?? queue[0]
  const wristband = useWristband({ queue, onFound: setCursor })
  const [isDeciding, setDeciding] = useState(false)
  const navigate = useNavigate()
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && !acting.data.ok ? acting.data.sentence : null
  const submit = (intent: string, more: Record<string, string>) =>
    void acting.submit({ intent, ...more }, { method: 'post', action: '/scan-queue' })
  const match = matchOf(current, wristband.scanned)
  const [table] = onTable
  const beginBlocked = !current
    ? t('scan.nobody-waits')
    : table
      ? t('scan.table-taken')
      : match === 'differs'
        ? t('scan.wristband-differs')
        : null
  function begin(): void {
    if (!current || beginBlocked) return
    submit('begin', { stepId: current.stepId, scanned: wristband.scanned ?? '' })
    wristband.scan(null)
  }
  function primary(): void {
    if (table?.stopped) setDeciding(true)
    else if (table) submit('end', { stepId: table.stepId })
    else begin()
  }
  function chooseRoom(id: string): void {
    setRoom(id)
    wristband.scan(null)
    submit('room', { roomId: id })
  }
  const nextRoom = () =>
    chooseRoom(rooms[(rooms.findIndex(({ id }) => id === room?.id) + 1) % rooms.length]?.id ?? '')

  return (
    <Screen
      label={t('nav.scan-queue')}
      className="scan-queue"
      fact={t('scan.letters')}
      keys={[
        { chord: 'Alt+R', word: t('scan.next-room'), run: nextRoom },
        { chord: 'ArrowUp', caps: ['↑', '↓'], word: t('keys.move'), where: 'list' },
        {
          chord: 'Alt+A',
          word: t('scan.arrived'),
          run: () => current && submit('arrive', { stepId: current.stepId }),
          disabled: !mayScan || !current || !mayArrive(current),
        },
        {
          chord: 'Alt+Enter',
          word: table?.stopped ? t('scan.decide') : table ? t('scan.end') : t('scan.begin'),
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
          run: () => wristband.scan(null),
          silent: true,
          disabled: wristband.scanned === null,
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
            onChoose={() => chooseRoom(each.id)}
          />
        ))}
      </nav>
      <div className="scan-main">
        <div className="scan-left">
          {table ? (
            <OnTable
              step={table}
              others={onTable.length - 1}
              busy={isBusy}
              mayScan={mayScan}
              isDeciding={isDeciding}
              onEnd={() => submit('end', { stepId: table.stepId })}
              onDecide={(decision) => {
                setDeciding(false)
                submit('decide', { performedStepId: table.stopped?.performedStepId ?? '', decision })
              }}
            />
          ) : (
            <section className="panel on-table free">
              <p className="text-3">{t('scan.table-free')}</p>
            </section>
          )}
          <section className="panel scan-list">
            <header>
              <h2>{t('scan.next-in', { room: room?.name ?? '' })}</h2>
              <span className="text-3">{t('scan.waiting', { n: queue.length })}</span>
              {room?.lateSince ? <RoomLate since={room.lateSince} /> : null}
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
          wristband={wristband}
          rooms={rooms}
          roomId={room?.id}
          onRoom={chooseRoom}
        >
          {current && mayScan ? (
            <div className="stack">
              {mayArrive(current) ? (
                <Button
                  wide
                  chord="Alt+A"
                  busy={isBusy}
                  onClick={() => submit('arrive', { stepId: current.stepId })}
                >
                  {t('scan.arrived')}
                </Button>
              ) : (
                <Button wide busy={isBusy} onClick={() => submit('undo-arrive', { stepId: current.stepId })}>
                  {t('scan.undo-arrived')}
                </Button>
              )}
              <Button
                look={table ? 'plain' : 'primary'}
                size="big"
                wide
                chord={table ? undefined : 'Alt+Enter'}
                busy={isBusy}
                blocked={beginBlocked}
                onClick={begin}
              >
                {t('scan.begin')}
              </Button>
              <p className="button-reason">{beginBlocked ?? beginsByItself(room)}</p>
            </div>
          ) : null}
        </Wristband>
      </div>
    </Screen>
  )
}

/** A walk-in without a room stands in every room that could take it. */
function isIn(step: ScanStep, room: ScanRoom): boolean {
  if (step.roomId !== null) return step.roomId === room.id
  const projection = ['DX', 'CR', 'XR']
  const fits =
    step.modality === room.modality || [step.modality, room.modality].every((m) => projection.includes(m))
  return fits && step.siteId === room.siteId
}

const mayArrive = ({ status }: ScanStep) => status === 'scheduled' || status === 'planned'

/** Where a scanner says itself when it begins, the button is for the day it doesn't. */
function beginsByItself(room: ScanRoom | undefined): string {
  const [device] = room?.mppsDevices ?? []
  return device ? t('scan.begins-itself', { device }) : t('scan.begins-here')
}

function queueRow(step: ScanStep): QueueRow {
  return { ...step, id: step.stepId, isStat: step.priority === 'stat' }
}

const COLUMNS: Column<QueueRow>[] = [
  { key: 'planned', head: t('scan.planned'), width: '64px', cell: (row) => <Planned {...row} /> },
  { key: 'due', head: t('scan.due'), width: '96px', align: 'right', cell: (row) => <Due {...row} /> },
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
    width: 'minmax(220px, 1.7fr)',
    cell: (row) => <PatientName name={row.name} similar={row.isSimilar} />,
    words: (row) => writtenName(row.name),
  },
  { key: 'sex-age', head: t('column.sex-age'), width: '72px', cell: (row) => <SexAge {...row} /> },
  {
    key: 'procedure',
    head: t('column.procedure'),
    width: 'minmax(130px, 0.9fr)',
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
    width: '98px',
    cell: (row) => <span className="ellipsis">{row.location ?? NONE}</span>,
  },
  {
    key: 'ready',
    head: t('scan.ready'),
    width: '136px',
    cell: (row) => <Ready {...row} />,
    words: (row) => `${row.arrivedAt?.getTime()}`,
  },
]

function stepPhase(status: ScanStep['status']) {
  if (status === 'planned') return 'protocolled'
  return status === 'ready' || status === 'arrived'
    ? 'arrived'
    : status === 'started'
      ? 'acquiring'
      : 'scheduled'
}

function Planned({ plannedStart, isRetake }: ScanStep) {
  const zone = useZone()
  if (plannedStart) return <b className="strong">{clockTime(plannedStart, zone)}</b>
  return <span className="text-2">{isRetake ? t('scan.repeat') : t('scan.walk-in')}</span>
}

/** Since when the patient is here; what else must be ready is asked at the table. */
function Ready({ arrivedAt, arrivalInferred }: ScanStep) {
  const zone = useZone()
  if (!arrivedAt) return <span className="text-3">{t('scan.not-arrived')}</span>
  const time = `${arrivalInferred ? '≈ ' : ''}${clockTime(arrivedAt, zone)}`
  return (
    <span>
      <span className="ok">
        <Glyph name="check" />
      </span>{' '}
      {t('scan.here-since', { time })}
    </span>
  )
}

function RoomLate({ since }: { since: Date }) {
  const lateMs = useDepartmentNow().getTime() - since.getTime()
  if (lateMs < 60_000) return null
  return (
    <span className="push small">
      {t('scan.room-runs')} <b className="late">{t('time-left.late', { duration: duration(lateMs) })}</b>
    </span>
  )
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
        <RoomState room={room} />
        <small className="text-3">{t('scan.waiting', { n: room.waiting })}</small>
      </span>
    </button>
  )
}

function RoomState({ room }: { room: ScanRoom }) {
  const now = useDepartmentNow()
  const lateMs = room.lateSince ? now.getTime() - room.lateSince.getTime() : 0
  if (lateMs >= 60_000) {
    return (
      <span className="late">
        <Glyph name="alarm" /> {t('time-left.late', { duration: duration(lateMs) })}
      </span>
    )
  }
  const state = room.isBusy ? 'scanning' : room.isPreparing ? 'preparing' : 'free'
  return (
    <span className="text-2">
      <Glyph name={({ scanning: 'image', preparing: 'person', free: 'dash' } as const)[state]} />{' '}
      {t(`scan.${state}`)}
    </span>
  )
}

interface OnTableProps {
  step: ScanStep
  /** Further exams that have begun here and not ended. */
  others: number
  busy: boolean
  mayScan: boolean
  isDeciding: boolean
  onEnd: () => void
  onDecide: (decision: string) => void
}

function OnTable({ step, others, busy, mayScan, isDeciding, onEnd, onDecide }: OnTableProps) {
  const zone = useZone()
  const now = useDepartmentNow('second')
  const sexAge = useSexAge(step)
  const { begun, stopped } = step
  return (
    <section
      className={stopped ? 'panel on-table stopped' : 'panel on-table'}
      aria-label={t('scan.on-table')}
      data-order={step.orderId}
      data-accession={step.accession}
    >
      <div>
        <p className="text-2">
          <b className="strong">{stopped ? t('scan.stopped') : t('scan.on-table')}</b>{' '}
          {begun
            ? t('scan.since', {
                time: `${begun.inferred ? '≈ ' : ''}${clockTime(begun.at, zone, { seconds: true })}`,
              })
            : null}
          {others ? <span className="tag">{t('scan.others-begun', { n: others })}</span> : null}
          {step.stopAskedAt ? <span className="tag risk">{t('scan.stop-asked')}</span> : null}
        </p>
        <p className="on-table-name">
          <PatientName name={step.name} similar={step.isSimilar} />
        </p>
        <p className="text-2">
          {sexAge} · {calendarDate(step.birthDate)} · {t('identity.mrn')}{' '}
          <span className="mono">{step.identifiers[0]}</span> · <span className="mono">{step.accession}</span>
        </p>
        <p className="strong">
          {step.procedureName}
          {step.protocol ? <span className="text-2 on-table-protocol"> {step.protocol}</span> : null}
        </p>
      </div>
      {stopped ? (
        <div>
          <p className="strong risk">
            <Glyph name="look" /> {wordFor('stop-reason', stopped.reasonCode ?? 'none')}
          </p>
          <p className="small text-2">{t('scan.images-stored', { n: step.images })}</p>
        </div>
      ) : (
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
      )}
      {!mayScan ? null : stopped ? (
        <ReasonPicker
          key={String(isDeciding)}
          label={t('scan.decide')}
          reasons={STOPPED_DECISIONS}
          chosen={null}
          takesFocus={isDeciding}
          onChoose={onDecide}
        />
      ) : (
        <div className="stack">
          <Button look="primary" size="big" wide chord="Alt+Enter" busy={busy} onClick={onEnd}>
            {t('scan.end')}
          </Button>
          {begun?.scannerSays ? <p className="button-reason">{t('scan.ends-itself')}</p> : null}
        </div>
      )}
    </section>
  )
}

const STOPPED_DECISIONS: Reason[] = (['usable', 'book-again', 'end-exam'] as const).map((code) => ({
  code,
  word: t(`scan.stopped-${code}`),
}))

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
                <After step={step} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What became of its images: to check, incomplete, accepted, rejected, or still coming. */
function After({ step }: { step: ScanStep }) {
  const { check, quality, images, missing } = step
  if (check) {
    return (
      <Link
        className={check.kind === 'complete' ? 'link risk' : 'link'}
        to={`/quality-check/${check.itemId}`}
      >
        {check.kind === 'complete' ? t('quality.missing', { n: missing }) : t('scan.to-check')}
      </Link>
    )
  }
  if (quality) {
    return (
      <span>
        <Glyph name={quality === 'accepted' ? 'check' : 'cross'} /> {t(`scan.${quality}`)}
      </span>
    )
  }
  return t('scan.images-count', { n: images })
}

type Match = 'unscanned' | 'same' | 'differs'

function matchOf(current: ScanStep | undefined, scanned: string | null): Match {
  if (!scanned || !current) return 'unscanned'
  return isOf(current, scanned) ? 'same' : 'differs'
}

const isOf = ({ identifiers, accession }: ScanStep, scanned: string) =>
  identifiers.includes(scanned) || accession === scanned

interface WristbandState {
  scanned: string | null
  /** Whose it is, when it isn't anybody's who waits here; null as long as that isn't known. */
  person: ScannedPerson | null
  isLooking: boolean
  scan: (text: string | null) => void
}

/** A scan opens the order of the person who waits here; anybody else's is looked up, and blocks. */
function useWristband({
  queue,
  onFound,
}: {
  queue: QueueRow[]
  onFound: (id: string) => void
}): WristbandState {
  const [scanned, setScanned] = useState<string | null>(null)
  const finding = useFetcher<typeof action>()
  function scan(text: string | null): void {
    const code = text?.trim() || null
    setScanned(code)
    if (!code) return
    const own = queue.find((row) => isOf(row, code))
    if (own) onFound(own.id)
    else void finding.submit({ intent: 'scan', text: code }, { method: 'post', action: '/scan-queue' })
  }
  useScan(scan)
  const isLooking = finding.state !== 'idle'
  const found = finding.data && 'person' in finding.data ? finding.data.person : null
  const isItsOwner =
    found &&
    scanned &&
    (found.identifiers.includes(scanned) || found.steps.some((s) => s.accession === scanned))
  return { scanned, isLooking, person: !isLooking && isItsOwner ? found : null, scan }
}

interface WristbandProps {
  current: ScanStep | undefined
  wristband: WristbandState
  rooms: ScanRoom[]
  roomId: string | undefined
  onRoom: (id: string) => void
  children: React.ReactNode
}

function Wristband({ current, wristband, rooms, roomId, onRoom, children }: WristbandProps) {
  const { scanned, person, isLooking, scan } = wristband
  const [typed, setTyped] = useState('')
  const match = matchOf(current, scanned)
  const again = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (match === 'differs') again.current?.querySelector('button')?.focus()
  }, [match])
  const elsewhere = person?.steps.find((step) => step.roomId !== null && step.roomId !== roomId)
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
          if (typed.trim()) scan(typed)
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
        {scanned && !current ? <p className="wristband-same none">{t('scan.nobody-waits')}</p> : null}
      </div>
      {match === 'differs' && current ? (
        <div className="wristband-differs" role="alert" ref={again}>
          <p className="strong late">
            <Glyph name="look" /> {t('scan.not-next')}
          </p>
          <p className="small">
            {person ? t('scan.other-person') : isLooking ? t('scan.looking') : t('scan.unknown-number')}
          </p>
          <Differences current={current} other={person} scanned={scanned ?? ''} />
          {elsewhere ? (
            <p className="small">
              {t('scan.waits-elsewhere', { room: elsewhere.room ?? '', procedure: elsewhere.procedure })}
            </p>
          ) : person && person.steps.length === 0 ? (
            <p className="small">{t('scan.no-order')}</p>
          ) : null}
          <Button wide chord="Escape" onClick={() => scan(null)}>
            {t('scan.scan-again')}
          </Button>
          {elsewhere && rooms.some(({ id }) => id === elsewhere.roomId) ? (
            <Button wide onClick={() => onRoom(elsewhere.roomId ?? '')}>
              {t('scan.go-to-room', { room: elsewhere.room ?? '' })}
            </Button>
          ) : null}
        </div>
      ) : null}
      <div className="wristband-foot">
        {current ? (
          <>
            <p className="label">{t('scan.selected')}</p>
            <p>
              <PatientName name={current.name} similar={current.isSimilar} />
            </p>
            <p className="small text-2">
              {calendarDate(current.birthDate)} · {t('identity.mrn')}{' '}
              <span className="mono">{current.identifiers[0]}</span> ·{' '}
              <span className="mono">{current.accession}</span>
            </p>
            <p className="small">{current.procedureName}</p>
            <p
              className={match === 'same' ? 'small ok' : match === 'differs' ? 'small late' : 'small text-3'}
            >
              <Glyph name={match === 'same' ? 'check' : match === 'differs' ? 'cross' : 'dash'} />{' '}
              {t(`scan.match-${match}`)}
            </p>
            {current.protocol ? (
              <p className="small text-2">
                <Glyph name="rule" /> {t('scan.protocol', { name: current.protocol })}
              </p>
            ) : null}
            {current.gates.length > 0 ? (
              <p className="small text-2">
                <Glyph name="look" />{' '}
                {t('scan.ask', { what: current.gates.map((gate) => wordFor('gate', gate)).join(', ') })}
              </p>
            ) : null}
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
  other: ScannedPerson | null
  scanned: string
}) {
  const [a, b] = [nameParts(current.name), other ? nameParts(other.name) : null]
  const rows: [string, string, string][] = [
    [t('scan.family'), a.family, b?.family ?? NONE],
    [t('scan.given'), a.given, b?.given ?? NONE],
    [t('identity.born'), calendarDate(current.birthDate), other ? calendarDate(other.birthDate) : NONE],
    [t('scan.sex'), current.sex ?? NONE, other?.sex ?? NONE],
    [t('identity.mrn'), current.identifiers[0] ?? NONE, other?.identifiers[0] ?? scanned],
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

/**
 * The room stands in the address, so that a screen at a scanner stays at its scanner; without one it is the room this
 * person chose last.
 */
function useRoom(rooms: ScanRoom[], kept: string | null): [ScanRoom | undefined, (id: string) => void] {
  const [search, setSearch] = useSearchParams()
  const asked = search.get('room')
  const room =
    rooms.find(({ id }) => id === asked) ??
    rooms.find(({ id }) => id === kept) ??
    rooms.find(({ isBusy, waiting }) => isBusy || waiting > 0) ??
    rooms[0]
  return [room, (id) => setSearch({ room: id }, { replace: true, preventScrollReset: true })]
}
