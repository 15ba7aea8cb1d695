import type { ScanStep, Technologist } from '#db/queries/scan-queue.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { calendarDate, clockTime, count, elapsed, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { useSexAge } from '../../ui/identity-banner.tsx'
import { MainAct } from '../../ui/main-act.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { type Reason, ReasonPicker } from '../../ui/reason-picker.tsx'
import { useDismissal } from '../../ui/use-dismissal.ts'
import { handsFor } from './exam-hands.tsx'

interface OnTableProps {
  step: ScanStep
  /** Further exams that have begun here and not ended. */
  others: number
  busy: boolean
  mayScan: boolean
  isDeciding: boolean
  userId: string
  people: Technologist[]
  onPass: (userId: string) => void
  onEnd: () => void
  /** These images are another's. */
  onWrong: () => void
  onDecide: (decision: string) => void
}

export function OnTable(props: OnTableProps) {
  const { step, others, busy, mayScan, isDeciding, onEnd, onWrong, onDecide } = props
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
          <Hands {...props} />
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
          reasons={STOPPED_DECISIONS.filter(({ code }) => code !== 'book-again' || step.stopAskedAt === null)}
          chosen={null}
          takesFocus={isDeciding}
          onChoose={onDecide}
        />
      ) : (
        <div className="stack">
          <MainAct busy={busy} onClick={onEnd}>
            {t('scan.end')}
          </MainAct>
          {begun?.scannerSays ? <p className="button-reason">{t('scan.ends-itself')}</p> : null}
          <Button look="quiet" wide chord="Alt+I" onClick={onWrong}>
            {t('move.open')}
          </Button>
        </div>
      )}
    </section>
  )
}

/** Whoever has it; at the end of a shift it is passed on while it runs. */
function Hands({ step, userId, people, busy, mayScan, onPass }: OnTableProps) {
  const { box, isOpen, setOpen } = useDismissal<HTMLSpanElement>()
  const { hands } = step
  const isMine = hands?.id === userId
  const word = hands ? (isMine ? t('claim.you') : hands.name) : t('scan.hands-nobody')
  if (!mayScan || !step.isToDo) return hands ? <span className="tag">{word}</span> : null
  return (
    <span className="on-table-hands" ref={box}>
      <button
        type="button"
        className={isMine ? 'tag you' : 'tag'}
        aria-expanded={isOpen}
        aria-label={`${word}. ${t(isMine ? 'scan.pass' : 'scan.take')}`}
        disabled={busy}
        onClick={() => setOpen(!isOpen)}
      >
        <Glyph name="person" /> {word}
      </button>
      {isOpen ? (
        <span className="menu">
          <ReasonPicker
            label={t(isMine ? 'scan.pass' : 'scan.take')}
            reasons={handsFor(step, people, userId)}
            chosen={null}
            takesFocus
            onChoose={(id) => {
              setOpen(false)
              onPass(id)
            }}
          />
        </span>
      ) : null}
    </span>
  )
}

const STOPPED_DECISIONS: Reason[] = (['usable', 'book-again', 'end-exam'] as const).map((code) => ({
  code,
  word: t(`scan.stopped-${code}`),
}))
