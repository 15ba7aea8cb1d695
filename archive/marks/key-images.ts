/** Key images that a reader points out: a Key Object Selection Document (PS3.3 A.35.4, PS3.16 TID 2010). */
import { Dataset } from '#archive/dimse/dataset.ts'
import { dicomInstant, evidence, type Instance, sopReference } from '#archive/ingest/rejection-note.ts'
import { KEY_OBJECT_SELECTION } from '#domain/rejection-note.ts'
import { type Mark, markDataset } from './mark.ts'

/** The title is always ours: with one of the rejection notes' titles it would withdraw what it points out. */
export function keyImagesDataset(mark: Mark): Dataset {
  const { date, time } = dicomInstant(mark.at)
  const kind = {
    sopClassUid: KEY_OBJECT_SELECTION,
    modality: 'KO' as const,
    seriesNumber: 9_003,
    seriesDescription: 'Key images',
  }
  return markDataset(mark, kind, {
    ReferencedPerformedProcedureStepSequence: [],
    ContentDate: date,
    ContentTime: time,
    CurrentRequestedProcedureEvidenceSequence: [evidence(mark.studyUid, mark.instances)],
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: [OF_INTEREST],
    ContinuityOfContent: 'SEPARATE',
    ContentTemplateSequence: [Dataset.of({ MappingResource: 'DCMR', TemplateIdentifier: '2010' })],
    ContentSequence: mark.instances.map((instance) => imageItem(instance, framesOf(mark.asked, instance))),
  })
}

/** PS3.16 CID 7010. */
const OF_INTEREST = Dataset.of({
  CodeValue: '113000',
  CodingSchemeDesignator: 'DCM',
  CodeMeaning: 'Of Interest',
})

function imageItem(instance: Instance, frames: readonly number[]): Dataset {
  const reference = sopReference(instance)
  if (frames.length > 0) reference.set('ReferencedFrameNumber', [...frames])
  return Dataset.of({
    RelationshipType: 'CONTAINS',
    ReferencedSOPSequence: [reference],
    ValueType: 'IMAGE',
  })
}

/** Of an image of many frames, those that are meant; none: all of it. */
function framesOf(asked: Dataset, { sopInstanceUid }: Instance): number[] {
  const frames = asked
    .items('ContentSequence')
    .flatMap((item) => [...item.items('ReferencedSOPSequence')])
    .filter((reference) => reference.text('ReferencedSOPInstanceUID') === sopInstanceUid)
    .flatMap((reference) => reference.numbers('ReferencedFrameNumber'))
  return [...new Set(frames)].filter((frame) => Number.isInteger(frame) && frame > 0).sort((a, b) => a - b)
}
