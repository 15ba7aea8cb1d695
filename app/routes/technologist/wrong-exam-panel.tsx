/** "Wrong patient or exam": the order the images are of in truth, both identities side by side, and the move. */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { useFetcher, useLoaderData } from 'react-router'
import type { ScanStep } from '#db/queries/scan-queue.ts'
import type { ExamIdentity, MoveChoice, WrongExam } from '#db/queries/wrong-exam.ts'
import { useKeys, useScan } from '../../keys/key-layer.tsx'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { MainAct } from '../../ui/main-act.tsx'
import { EmptyState, ErrorLine, UndoBar } from '../../ui/messages.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { type ComparedField, Differences, personFields } from './differences.tsx'

const AT = '/scan-queue/wrong-exam'

type Found = { ok: true; exam: WrongExam } | { ok: false; sentence: string }
type Moved = { ok: true; moveId?: string } | { ok: false; sentence: string }

interface PanelProps {
  performedStepId: string
  /** Whose wristband was scanned before it was opened. */
  scanned: string | null
  onClose: () => void
  onMoved: (done: MoveDone) => void
}

export interface MoveDone {
  moveId: string
  accession: string
  images: number
}

export function WrongExamPanel({ performedStepId, scanned, onClose, onMoved }: PanelProps) {
  const finding = useFetcher<Found>()
  const moving = useFetcher<Moved>()
  const [chosenId, setChosen] = useState<string | null>(null)
  const [number, setNumber] = useState(scanned ?? '')
  const state = useStateOf(performedStepId)
  const look = (text: string) =>
    void finding.submit({ intent: 'choices', performedStepId, scanned: text }, { method: 'post', action: AT })
  const exam = finding.data?.ok ? finding.data.exam : null
  const chosen = exam?.choices.find(({ stepId }) => stepId === chosenId) ?? exam?.choices[0]
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each state of each exam
  useEffect(() => {
    // Whom somebody is looking at stays chosen, wherever they stand in the next answer.
    if (chosen) setChosen(chosen.stepId)
    look(number)
  }, [performedStepId, state])
  useScan((text) => {
    setChosen(null)
    setNumber(text)
    look(text)
  })
  const isBusy = moving.state !== 'idle'
  const refused = [moving, finding].find((each) => each.state === 'idle' && each.data?.ok === false)?.data
  const blocked = !exam || !chosen ? t('move.nobody') : exam.made.isRunning ? t('move.running') : null
  function move(): void {
    if (!chosen || blocked || isBusy) return
    const reason = chosen.isSamePatient ? 'wrong-exam' : 'wrong-patient'
    void moving.submit(
      { intent: 'move', performedStepId, toStepId: chosen.stepId, reason },
      { method: 'post', action: AT },
    )
  }
  const moveId = moving.state === 'idle' && moving.data?.ok ? moving.data.moveId : undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: told once for each move
  useEffect(() => {
    if (moveId && chosen && exam) onMoved({ moveId, accession: chosen.accession, images: exam.made.images })
  }, [moveId])
  useKeys([
    { chord: 'Alt+Enter', word: t('move.move'), run: move },
    { chord: 'Escape', word: t('move.close'), run: onClose },
  ])
  return (
    <aside className="panel wrong-exam" aria-label={t('move.title')}>
      <header>
        <Glyph name="twin" />
        <h2>{t('move.title')}</h2>
      </header>
      {refused && !refused.ok ? <ErrorLine>{refused.sentence}</ErrorLine> : null}
      {exam ? (
        <>
          <p className="body small">
            {t('move.made', { n: exam.made.images, accession: exam.made.accession })}{' '}
            <span className="text-2">{t('move.scan-too')}</span>
          </p>
          <Choices choices={exam.choices} chosen={chosen} onChoose={setChosen} />
          <div className="wrong-exam-foot">
            {chosen ? <BothIdentities made={exam.made} right={chosen} /> : null}
            <MainAct busy={isBusy} blocked={blocked} onClick={move}>
              {t('move.move-n', { n: exam.made.images })}
            </MainAct>
            <p className="button-reason">{blocked ?? t('move.consequence')}</p>
            <Button wide chord="Escape" onClick={onClose}>
              {t('move.close')}
            </Button>
          </div>
        </>
      ) : null}
    </aside>
  )
}

