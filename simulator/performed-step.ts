/** Modality Performed Procedure Step as a scanner writes it (PS3.4 F.7.2): begun, completed, discontinued. */
import { Dataset } from '#archive/dimse/dataset.ts'
import type { LocalTime } from './re-identify.ts'
import { plannedProtocol, requestAttributes, type ScheduledExam } from './scheduled-exam.ts'

export interface PerformedStep {
  /** (0040,0253), the device's own number. */
  id: string
  stationAe: string
  modality: string
  startedOn: LocalTime
  /** Several are performed as one (grouped). */
  exams: readonly ScheduledExam[]
}

/** N-CREATE, IN PROGRESS: type 1 and 2 attributes of table F.7.2-1. */
export function begunStep({ id, stationAe, modality, startedOn, exams }: PerformedStep): Dataset {
  const [exam] = exams
  return Dataset.of({
    SpecificCharacterSet: 'ISO_IR 192',
    Modality: modality,
    ReferencedPatientSequence: [],
    PatientName: exam?.patientName ?? null,
    PatientID: exam?.patientId ?? null,
    IssuerOfPatientID: exam?.patientIssuer ?? null,
    PatientBirthDate: exam?.birthDate ?? null,
    PatientSex: exam?.sex ?? null,
    ScheduledStepAttributesSequence: exams.map(scheduledStepAttributes),
    PerformedProcedureStepID: id,
    PerformedStationAETitle: stationAe,
    PerformedStationName: stationAe,
    PerformedLocation: null,
    PerformedProcedureStepStartDate: startedOn.date,
    PerformedProcedureStepStartTime: startedOn.time,
    PerformedProcedureStepStatus: 'IN PROGRESS',
    PerformedProcedureStepDescription: exam?.stepText ?? null,
    PerformedProcedureTypeDescription: null,
    ProcedureCodeSequence: exam?.item.items('RequestedProcedureCodeSequence') ?? [],
    PerformedProcedureStepEndDate: null,
    PerformedProcedureStepEndTime: null,
    StudyID: exam?.requestedProcedureId ?? null,
    // It runs the program that the worklist names.
    PerformedProtocolCodeSequence: exams.flatMap(plannedProtocol),
    PerformedSeriesSequence: [],
  })
}

function scheduledStepAttributes(exam: ScheduledExam): Dataset {
  return Dataset.of({
    ...requestAttributes(exam),
    StudyInstanceUID: exam.studyInstanceUid,
    ReferencedStudySequence: [],
    AccessionNumber: exam.accession,
    PlacerOrderNumberImagingServiceRequest: exam.item.text('PlacerOrderNumberImagingServiceRequest') ?? null,
    FillerOrderNumberImagingServiceRequest: exam.item.text('FillerOrderNumberImagingServiceRequest') ?? null,
  })
}

/** N-SET, COMPLETED: every instance named, by series. */
export function completedStep(images: readonly Dataset[], endedOn: LocalTime): Dataset {
  return Dataset.of({
    ...ended('COMPLETED', endedOn),
    PerformedSeriesSequence: seriesOf(images),
  })
}

/** N-SET, DISCONTINUED: what there was until then, and why (CID 9300). */
export function discontinuedStep(
  images: readonly Dataset[],
  { endedOn, reason }: { endedOn: LocalTime; reason: { code: string; meaning: string } },
): Dataset {
  const why = { CodeValue: reason.code, CodingSchemeDesignator: 'DCM', CodeMeaning: reason.meaning }
  return Dataset.of({
    ...ended('DISCONTINUED', endedOn),
    PerformedProcedureStepDiscontinuationReasonCodeSequence: [Dataset.of(why)],
    PerformedSeriesSequence: seriesOf(images),
  })
}

function ended(status: 'COMPLETED' | 'DISCONTINUED', { date, time }: LocalTime) {
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    PerformedProcedureStepStatus: status,
    PerformedProcedureStepEndDate: date,
    PerformedProcedureStepEndTime: time,
  }
}

function seriesOf(images: readonly Dataset[]): Dataset[] {
  const bySeries = Map.groupBy(images, (image) => image.text('SeriesInstanceUID') ?? '')
  return [...bySeries].map(([seriesUid, members]) =>
    Dataset.of({
      PerformingPhysicianName: null,
      // Type 1: the protocol has a name even where the scanner knew none.
      ProtocolName: members[0]?.text('ProtocolName') ?? 'STANDARD',
      OperatorsName: null,
      SeriesInstanceUID: seriesUid,
      SeriesDescription: members[0]?.text('SeriesDescription') ?? null,
      RetrieveAETitle: null,
      ReferencedImageSequence: members.map((image) =>
        Dataset.of({
          ReferencedSOPClassUID: image.text('SOPClassUID'),
          ReferencedSOPInstanceUID: image.text('SOPInstanceUID'),
        }),
      ),
      ReferencedNonImageCompositeSOPInstanceSequence: [],
    }),
  )
}
