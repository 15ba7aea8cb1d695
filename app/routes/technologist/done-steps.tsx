import { Link } from 'react-router'
import type { ScanStep } from '#db/queries/scan-queue.ts'
import { t } from '../../strings/words.ts'
import { useZone } from '../../ui/department-clock.tsx'
import { clockTime, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { PhaseTag } from '../../ui/phase-tag.tsx'

export function DoneSteps({ steps }: { steps: ScanStep[] }) {
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
