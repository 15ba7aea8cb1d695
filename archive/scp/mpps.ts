/** Modality Performed Procedure Step as SCP (PS3.4 annex F, IHE RAD-6 and RAD-7): N-CREATE begins, N-SET updates or ends. */
import type { Dataset } from '#archive/dimse/dataset.ts'
import { toDicomJson } from '#archive/dimse/dicom-json.ts'
import { hexOf, tagOf } from '#archive/dimse/dictionary.ts'
import type { DatasetRequest } from '#archive/dimse/services.ts'
import { NO_LONGER_UPDATABLE, type Outcome, STATUS, StatusError, SUCCESS } from '#archive/dimse/status.ts'
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

/** N-CREATE: begun, or refused with 0111H (known already), 0106H (not IN PROGRESS), 0120H or 0121H (type 1 missing, empty). */
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

/**
 * Type 1 on creation (PS3.4 table F.7.2-1); a study is named for each scheduled step, or for the one that was not.
 * What is not there is 0120H, what is there without a value 0121H.
 */
function requireTypeOne(dataset: Dataset): void {
  const scheduled = dataset.items('ScheduledStepAttributesSequence')
  const wanted = [...TYPE_ONE.map((keyword) => ({ keyword, places: [dataset] })), studyOf(scheduled)]
  const absent = wanted.filter(({ keyword, places }) => places.some((place) => !place.has(keyword)))
  const empty = wanted.filter(({ keyword, places }) => places.some((place) => !hasValue(place, keyword)))
  if (absent.length > 0) throw missing(MPPS_STATUS.missingAttribute, 'Missing', absent)
  if (empty.length > 0) throw missing(STATUS.missingAttributeValue, 'Empty', empty)
}

type Wanted = { keyword: string; places: readonly Dataset[] }

const studyOf = (scheduled: readonly Dataset[]): Wanted => ({
  keyword: 'StudyInstanceUID',
  places: scheduled,
})

function hasValue(place: Dataset, keyword: string): boolean {
  return place.text(keyword) !== undefined || place.items(keyword).length > 0
}

function missing(status: number, word: string, wanted: readonly Wanted[]): StatusError {
  const tags = wanted.map(({ keyword }) => tagOf(keyword))
  return new StatusError({
    status,
    attributes: tags,
    offendingElements: tags,
    comment: `${word} ${tags.map(hexOf).join(' ')}`,
  })
}

const TYPE_ONE = [
  'PerformedProcedureStepID',
  'PerformedStationAETitle',
  'PerformedProcedureStepStartDate',
  'PerformedProcedureStepStartTime',
  'PerformedProcedureStepStatus',
  'Modality',
  'ScheduledStepAttributesSequence',
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
    dataset: changeable(dataset),
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

/**
 * Without what an N-SET may not change (PS3.4 table F.7.2-1): whose step it is, what it was scheduled as and where it
 * began stay as N-CREATE said them. Consoles that send everything again mean no harm, and are not refused for it.
 */
function changeable(dataset: Dataset): unknown {
  const json = toDicomJson(dataset)
  for (const keyword of FIXED) delete json[hexOf(tagOf(keyword))]
  return json
}

const FIXED = [
  'ScheduledStepAttributesSequence',
  'PatientName',
  'PatientID',
  'IssuerOfPatientID',
  'PatientBirthDate',
  'PatientSex',
  'ReferencedPatientSequence',
  'PerformedProcedureStepID',
  'PerformedStationAETitle',
  'PerformedStationName',
  'PerformedLocation',
  'PerformedProcedureStepStartDate',
  'PerformedProcedureStepStartTime',
  'Modality',
  'StudyID',
]

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