/** Changes when the exam ends, which is when its images may be moved: the queue hears of it, the panel's answer doesn't. */
function useStateOf(performedStepId: string): string {
  const { steps } = useLoaderData<{ steps: ScanStep[] }>()
  const made = steps.find(({ begun }) => begun?.performedStepId === performedStepId)
  return `${made?.status} ${made?.begun?.endedAt?.getTime()}`
}

interface ChoicesProps {
  choices: readonly MoveChoice[]
  chosen: MoveChoice | undefined
  onChoose: (stepId: string) => void
}

/** Digits and letters belong to the wristband scanner here: arrows choose. */
function Choices({ choices, chosen, onChoose }: ChoicesProps) {
  const zone = useZone()
  const list = useRef<HTMLDivElement>(null)
  const chosenId = chosen?.stepId
  useEffect(() => {
    if (chosenId) list.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus()
  }, [chosenId])
  if (choices.length === 0) return <EmptyState title={t('move.nobody')}>{t('move.nobody-why')}</EmptyState>
  function onKeyDown(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const at = choices.findIndex(({ stepId }) => stepId === chosenId)
    const next = choices[Math.min(choices.length - 1, Math.max(0, at + step))]
    if (next) onChoose(next.stepId)
  }
  return (
    <div
      ref={list}
      className="move-choices"
      role="radiogroup"
      aria-label={t('move.right-order')}
      onKeyDown={onKeyDown}
    >
      {choices.map((choice) => (
        // biome-ignore lint/a11y/useSemanticElements: a radio button can't hold the two lines
        <button
          key={choice.stepId}
          type="button"
          role="radio"
          aria-checked={choice.stepId === chosenId}
          tabIndex={choice.stepId === chosenId ? 0 : -1}
          data-order={choice.orderId}
          data-accession={choice.accession}
          onClick={() => onChoose(choice.stepId)}
        >
          <span>
            <PatientName name={choice.name} />
          </span>
          <span className="small text-2">
            {choice.plannedStart ? `${clockTime(choice.plannedStart, zone)} · ` : null}
            {choice.room ? `${choice.room} · ` : null}
            {choice.procedure} · <span className="mono">{choice.accession}</span>
            {choice.isScanned ? <b className="ok"> · {t('move.scanned')}</b> : null}
            {choice.isSamePatient ? <b> · {t('move.same-patient')}</b> : null}
          </span>
        </button>
      ))}
    </div>
  )
}

function BothIdentities({ made, right }: { made: ExamIdentity; right: ExamIdentity }) {
  const exam: ComparedField[] = [
    [t('identity.accession'), made.accession, right.accession],
    [t('column.procedure'), made.procedure, right.procedure],
  ]
  return <Differences fields={[...personFields(made, right), ...exam]} of={[t('move.from'), t('move.to')]} />
}

/** How long the bar stands; the row keeps its own way back until a report is signed. */
const BAR_MS = 30_000

export function MoveUndo({ done, onOver }: { done: MoveDone; onOver: () => void }) {
  const undoing = useFetcher<Moved>()
  const [untilMs] = useState(() => Date.now() + BAR_MS)
  const refused = undoing.state === 'idle' && undoing.data?.ok === false ? undoing.data.sentence : null
  const isUndone = undoing.state === 'idle' && undoing.data?.ok === true
  useEffect(() => {
    if (isUndone) onOver()
  }, [isUndone, onOver])
  return (
    <div className="move-undo">
      {refused ? <ErrorLine>{refused}</ErrorLine> : null}
      <UndoBar
        done={t('move.done', { n: done.images, accession: done.accession })}
        untilMs={untilMs}
        onUndo={() =>
          void undoing.submit({ intent: 'undo', moveId: done.moveId }, { method: 'post', action: AT })
        }
      />
    </div>
  )
}

/** On the row itself, for as long as no report is signed. */
export function MoveBack({ moveId }: { moveId: string }) {
  const undoing = useFetcher<Moved>()
  const refused = undoing.state === 'idle' && undoing.data?.ok === false ? undoing.data.sentence : null
  return (
    <>
      <Button
        look="quiet"
        busy={undoing.state !== 'idle'}
        onClick={() => void undoing.submit({ intent: 'undo', moveId }, { method: 'post', action: AT })}
      >
        {t('undo.undo')}
      </Button>
      {refused ? (
        <span className="small risk" role="alert">
          {refused}
        </span>
      ) : null}
    </>
  )
}
