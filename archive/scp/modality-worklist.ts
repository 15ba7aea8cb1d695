/** Modality Worklist as SCP (PS3.4 annex K, IHE RAD-5): what each device may perform, as the department stands now. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import type { DatasetRequest, Match } from '#archive/dimse/services.ts'
import { STATUS, StatusError } from '#archive/dimse/status.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { audit } from '#db/mutations/audit.ts'
import {
  modalityWorklist,
  type WorklistAsked,
  type WorklistCaller,
  type WorklistStep,
} from '#db/queries/modality-worklist.ts'
import type { NameGroup } from '#domain/order-message.ts'
import { answer } from './identifier.ts'
import { groupsOf, matches } from './matching.ts'
import { dateRange, timeRange } from './ranges.ts'

const MATCHES_A_TURN = 20

/** Steps matching the identifier, earliest first; reading is audited once per query, by number of matches. */
export async function* findModalityWorklist(
  department: Department,
  caller: WorklistCaller,
  { dataset: identifier, signal, association }: DatasetRequest,
): AsyncGenerator<Match> {
  const asked = askedFor(identifier, { caller, now: await department.now() })
  const steps = await modalityWorklist(department.sql, asked)
  let found = 0
  try {
    for (const step of steps) {
      if (signal.aborted) break
      const candidate = entry(step)
      if (!matches(candidate, identifier, MATCHED_BY_QUERY)) continue
      found += 1
      // Others have their turn, and a C-CANCEL can be read.
      if (found % MATCHES_A_TURN === 0) await nextTurn()
      yield answer(candidate, identifier)
    }
  } finally {
    // Whoever leaves in the middle has read what it was told until then.
    const act = await deviceAct(department, caller.aeTitle, { address: association.agreement.remoteAddress })
    await audit(department, act, {
      subject: `device:${caller.aeTitle}`,
      type: 'worklist.queried',
      data: { matches: found },
    })
  }
}

// Station, date and time follow rules of their own (PS3.4 table K.6-1) that the query has applied.
const MATCHED_BY_QUERY = [0x00400001, 0x00400002, 0x00400003]

function askedFor(
  identifier: Dataset,
  { caller, now }: Pick<WorklistAsked, 'caller' | 'now'>,
): WorklistAsked {
  const step = identifier.item('ScheduledProcedureStepSequence') ?? new Dataset()
  return {
    caller,
    now,
    ...startRange(step),
    stationAes: keys(step, 'ScheduledStationAETitle'),
    modalities: keys(step, 'Modality'),
    stepNumbers: keys(step, 'ScheduledProcedureStepID'),
    patientIds: keys(identifier, 'PatientID'),
    accessions: keys(identifier, 'AccessionNumber'),
    requestedProcedureIds: keys(identifier, 'RequestedProcedureID'),
    studyUids: keys(identifier, 'StudyInstanceUID'),
  }
}

function keys(identifier: Dataset, keyword: string): string[] {
  return identifier.texts(keyword).filter((text) => text !== '' && !/^\*+$/.test(text))
}

/**
 * Two ranges together are one period: 5 to 7 July and 10 to 18 o'clock is from the 5th at 10 to the 7th at 18
 * (PS3.4 table K.6-1). A single time, or a time without a date, is the time of each day.
 */
function startRange(step: Dataset): Pick<WorklistAsked, 'from' | 'to' | 'timeFrom' | 'timeTo'> {
  const date = dateRange(step.text('ScheduledProcedureStepStartDate') ?? '')
  const time = timeRange(step.text('ScheduledProcedureStepStartTime') ?? '')
  if (date === undefined) throw notUnderstood(0x00400002)
  if (time === undefined) throw notUnderstood(0x00400003)
  const isPeriod = date !== null && time?.isRange === true
  return {
    from: date?.from ? date.from + ((isPeriod && time.from) || '000000') : null,
    to: date?.to ? date.to + ((isPeriod && time.to) || '235959') : null,
    timeFrom: isPeriod ? null : (time?.from ?? null),
    timeTo: isPeriod ? null : (time?.to ?? null),
  }
}

function notUnderstood(tag: number): StatusError {
  return new StatusError({
    status: STATUS.datasetDoesNotMatch,
    offendingElements: [tag],
    comment: 'Not a date or time, nor a range',
  })
}

