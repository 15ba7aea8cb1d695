/** Modality Performed Procedure Step as SCP (PS3.4 annex F, IHE RAD-6 and RAD-7): N-CREATE begins, N-SET updates or ends. */
import type { Dataset } from '#archive/dimse/dataset.ts'
import { toDicomJson } from '#archive/dimse/dicom-json.ts'
import { hexOf, tagOf } from '#archive/dimse/dictionary.ts'
import type { DatasetRequest } from '#archive/dimse/services.ts'
import { type Outcome, STATUS, StatusError, SUCCESS } from '#archive/dimse/status.ts'
import { isTolerableUid, newUid } from '#archive/dimse/uid.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import {
  beginPerformedStep,
  changePerformedStep,
  type PerformedStepChange,
} from '#db/mutations/performed-steps.ts'
import { MPPS_STATUS } from '#domain/performed-step.ts'
import { PERFORMED_STEP_STATUSES, type PerformedStepStatus } from '#domain/words.ts'
import { instantIn } from './instant.ts'

/** N-CREATE: begun, or refused with 0111H (known already), 0106H (not IN PROGRESS) or 0120H (type 1 missing). */
export async function createPerformedStep(
  department: Department,
  { aeTitle, zone }: { aeTitle: string; zone: string },
  request: DatasetRequest,
): Promise<Outcome> {
  const { dataset } = request
  requireTypeOne(dataset)
  const status = dataset.text('PerformedProcedureStepStatus')
  if (status !== 'IN PROGRESS') throw invalid('PerformedProcedureStepStatus')
  const sopInstanceUid = request.sopInstanceUid || newUid()
  if (!isTolerableUid(sopInstanceUid)) throw new StatusError({ status: STATUS.invalidSopInstance })
  const scheduled = dataset.items('ScheduledStepAttributesSequence')
  const act = await deviceAct(department, aeTitle, { address: request.association.agreement.remoteAddress })
  const outcome = await beginPerformedStep(department, act, {
    sopInstanceUid,
    stationAe: dataset.text('PerformedStationAETitle') ?? aeTitle,
    studyUid: scheduled[0]?.text('StudyInstanceUID') ?? '',
    // An unscheduled step still names its study; only what names a scheduled step, or an order, can be matched.
    scheduled: scheduled.map((item) => ({
      stepNumber: item.text('ScheduledProcedureStepID') ?? '',
      accession: item.text('AccessionNumber') ?? '',
      studyUid: item.text('StudyInstanceUID') ?? '',
    })),
    startedAt:
      instantIn(
        dataset,
        { date: 'PerformedProcedureStepStartDate', time: 'PerformedProcedureStepStartTime' },
        zone,
      ) ?? act.now,
    dataset: toDicomJson(dataset),
  })
  if (outcome === 'duplicate') return { status: MPPS_STATUS.duplicateInstance }
  return { ...SUCCESS, sopInstanceUid }
}

/** Type 1 on creation (PS3.4 table F.7.2-1); a study is named for each scheduled step, or for the one that was not. */
function requireTypeOne(dataset: Dataset): void {
  const missing = TYPE_ONE.filter((keyword) => dataset.text(keyword) === undefined)
  const scheduled = dataset.items('ScheduledStepAttributesSequence')
  if (scheduled.length === 0) missing.push('ScheduledStepAttributesSequence')
  else if (scheduled.some((item) => item.text('StudyInstanceUID') === undefined))
    missing.push('StudyInstanceUID')
  if (missing.length === 0) return
  throw new StatusError({
    status: MPPS_STATUS.missingAttribute,
    attributes: missing.map(tagOf),
    offendingElements: missing.map(tagOf),
    comment: `Missing ${missing.map((keyword) => hexOf(tagOf(keyword))).join(' ')}`,
  })
}

const TYPE_ONE = [
  'PerformedProcedureStepID',
  'PerformedStationAETitle',
  'PerformedProcedureStepStartDate',
  'PerformedProcedureStepStartTime',
  'PerformedProcedureStepStatus',
  'Modality',
]

/** N-SET: changed, or refused with 0112H (not known), 0110H (final: nobody changes it) or 0106H (not a status). */
export async function setPerformedStep(
  department: Department,
  { aeTitle, zone }: { aeTitle: string; zone: string },
  request: DatasetRequest,
): Promise<Outcome> {
  const { dataset, sopInstanceUid } = request
  const status = statusOf(dataset)
  await crossedCreate(department, sopInstanceUid)
  const act = await deviceAct(department, aeTitle, { address: request.association.agreement.remoteAddress })
  const outcome = await changePerformedStep(department, act, {
    sopInstanceUid,
    ...(status ? { status } : {}),
    ...ended(dataset, zone),
    ...reason(dataset),
    series: dataset.items('PerformedSeriesSequence').map(seriesOf),
    dataset: toDicomJson(dataset),
  })
  if (outcome === 'unknown') return { status: MPPS_STATUS.noSuchInstance }
  if (outcome === 'final')
    return {
      status: MPPS_STATUS.processingFailure,
      errorId: NO_LONGER_UPDATABLE,
      comment: 'Performed step is final',
    }
  return SUCCESS
}

/** Error ID of PS3.4 section F.7.2.2.3: may no longer be updated. */
const NO_LONGER_UPDATABLE = 0xa710

function statusOf(dataset: Dataset): PerformedStepStatus | undefined {
  const said = dataset.text('PerformedProcedureStepStatus')
  if (said === undefined) return undefined
  const known = PERFORMED_STEP_STATUSES.find((status) => status === said)
  if (!known) throw invalid('PerformedProcedureStepStatus')
  return known
}

function invalid(keyword: string): StatusError {
  return new StatusError({
    status: MPPS_STATUS.invalidAttributeValue,
    attributes: [tagOf(keyword)],
    offendingElements: [tagOf(keyword)],
  })
}

const PARKED_MS = 1_000
const POLL_MS = 50

// Some consoles send N-SET, on another association, before the N-CREATE response has reached them.
async function crossedCreate({ sql }: Department, sopInstanceUid: string): Promise<void> {
  for (const until = Date.now() + PARKED_MS; Date.now() < until; ) {
    const [known] = await sql`select 1 from performed_steps where sop_instance_uid = ${sopInstanceUid}`
    if (known) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function ended(dataset: Dataset, zone: string): { endedAt?: Date } {
  const endedAt = instantIn(
    dataset,
    { date: 'PerformedProcedureStepEndDate', time: 'PerformedProcedureStepEndTime' },
    zone,
  )
  return endedAt ? { endedAt } : {}
}

function reason(dataset: Dataset): { reasonCode?: string } {
  const reasonCode = dataset
    .item('PerformedProcedureStepDiscontinuationReasonCodeSequence')
    ?.text('CodeValue')
  return reasonCode ? { reasonCode } : {}
}

function seriesOf(item: Dataset): PerformedStepChange['series'][number] {
  const named = [
    ...item.items('ReferencedImageSequence'),
    ...item.items('ReferencedNonImageCompositeSOPInstanceSequence'),
  ]
  return {
    seriesUid: item.text('SeriesInstanceUID') ?? '',
    instances: named.flatMap((one) => one.text('ReferencedSOPInstanceUID') ?? []),
  }
}
