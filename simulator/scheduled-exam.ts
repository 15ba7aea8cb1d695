/** The modality worklist as a scanner reads it (PS3.4 annex K as SCU): which exams are there, and all that must be copied. */
import { Dataset } from '#archive/dimse/dataset.ts'
import type { PersonNameGroups } from '#archive/dimse/person-name.ts'
import type { Peer } from '#archive/scu/association.ts'
import { find } from '#archive/scu/find.ts'

export interface ScheduledExam {
  stepId: string
  /** Scheduled Procedure Step Status (0040,0020), as answered. */
  status: string
  modality: string
  /** YYYYMMDD and HHMMSS of the site. */
  startDate: string
  startTime: string
  accession: string
  studyInstanceUid: string
  requestedProcedureId: string
  procedureText: string
  procedureCode: string
  stepText: string
  patientId: string
  patientIssuer: string
  patientName: PersonNameGroups
  birthDate: string
  sex: string
  /** The answer, whole: its codes and sequences are copied as they are. */
  item: Dataset
}

export interface ExamsAsked {
  accession?: string
  stationAe?: string
  modality?: string
}

/** What the archive offers this device, earliest first. @throws StatusError when it refuses */
export async function scheduledExams(peer: Peer, asked: ExamsAsked = {}): Promise<ScheduledExam[]> {
  return (await find(peer, 'worklist', identifier(asked))).map(examOf)
}

function identifier({ accession, stationAe, modality }: ExamsAsked): Dataset {
  return Dataset.of({
    SpecificCharacterSet: 'ISO_IR 192',
    AccessionNumber: accession ?? null,
    IssuerOfAccessionNumberSequence: [],
    ReferringPhysicianName: null,
    PatientName: null,
    PatientID: null,
    IssuerOfPatientID: null,
    PatientBirthDate: null,
    PatientSex: null,
    StudyInstanceUID: null,
    RequestedProcedureID: null,
    RequestedProcedureDescription: null,
    RequestedProcedureCodeSequence: [],
    ReferencedStudySequence: [],
    PlacerOrderNumberImagingServiceRequest: null,
    FillerOrderNumberImagingServiceRequest: null,
    ScheduledProcedureStepSequence: [
      Dataset.of({
        ScheduledStationAETitle: stationAe ?? null,
        ScheduledProcedureStepStartDate: null,
        ScheduledProcedureStepStartTime: null,
        Modality: modality ?? null,
        ScheduledProcedureStepDescription: null,
        ScheduledProtocolCodeSequence: [],
        ScheduledProcedureStepID: null,
        ScheduledProcedureStepStatus: null,
      }),
    ],
  })
}

function examOf(item: Dataset): ScheduledExam {
  const step = item.item('ScheduledProcedureStepSequence') ?? new Dataset()
  const text = (keyword: string) => item.text(keyword) ?? ''
  return {
    stepId: step.text('ScheduledProcedureStepID') ?? '',
    status: step.text('ScheduledProcedureStepStatus') ?? '',
    modality: step.text('Modality') ?? '',
    startDate: step.text('ScheduledProcedureStepStartDate') ?? '',
    startTime: step.text('ScheduledProcedureStepStartTime') ?? '',
    stepText: step.text('ScheduledProcedureStepDescription') ?? '',
    accession: text('AccessionNumber'),
    studyInstanceUid: text('StudyInstanceUID'),
    requestedProcedureId: text('RequestedProcedureID'),
    procedureText: text('RequestedProcedureDescription'),
    procedureCode: item.item('RequestedProcedureCodeSequence')?.text('CodeValue') ?? '',
    patientId: text('PatientID'),
    patientIssuer: text('IssuerOfPatientID'),
    patientName: item.personName('PatientName') ?? {},
    birthDate: text('PatientBirthDate'),
    sex: text('PatientSex'),
    item,
  }
}

/** Scheduled Step Attributes of a performed step, Request Attributes of an image: what ties them to what was asked. */
export function requestAttributes(exam: ScheduledExam): Record<string, string | readonly Dataset[]> {
  return {
    RequestedProcedureID: exam.requestedProcedureId,
    RequestedProcedureDescription: exam.procedureText,
    RequestedProcedureCodeSequence: exam.item.items('RequestedProcedureCodeSequence'),
    ScheduledProcedureStepID: exam.stepId,
    ScheduledProcedureStepDescription: exam.stepText,
    ScheduledProtocolCodeSequence: plannedProtocol(exam),
  }
}

/** The scanner's program as the worklist names it (0040,0008). */
export function plannedProtocol({ item }: ScheduledExam): readonly Dataset[] {
  return item.item('ScheduledProcedureStepSequence')?.items('ScheduledProtocolCodeSequence') ?? []
}