/** One scheduled step as a worklist item: table K.6-1, the keys we hold nothing for left out. */
function entry(step: WorklistStep): Dataset {
  return Dataset.of({
    ...patient(step),
    ...visit(step),
    AccessionNumber: step.accession,
    IssuerOfAccessionNumberSequence: [Dataset.of({ LocalNamespaceEntityID: step.accessionIssuer })],
    ReferringPhysicianName: requester(step),
    RequestingPhysician: requester(step),
    RequestedProcedureID: step.requestedProcedureId,
    RequestedProcedureDescription: cut(step.procedureText),
    RequestedProcedureCodeSequence: code(step.procedureCode, step.procedureScheme, step.procedureText),
    RequestedProcedurePriority: PRIORITY[step.priority],
    ReasonForTheRequestedProcedure: cut(step.reason),
    StudyInstanceUID: step.studyUid,
    ReferencedStudySequence: [],
    PlacerOrderNumberImagingServiceRequest: step.placerNumber,
    FillerOrderNumberImagingServiceRequest: step.fillerNumber,
    IssueDateOfImagingServiceRequest: step.orderedDate,
    IssueTimeOfImagingServiceRequest: step.orderedTime,
    RequestAttributesSequence: [requestAttributes(step)],
    ScheduledProcedureStepSequence: [scheduledStep(step)],
  })
}

const PRIORITY = { stat: 'STAT', urgent: 'HIGH', routine: 'ROUTINE' } as const

function patient({
  patientName,
  patientId,
  patientIssuer,
  birthDate,
  sex,
}: WorklistStep): Record<string, Value> {
  return {
    PatientName: groupsOf({
      alphabetic: components(patientName.alphabetic),
      ideographic: components(patientName.ideographic),
      phonetic: components(patientName.phonetic),
    }),
    PatientID: patientId,
    IssuerOfPatientID: patientIssuer,
    // DA has no way to say "some day in 1963": a date that is not known to the day is not sent.
    PatientBirthDate: birthDate?.length === 10 ? birthDate.replaceAll('-', '') : null,
    PatientSex: sex,
  }
}

function visit({ visitNumber, location }: WorklistStep): Record<string, Value> {
  return { AdmissionID: visitNumber, CurrentPatientLocation: cut(location) }
}

// PN orders its components family, given, middle, prefix, suffix (PS3.5 section 6.2); XPN has suffix before prefix.
function components(group: NameGroup | undefined): (string | undefined)[] {
  if (!group) return []
  const { family, given, middle, prefix, suffix, degree } = group
  return [family, given, middle, prefix, [suffix, degree].filter(Boolean).join(' ')]
}

function requester({ requester: person }: WorklistStep): Value {
  return person
    ? groupsOf({ alphabetic: [person.family, person.given, '', person.prefix, person.degree] })
    : null
}

function scheduledStep(step: WorklistStep): Dataset {
  return Dataset.of({
    ScheduledStationAETitle: step.stationAes,
    ScheduledProcedureStepStartDate: step.startDate,
    ScheduledProcedureStepStartTime: step.startTime,
    ScheduledProcedureStepEndDate: step.endDate,
    ScheduledProcedureStepEndTime: step.endTime,
    Modality: step.modality,
    ScheduledPerformingPhysicianName: null,
    ScheduledProcedureStepDescription: cut(step.protocolName ?? step.procedureText),
    ScheduledProtocolCodeSequence: code(
      step.protocolCode,
      LOCAL_SCHEME,
      step.protocolName ?? step.procedureText,
    ),
    ScheduledProcedureStepID: step.stepNumber,
    ScheduledStationName: cut(step.roomName, 16),
    ScheduledProcedureStepLocation: cut(step.roomName, 16),
    ScheduledProcedureStepStatus: step.status.toUpperCase(),
  })
}

/** Protocols are the department's own: no scheme of the standard names them (PS3.3 section 8.2). */
const LOCAL_SCHEME = '99ISOCENTER'

/** What images and performed steps must repeat, so that a console can copy it whole. */
function requestAttributes(step: WorklistStep): Dataset {
  return Dataset.of({
    StudyInstanceUID: step.studyUid,
    AccessionNumber: step.accession,
    RequestedProcedureID: step.requestedProcedureId,
    RequestedProcedureDescription: cut(step.procedureText),
    ScheduledProcedureStepID: step.stepNumber,
    ScheduledProcedureStepDescription: cut(step.protocolName ?? step.procedureText),
    ScheduledProtocolCodeSequence: code(
      step.protocolCode,
      LOCAL_SCHEME,
      step.protocolName ?? step.procedureText,
    ),
  })
}

// Code, scheme and meaning are all of type 1 in an item (PS3.3 table 8.8-1): without them there is no item.
function code(value: string | null, scheme: string, meaning: string): Dataset[] {
  if (!value || !scheme || !meaning) return []
  const short = value.length <= 16
  return [
    Dataset.of({
      [short ? 'CodeValue' : 'LongCodeValue']: value,
      CodingSchemeDesignator: scheme.slice(0, 16),
      CodeMeaning: cut(meaning),
    }),
  ]
}

/** A line for a field of limited length: SH takes 16 characters, LO 64, and a backslash would make two values. */
function cut(text: string | null, length = 64): string | null {
  return text === null ? null : text.replace(/[\\\r\n\f]+/g, ' ').slice(0, length)
}
