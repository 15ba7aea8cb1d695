/** Steps without a slot, by the time they must have one. */
import { useMemo } from 'react'
import type { CalendarStep } from '#db/queries/calendar.ts'
import { similarAmong } from '#domain/similar-people.ts'
import { t } from '../../strings/words.ts'
import { count } from '../../ui/format.ts'
import { identifierText } from '../../ui/identifier-text.ts'
import { intoView } from '../../ui/into-view.ts'
import { PatientName } from '../../ui/patient-name.tsx'
import { Priority } from '../../ui/priority.tsx'
import { TimeLeft } from '../../ui/time-left-meter.tsx'

interface WaitingListProps {
  steps: CalendarStep[]
  chosenId: string | null
  onChoose: (step: CalendarStep) => void
}

export function WaitingList({ steps, chosenId, onChoose }: WaitingListProps) {
  const first = steps.some(({ stepId }) => stepId === chosenId) ? chosenId : steps[0]?.stepId
  const similar = useMemo(
    () => similarAmong(steps.map(({ patient }) => ({ ...patient, id: personKey(patient) }))),
    [steps],
  )
  return (
    <section className="panel calendar-waiting">
      <header>
        <h2>{t('nav.to-schedule')}</h2>
        <span className="text-3">{count(steps.length)}</span>
        <span className="push small text-3">{t('calendar.by-deadline')}</span>
      </header>
      <div role="listbox" tabIndex={-1} aria-label={t('nav.to-schedule')} data-keys="list">
        {steps.map((step) => (
          <Waiting
            key={step.stepId}
            step={step}
            isChosen={step.stepId === chosenId}
            isFirst={step.stepId === first}
            isSimilar={similar.has(personKey(step.patient))}
            onChoose={() => onChoose(step)}
          />
        ))}
      </div>
      {steps.length === 0 ? (
        <div className="state-box">
          <p className="strong">{t('calendar.nothing-waits')}</p>
          <p className="small text-2">{t('calendar.nothing-waits-why')}</p>
        </div>
      ) : null}
    </section>
  )
}

const personKey = ({ identifiers }: CalendarStep['patient']) => identifierText(identifiers)

interface WaitingProps {
  step: CalendarStep
  isChosen: boolean
  isFirst: boolean
  isSimilar: boolean
  onChoose: () => void
}

function Waiting({ step, isChosen, isFirst, isSimilar, onChoose }: WaitingProps) {
  const { item, order, patient, procedure } = step
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the screen's keys move through the list
    <div
      ref={isChosen ? intoView : undefined}
      role="option"
      tabIndex={isFirst ? 0 : -1}
      aria-selected={isChosen}
      data-order={order.id}
      data-accession={order.accession}
      onClick={onChoose}
    >
      <Priority value={order.priority} />
      {item ? (
        <TimeLeft
          allowance={{
            dueAt: item.dueAt?.toISOString() ?? null,
            from: item.dueFrom.toISOString(),
            lateAt: item.lateAt?.toISOString() ?? null,
          }}
        />
      ) : null}
      <span className="calendar-waiting-name">
        <PatientName name={patient.name} similar={isSimilar} />
      </span>
      <span className="small text-2 calendar-waiting-what">{procedure.shortName}</span>
      <span className="small text-3 right calendar-waiting-where">
        {[
          step.isRetake ? t('calendar.retake') : null,
          step.status === 'no-show' ? t('calendar.no-show', { n: step.noShows }) : order.location,
        ]
          .filter(Boolean)
          .join(' · ')}
      </span>
    </div>
  )
}
