import { Link } from 'react-router'
import type { ScanStep } from '#db/queries/scan-queue.ts'
import { t } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { MoveBack } from './wrong-exam-panel.tsx'

interface DoneProps {
  steps: ScanStep[]
  /** Left out for those who may not put it right. */
  onWrong?: ((performedStepId: string) => void) | undefined
}

export function DoneSteps({ steps, onWrong }: DoneProps) {
  const zone = useZone()
  if (steps.length === 0) return null
  return (
    <div className="done-steps">
      <table>
        <caption className="visually-hidden">{t('scan.done')}</caption>
        <colgroup>
          <col style={{ width: 68 }} />
          <col />
          <col style={{ width: '18%' }} />
          <col style={{ width: 124 }} />
          <col style={{ width: 190 }} />
          <col style={{ width: 206 }} />
        </colgroup>
        <thead>
          <tr className="group-row">
            <th colSpan={6} scope="colgroup">
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
              <td>
                <PutRight step={step} onWrong={onWrong} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** A move that may still be taken back, or the way to one. */
function PutRight({ step, onWrong }: { step: ScanStep; onWrong: DoneProps['onWrong'] }) {
  const { movedHere, begun } = step
  if (!onWrong || !begun) return null
  if (movedHere) {
    return (
      <span>
        {t('move.here', { accession: movedHere.accession })}
        {movedHere.isOpen ? <MoveBack moveId={movedHere.moveId} /> : null}
      </span>
    )
  }
  return (
    <Button look="quiet" onClick={() => onWrong(begun.performedStepId)}>
      {t('move.open')}
    </Button>
  )
}

/** What became of its images: to check, incomplete, accepted, rejected, or still coming. */
function After({ step }: { step: ScanStep }) {
  const { check, quality, images, missing, isMovedUnchecked } = step
  if (check) {
    return (
      <Link
        className={check.kind === 'complete' || isMovedUnchecked ? 'link risk' : 'link'}
        to={`/quality-check/${check.itemId}`}
      >
        {check.kind === 'complete'
          ? t('quality.missing', { n: missing })
          : t(isMovedUnchecked ? 'move.blocked' : 'scan.to-check')}
      </Link>
    )
  }
  if (isMovedUnchecked) return <span className="risk">{t('move.blocked')}</span>
  if (quality) {
    return (
      <span>
        <Glyph name={quality === 'accepted' ? 'check' : 'cross'} /> {t(`scan.${quality}`)}
      </span>
    )
  }
  return t('scan.images-count', { n: images })
}
