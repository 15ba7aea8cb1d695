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
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { answer } from '#app/server/refusal.ts'
import { passExam } from '#db/mutations/exam-hands.ts'
import { decideStopped, type StoppedDecision } from '#db/mutations/performed-steps.ts'
import { chooseStepProtocol } from '#db/mutations/protocols.ts'
import { keepSetting } from '#db/mutations/settings.ts'
import { arrive, beginStep, endExam, undoArrive } from '#db/mutations/steps.ts'
import { protocolLibrary } from '#db/queries/protocols.ts'
import {
  isScanOfStep,
  type ScanRoom,
  type ScanStep,
  scanDay,
  scannedPerson,
  technologists,
} from '#db/queries/scan-queue.ts'
import { RadiologyError } from '#domain/errors.ts'
import { useLive } from '../../live/use-live.ts'
import { rolesWith } from '../../places.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { EmptyState, ErrorLine } from '../../ui/messages.tsx'
import { Screen } from '../../ui/screen.tsx'
import { useKeptCursor } from '../../worklist/kept-cursor.ts'
import { WorklistTable } from '../../worklist/worklist-table.tsx'
import { DoneSteps } from './done-steps.tsx'
import { ExamHands } from './exam-hands.tsx'
import { OnTable } from './on-table.tsx'
import { COLUMNS, queueRow } from './scan-columns.tsx'
import { isIn, RoomButton, RoomLate, useRoom } from './scan-rooms.tsx'
import { StepProtocol } from './step-protocol.tsx'
import { matchOf, useWristband, Wristband } from './wristband.tsx'
import { MoveBack, type MoveDone, MoveUndo, WrongExamPanel } from './wrong-exam-panel.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const { person, server } = await requireUser(args, rolesWith('scan-queue'))
  const { department } = server
  const day = await scanDay(department.sql, person.actor, await department.now())
  const waiting = day.steps.filter(({ status }) => WAITING.includes(status))
  const procedures = new Set(waiting.flatMap(({ libraryOf }) => libraryOf ?? []))
  return {
    ...day,
    protocols: await protocolLibrary(department.sql, [...procedures]),
    keptRoom: typeof person.settings.scanRoom === 'string' ? person.settings.scanRoom : null,
    userId: person.id,
    people: await technologists(department.sql, person.actor, new Date()),
    mayScan: person.roles.some((role) => role === 'technologist' || role === 'lead'),
  }
}

const ACTS = { arrive, 'undo-arrive': undoArrive, end: endExam }
const DECISIONS: readonly StoppedDecision[] = ['usable', 'book-again', 'end-exam']

