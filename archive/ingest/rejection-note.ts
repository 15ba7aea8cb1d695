/** The rejection note of a rejection made here: a Key Object Selection Document (PS3.3 A.35.4, PS3.16 TID 2010, IHE RAD-66). */
import { Dataset } from '#archive/dimse/dataset.ts'
import type { RejectionToNote } from '#db/queries/rejections.ts'
import { KEY_OBJECT_SELECTION, REJECTION_TITLES } from '#domain/rejection-note.ts'
import { nothingStated, stateAsImages } from './of-its-study.ts'

/** The same rejection makes the same bytes, so that writing it again after a crash is a repeat. */
export function noteDataset(rejection: RejectionToNote): Dataset {
  const { code, noteUid, noteSeriesUid, studyUid, attributes, instances } = rejection
  const { date, time } = dicomInstant(rejection.at)
  const title = coded(code, REJECTION_TITLES[code])
  const note = Dataset.of({
    SpecificCharacterSet: 'ISO_IR 192',
    TimezoneOffsetFromUTC: '+0000',
    SOPClassUID: KEY_OBJECT_SELECTION,
    SOPInstanceUID: noteUid,
    InstanceCreationDate: date,
    InstanceCreationTime: time,
    ...nothingStated(),
    StudyInstanceUID: studyUid,
    Modality: 'KO',
    SeriesInstanceUID: noteSeriesUid,
    SeriesNumber: SERIES_NUMBER,
    SeriesDescription: REJECTION_TITLES[code],
    ReferencedPerformedProcedureStepSequence: [],
    Manufacturer: 'Isocenter',
    InstanceNumber: 1,
    ContentDate: date,
    ContentTime: time,
    CurrentRequestedProcedureEvidenceSequence: [evidence(studyUid, instances)],
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: [title],
    ContinuityOfContent: 'SEPARATE',
    ContentTemplateSequence: [Dataset.of({ MappingResource: 'DCMR', TemplateIdentifier: '2010' })],
    ContentSequence: [...reasons(rejection), ...instances.map(reference)],
  })
  return stateAsImages(note, attributes)
}

/** Far from the numbers that scanners give their series. */
const SERIES_NUMBER = 9_001

export function dicomInstant(at: Date): { date: string; time: string } {
  const [day = '', clock = ''] = at.toISOString().split('T')
  return { date: day.replaceAll('-', ''), time: clock.slice(0, 8).replaceAll(':', '') }
}

function coded(value: string, meaning: string): Dataset {
  return Dataset.of({ CodeValue: value, CodingSchemeDesignator: 'DCM', CodeMeaning: meaning })
}

export type Instance = RejectionToNote['instances'][number]

export const sopReference = ({ sopClassUid, sopInstanceUid }: Instance): Dataset =>
  Dataset.of({ ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid })

export function evidence(studyUid: string, instances: readonly Instance[]): Dataset {
  const series = [...Map.groupBy(instances, ({ seriesUid }) => seriesUid)].map(([seriesUid, list]) =>
    Dataset.of({ ReferencedSOPSequence: list.map(sopReference), SeriesInstanceUID: seriesUid }),
  )
  return Dataset.of({ ReferencedSeriesSequence: series, StudyInstanceUID: studyUid })
}

/** Waveforms (PS3.4 B.5): all that stand under this root. */
const WAVEFORMS = '1.2.840.10008.5.1.4.1.1.9.'

export function reference(instance: Instance): Dataset {
  const isWaveform = instance.sopClassUid.startsWith(WAVEFORMS)
  return Dataset.of({
    RelationshipType: 'CONTAINS',
    ReferencedSOPSequence: [sopReference(instance)],
    ValueType: isWaveform ? 'WAVEFORM' : instance.hasPixels ? 'IMAGE' : 'COMPOSITE',
  })
}

// TID 2010 row 2: only a rejection for quality says what was wrong; our own leaves have no code there.
function reasons({ code, reasonCodes }: RejectionToNote): Dataset[] {
  if (code !== '113001') return []
  return reasonCodes
    .filter((reason) => Object.hasOwn(QUALITY_REASONS, reason))
    .map((reason) =>
      Dataset.of({
        RelationshipType: 'HAS CONCEPT MOD',
        ValueType: 'CODE',
        ConceptNameCodeSequence: [coded('113011', 'Document Title Modifier')],
        ConceptCodeSequence: [coded(reason, QUALITY_REASONS[reason]!)],
      }),
    )
}

/** PS3.16 CID 7011, Rejected for Quality Reasons. */
const QUALITY_REASONS: Readonly<Record<string, string>> = {
  '111207': 'Image artifact(s)',
  '111208': 'Grid artifact(s)',
  '111209': 'Positioning',
  '111210': 'Motion blur',
  '111211': 'Under exposed',
  '111212': 'Over exposed',
  '111213': 'No image',
  '111214': 'Detector artifact(s)',
  '111215': 'Artifact(s) other than grid or detector artifact',
  '111216': 'Mechanical failure',
  '111217': 'Electrical failure',
  '111218': 'Software failure',
  '111219': 'Inappropriate image processing',
  '111220': 'Other failure',
  '111221': 'Unknown failure',
  '113026': 'Double exposure',
}
