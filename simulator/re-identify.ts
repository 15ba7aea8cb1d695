/** A real image becomes the image of another exam: patient, order, identifiers and times are the order's, the pixels stay. */
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { requestAttributes, type ScheduledExam } from './scheduled-exam.ts'
import { valid } from './valid-image.ts'

export interface Rewriting {
  exam: ScheduledExam
  /** Of the MPPS that it belongs to, where the device sends one. */
  performedStepUid: string | undefined
  performedStepId: string
  stationName: string
  /** DA and TM, local to the site. */
  startedOn: LocalTime
  /** New UIDs by old ones: what was one series, or one frame of reference, stays one. */
  uids: UidMap
}

export interface LocalTime {
  date: string
  time: string
}

/** Answers the same new UID for the same old one. */
export type UidMap = (old: string) => string

export function newUidMap(): UidMap {
  const known = new Map<string, string>()
  return (old) => {
    const made = known.get(old) ?? newUid()
    known.set(old, made)
    return made
  }
}

const UTF8 = ['ISO_IR 192']

/** A new data set in UTF-8, with the same pixels. `number` is the image's place in the exam, from 0. */
export function reIdentify(original: Dataset, rewriting: Rewriting, number = 0): Dataset {
  const image = original.inCharacterSets(UTF8)
  if (!image.has('SpecificCharacterSet')) image.set('SpecificCharacterSet', UTF8)
  for (const keyword of OF_ANOTHER_EXAM) image.delete(keyword)
  deleteClipDocument(image)
  const values = {
    ...patient(rewriting),
    ...order(rewriting),
    ...times(rewriting.startedOn, number),
    ...identifiers(original, rewriting),
  }
  for (const [keyword, value] of Object.entries(values)) {
    // An optional sequence has an item or is not there.
    if (isEmptySequence(value)) image.delete(keyword)
    else image.set(keyword, value)
  }
  return valid(image)
}

/** What says whose image it was, how it was made anonymous, or points at objects that are not here. */
const OF_ANOTHER_EXAM = [
  'OtherPatientIDs',
  'OtherPatientIDsSequence',
  'OtherPatientNames',
  'PatientBirthTime',
  'PatientComments',
  'PatientAddress',
  'EthnicGroup',
  'AdditionalPatientHistory',
  'PatientIdentityRemoved',
  'DeidentificationMethod',
  'DeidentificationMethodCodeSequence',
  'ClinicalTrialProtocolID',
  'ClinicalTrialSubjectID',
  'InstanceCreatorUID',
  'PhysiciansOfRecord',
  'PerformingPhysicianName',
  'NameOfPhysiciansReadingStudy',
  'OperatorsName',
  'RequestingPhysician',
  'RequestingService',
  'ReferencedStudySequence',
  'ReferencedSeriesSequence',
  'ReferencedImageSequence',
  'SourceImageSequence',
  'ReferencedRequestSequence',
  'IconImageSequence',
  'StorageMediaFileSetUID',
  'AcquisitionDateTime',
  'TimezoneOffsetFromUTC',
  'StudyComments',
  'ContributingEquipmentSequence',
]

/** SonoSite describes a clip in XML of its own, with the instance UID that it had. */
function deleteClipDocument(image: Dataset): void {
  if (image.text(0x00190010) !== 'SonoSite Private Data') return
  for (const tag of [0x00190010, 0x00191050, 0x00191060]) image.delete(tag)
}

function patient({ exam, startedOn }: Rewriting): Record<string, Value> {
  return {
    PatientName: exam.patientName,
    PatientID: exam.patientId,
    IssuerOfPatientID: exam.patientIssuer,
    PatientBirthDate: exam.birthDate,
    PatientSex: exam.sex,
    PatientAge: ageOn(startedOn.date, exam.birthDate),
  }
}

/** AS: years, or months below two years. */
export function ageOn(date: string, birthDate: string): string {
  if (birthDate.length !== 8) return ''
  const [year, month] = [Number(birthDate.slice(0, 4)), Number(birthDate.slice(4, 6))]
  const hadDay = date.slice(6) >= birthDate.slice(6)
  const months = (Number(date.slice(0, 4)) - year) * 12 + Number(date.slice(4, 6)) - month - (hadDay ? 0 : 1)
  if (months < 0) return ''
  return months < 24
    ? `${String(months).padStart(3, '0')}M`
    : `${String(Math.floor(months / 12)).padStart(3, '0')}Y`
}

function order({ exam, performedStepUid, performedStepId, stationName }: Rewriting): Record<string, Value> {
  const performed = Dataset.of({
    ReferencedSOPClassUID: MODALITY_PERFORMED_PROCEDURE_STEP,
    ReferencedSOPInstanceUID: performedStepUid,
  })
  return {
    AccessionNumber: exam.accession,
    IssuerOfAccessionNumberSequence: exam.item.items('IssuerOfAccessionNumberSequence'),
    ReferringPhysicianName: exam.item.personName('ReferringPhysicianName') ?? null,
    StudyID: exam.requestedProcedureId,
    StudyDescription: exam.procedureText,
    ProcedureCodeSequence: exam.item.items('RequestedProcedureCodeSequence'),
    StationName: stationName,
    InstitutionName: 'Main hospital',
    PerformedProcedureStepID: performedStepId,
    RequestAttributesSequence: [Dataset.of(withItems(requestAttributes(exam)))],
    ReferencedPerformedProcedureStepSequence: performedStepUid ? [performed] : [],
  }
}

const withItems = (values: Record<string, Value>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmptySequence(value)))

const isEmptySequence = (value: Value) => Array.isArray(value) && value.length === 0

const MODALITY_PERFORMED_PROCEDURE_STEP = '1.2.840.10008.3.1.2.3.3'

function times({ date, time }: LocalTime, number: number): Record<string, Value> {
  // A quarter of a second for each image: in order, and never two alike.
  const taken = `${time.slice(0, 6)}.${String((number * 250) % 1000).padStart(3, '0')}000`
  return {
    StudyDate: date,
    StudyTime: time,
    SeriesDate: date,
    SeriesTime: time,
    AcquisitionDate: date,
    AcquisitionTime: taken,
    ContentDate: date,
    ContentTime: taken,
    InstanceCreationDate: date,
    InstanceCreationTime: taken,
    PerformedProcedureStepStartDate: date,
    PerformedProcedureStepStartTime: time,
  }
}

function identifiers(original: Dataset, { exam, uids }: Rewriting): Record<string, Value> {
  const frame = original.text('FrameOfReferenceUID')
  return {
    StudyInstanceUID: exam.studyInstanceUid,
    SeriesInstanceUID: uids(original.text('SeriesInstanceUID') ?? ''),
    SOPInstanceUID: uids(original.text('SOPInstanceUID') ?? newUid()),
    ...(frame ? { FrameOfReferenceUID: uids(frame) } : {}),
  }
}