/**
 * `intent`: arrive · undo-arrive · end (stepId) · begin (stepId, roomId = where this is, scanned? = what the wristband said) ·
 * pass (stepId, userId and seen = in whose hands it goes and was; empty: nobody's) ·
 * decide (performedStepId, decision = usable, book-again or end-exam) · scan (text) · room (roomId: kept for this person) ·
 * protocol (stepId, protocolId; empty: the procedure's default).
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
      await beginStep(department, await act(), { stepId, roomId: text('roomId') || null })
    } else if (intent === 'decide') {
      const decision = DECISIONS.find((each) => each === text('decision'))
      if (!decision) throw data(null, { status: 400 })
      await decideStopped(department, await act(), { performedStepId: text('performedStepId'), decision })
    } else if (intent === 'pass') {
      const [userId, seen] = [text('userId') || null, text('seen') || null]
      await passExam(department, await act(), { stepId, userId, seen })
    } else if (intent === 'protocol') {
      const protocolId = text('protocolId') || null
      await chooseStepProtocol(department, await act(), { stepId, protocolId })
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
  'performed-step.moved',
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
  'report.signed',
  'report.recalled',
  'step.protocol-chosen',
  'work-item.reassigned',
  'protocols',
]

export default function ScanQueue() {
  const { rooms, steps, protocols, mayScan, keptRoom, people, userId } = useLoaderData<typeof loader>()
  useLive(TOPICS)
  const acting = useFetcher<typeof action>()
  const [room, setRoom] = useRoom(rooms, keptRoom)
  const inRoom = steps.filter((step) => room && isIn(step, room))
  const onTable = inRoom.filter(({ status, stopped }) => status === 'started' || stopped !== null)
  const queue = inRoom.filter(({ status }) => WAITING.includes(status)).map(queueRow)
  const done = inRoom
    .filter(({ status, stopped }) => (status === 'departed' || status === 'discontinued') && stopped === null)
    .sort((a, b) => (b.begun?.at.getTime() ?? 0) - (a.begun?.at.getTime() ?? 0))
  const cursor = useKeptCursor(`scan:${room?.id}`, queue)
  const { current } = cursor
  const [wrongId, setWrong] = useState<string | null>(null)
  const [moved, setMoved] = useState<MoveDone | null>(null)
  const wristband = useWristband({ queue, onFound: cursor.move, isElsewhere: wrongId !== null })
  const [isDeciding, setDeciding] = useState(false)
  const navigate = useNavigate()
  const isBusy = acting.state !== 'idle'
  const refused = !isBusy && acting.data && !acting.data.ok ? acting.data.sentence : null
  const submit = (intent: string, more: Record<string, string>) =>
    void acting.submit({ intent, ...more }, { method: 'post', action: '/scan-queue' })
  const match = matchOf(current, wristband.scanned)
  const [table] = onTable
  const wrong = (table ?? done[0])?.begun?.performedStepId ?? null
  const beginBlocked = !current
    ? t(queue.length > 0 ? 'worklist.left' : 'scan.nobody-waits')
    : table
      ? t('scan.table-taken')
      : match === 'differs'
        ? t('scan.wristband-differs')
        : match === 'shared'
          ? t('scan.match-shared')
          : null
  function begin(): void {
    if (!current || beginBlocked) return
    submit('begin', {
      stepId: current.stepId,
      roomId: room?.id ?? '',
      scanned: wristband.scanned ?? '',
    })
    wristband.scan(null)
    cursor.letGo()
  }
  const primaryWord = wrongId
    ? t('move.move')
    : t(table?.stopped ? 'scan.decide' : table ? 'scan.end' : 'scan.begin')
  function primary(): void {
    if (table?.stopped) setDeciding(true)
    else if (table) submit('end', { stepId: table.stepId })
    else begin()
  }
  const pass = ({ stepId, hands }: ScanStep, id: string) =>
    submit('pass', { stepId, userId: id, seen: hands?.id ?? '' })
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
          word: primaryWord,
          label: primaryWord,
          run: primary,
          disabled: !mayScan,
        },
        {
          chord: 'Alt+I',
          word: t('move.open'),
          run: () => setWrong(wrong),
          disabled: !mayScan || !wrong,
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
              userId={userId}
              people={people}
              onPass={(id) => pass(table, id)}
              isDeciding={isDeciding}
              onEnd={() => submit('end', { stepId: table.stepId })}
              onWrong={() => setWrong(wrong)}
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
              {/* In the line that is there anyway: it covers nothing, and nothing moves. */}
              {moved ? <MoveUndo key={moved.moveId} done={moved} onOver={() => setMoved(null)} /> : null}
            </header>
            {refused ? <ErrorLine>{refused}</ErrorLine> : null}
            <WorklistTable
              name={`scan:${room?.id}`}
              label={t('nav.scan-queue')}
              rows={queue}
              columns={COLUMNS}
              cursorId={cursor.id}
              onCursor={cursor.move}
              onOpen={(row) => void navigate(`/orders/${row.orderId}`)}
              empty={<EmptyState title={t('scan.empty')}>{t('scan.empty-why')}</EmptyState>}
            />
            <DoneSteps steps={done} onWrong={mayScan ? setWrong : undefined} />
          </section>
        </div>
        {wrongId ? (
          <WrongExamPanel
            key={wrongId}
            performedStepId={wrongId}
            scanned={wristband.scanned}
            onClose={() => setWrong(null)}
            onMoved={(done) => {
              setWrong(null)
              setMoved(done)
            }}
          />
        ) : (
          <Wristband
            current={current}
            wristband={wristband}
            rooms={rooms}
            roomId={room?.id}
            onRoom={chooseRoom}
          >
            {current && mayScan ? (
              <div className="stack">
                <StepProtocol
                  key={current.stepId}
                  step={current}
                  library={protocols}
                  busy={isBusy}
                  onChoose={(protocolId) => submit('protocol', { stepId: current.stepId, protocolId })}
                />
                <ExamHands
                  key={`hands:${current.stepId}`}
                  step={current}
                  people={people}
                  userId={userId}
                  busy={isBusy}
                  onPass={(id) => pass(current, id)}
                />
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
                  <Button
                    wide
                    busy={isBusy}
                    onClick={() => submit('undo-arrive', { stepId: current.stepId })}
                  >
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
                {current.movedAway ? (
                  <p className="small">
                    {t('move.away', { accession: current.movedAway.accession })}{' '}
                    {current.movedAway.isOpen ? <MoveBack moveId={current.movedAway.moveId} /> : null}
                  </p>
                ) : null}
                {/* While somebody is on the table, the table has this button. */}
                {wrong && !table ? (
                  <Button wide chord="Alt+I" onClick={() => setWrong(wrong)}>
                    {t('move.open')}
                  </Button>
                ) : null}
              </div>
            ) : null}
          </Wristband>
        )}
      </div>
    </Screen>
  )
}

const mayArrive = ({ status }: ScanStep) => status === 'scheduled' || status === 'planned'

/** Where a scanner says itself when it begins, the button is for the day it doesn't. */
function beginsByItself(room: ScanRoom | undefined): string {
  const [device] = room?.mppsDevices ?? []
  return device ? t('scan.begins-itself', { device }) : t('scan.begins-here')
}
