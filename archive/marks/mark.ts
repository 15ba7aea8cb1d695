/** What every mark of a reader on images states, whatever its kind: patient, study, series, equipment, and who made it. */
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { nothingStated, stateAsImages } from '#archive/ingest/of-its-study.ts'
import { dicomInstant, type Instance } from '#archive/ingest/rejection-note.ts'

/** A mark as its reader asks for it, and the archive's own facts that it is completed with. */
export interface Mark {
  /** As it came from the viewer: never stored, only read from. */
  asked: Dataset
  sopInstanceUid: string
  seriesUid: string
  studyUid: string
  /** Patient and study as the images say them (DICOM JSON). */
  attributes: unknown
  /** The images that it is about, as the archive has them. */
  instances: readonly Instance[]
  /** Department clock. */
  at: Date
  /** Family and given name. */
  by: { family: string; given: string }
}

interface Kind {
  sopClassUid: string
  modality: 'PR' | 'KO'
  /** Far from the numbers that scanners give their series. */
  seriesNumber: number
  seriesDescription: string
}

export function markDataset(mark: Mark, kind: Kind, values: Record<string, Value | undefined>): Dataset {
  const { date, time } = dicomInstant(mark.at)
  const dataset = Dataset.of({
    SpecificCharacterSet: 'ISO_IR 192',
    TimezoneOffsetFromUTC: '+0000',
    SOPClassUID: kind.sopClassUid,
    SOPInstanceUID: mark.sopInstanceUid,
    InstanceCreationDate: date,
    InstanceCreationTime: time,
    ...nothingStated(),
    StudyInstanceUID: mark.studyUid,
    Modality: kind.modality,
    SeriesInstanceUID: mark.seriesUid,
    SeriesNumber: kind.seriesNumber,
    SeriesDescription: kind.seriesDescription,
    Manufacturer: 'Isocenter',
    InstanceNumber: 1,
    ...values,
  })
  return stateAsImages(dataset, mark.attributes)
}
