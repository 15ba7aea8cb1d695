import type { ScanStep } from '#db/queries/scan-queue.ts'
import { t } from '../../strings/words.ts'
import { useDepartmentNow, useZone } from '../../ui/department-clock.tsx'
import { clockTime, duration, NONE } from '../../ui/format.ts'
import { Glyph } from '../../ui/glyph.tsx'
import { useSexAge } from '../../ui/identity-banner.tsx'
import { PatientName } from '../../ui/patient-name.tsx'
import { writtenName } from '../../ui/person-name.ts'
import { PhaseTag } from '../../ui/phase-tag.tsx'
import { Priority } from '../../ui/priority.tsx'
import type { Column, WorklistRow } from '../../worklist/worklist-table.tsx'

export type QueueRow = ScanStep & WorklistRow

export function queueRow(step: ScanStep): QueueRow {
  return { ...step, id: step.stepId, isStat: step.priority === 'stat' }
}

export const COLUMNS: Column<QueueRow>[] = [
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
    width: 'minmax(200px, 1.5fr)',
    cell: (row) => (
      <>
        <PatientName name={row.name} similar={row.isSimilar} />
        {row.hands ? (
          <span className="tag queue-hands" title={t('scan.hands', { name: row.hands.name })}>
            {row.hands.name}
          </span>
        ) : null}
      </>
    ),
    words: (row) => [writtenName(row.name), row.hands?.name].join(' '),
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
    width: '98px',
    cell: (row) => <span className="ellipsis">{row.location ?? NONE}</span>,
  },
  {
    key: 'ready',
    head: t('scan.ready'),
    width: '142px',
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
