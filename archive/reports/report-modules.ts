/** What a report's document and its PDF have in common: whose it is, of which study, when, and in place of what (PS3.3 C.7, C.12.1, C.17). */
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { nothingStated, stateAsImages } from '#archive/ingest/of-its-study.ts'
import type { ReportObject, ReportReference } from '#db/queries/report-objects.ts'
import { type Code, REPORT_OBJECT_CLASSES } from '#domain/report-object.ts'
import { instantIn } from './instant-in.ts'

/** Patient, General Study, series, equipment and SOP Common, the elements of the object's own kind beside them. */
export function reportDataset(object: ReportObject, own: Record<string, Value | undefined>): Dataset {
  const released = instantIn(object.releasedAt, object.site.zone)
  const dataset = Dataset.of({
    SpecificCharacterSet: 'ISO_IR 192',
    TimezoneOffsetFromUTC: released.offset,
    SOPClassUID: REPORT_OBJECT_CLASSES[object.kind],
    SOPInstanceUID: object.sopInstanceUid,
    InstanceCreationDate: released.date,
    InstanceCreationTime: released.time,
    ...nothingStated(),
    StudyInstanceUID: object.studyUid,
    SeriesInstanceUID: object.seriesUid,
    Manufacturer: 'Isocenter',
    InstanceNumber: object.version,
    ContentDate: released.date,
    ContentTime: released.time,
    VerificationFlag: null,
    ...own,
    ...(object.predecessor && { PredecessorDocumentsSequence: hierarchical([object.predecessor]) }),
    ...(object.identical.length > 0 && { IdenticalDocumentsSequence: hierarchical(object.identical) }),
  })
  return stateAsImages(dataset, object.attributes)
}

/** Far from the numbers that scanners give their series. */
export const SERIES_NUMBERS = { sr: 9_101, pdf: 9_102 } as const

export function coded({ value, scheme, meaning }: Code): Dataset {
  return Dataset.of({
    [value.length > 16 ? 'LongCodeValue' : 'CodeValue']: value,
    CodingSchemeDesignator: scheme.slice(0, 16),
    CodeMeaning: meaning.slice(0, 64),
  })
}

export const sopReference = (sopClassUid: string, sopInstanceUid: string): Dataset =>
  Dataset.of({ ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid })

export interface Referenced {
  studyUid: string
  seriesUid: string
  sopClassUid: string
  sopInstanceUid: string
}

/** Hierarchical SOP Instance Reference (PS3.3 C.17.2.1): an item per study, its series, their instances. */
export function hierarchy(instances: readonly Referenced[]): Dataset[] {
  return [...Map.groupBy(instances, ({ studyUid }) => studyUid)].map(([studyUid, ofStudy]) =>
    Dataset.of({
      ReferencedSeriesSequence: [...Map.groupBy(ofStudy, ({ seriesUid }) => seriesUid)].map(
        ([seriesUid, list]) =>
          Dataset.of({
            ReferencedSOPSequence: list.map((one) => sopReference(one.sopClassUid, one.sopInstanceUid)),
            SeriesInstanceUID: seriesUid,
          }),
      ),
      StudyInstanceUID: studyUid,
    }),
  )
}

const hierarchical = (references: readonly ReportReference[]): Dataset[] =>
  hierarchy(references.map((one) => ({ ...one, sopClassUid: REPORT_OBJECT_CLASSES[one.kind] })))
