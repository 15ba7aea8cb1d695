/** Real images as new ones of another patient and order: identities replaced, pixels and private data as they were. */
import { Dataset } from '../dimse/dataset.ts'
import { newUid } from '../dimse/uid.ts'
import { datasetOfFile } from './store.ts'

export type SourceImage = { readonly dataset: Dataset; readonly transferSyntaxUid: string }

/** An image to make others from. @throws DicomError when the file is not a whole DICOM file */
export const sourceImage = (file: Buffer): SourceImage => datasetOfFile(file)

/** Not carried over: what points at objects or people the new images have nothing to do with. */
const POINTERS = [
  'ReferencedStudySequence',
  'ReferencedPerformedProcedureStepSequence',
  'ReferencedPatientSequence',
  'ReferencedImageSequence',
  'SourceImageSequence',
  'RequestAttributesSequence',
  'OtherPatientIDs',
  'OtherPatientIDsSequence',
  'PatientAddress',
  'PatientTelephoneNumbers',
  'InstitutionalDepartmentName',
]

const FROM_ENTRY = [
  'PatientName',
  'PatientID',
  'IssuerOfPatientID',
  'PatientBirthDate',
  'PatientSex',
  'AccessionNumber',
  'ReferringPhysicianName',
]

/**
 * Images of one series stay in one, in one frame of reference, in their order. Text becomes UTF-8,
 * since the new patient's name may not fit into the old image's character set.
 */
export function reidentified(
  images: readonly SourceImage[],
  entry: Dataset,
  studyInstanceUid: string,
): SourceImage[] {
  const uids = new Map<string, string>()
  const newFor = (uid: string) => {
    const known = uids.get(uid) ?? newUid()
    uids.set(uid, known)
    return known
  }
  return images.map(({ dataset, transferSyntaxUid }) => {
    const made = dataset.inCharacterSets(['ISO_IR 192'])
    for (const keyword of POINTERS) made.delete(keyword)
    for (const keyword of FROM_ENTRY) made.set(keyword, entry.text(keyword) ?? '')
    for (const keyword of ['SOPInstanceUID', 'SeriesInstanceUID', 'FrameOfReferenceUID']) {
      const uid = made.text(keyword)
      if (uid) made.set(keyword, newFor(uid))
    }
    made.set('StudyInstanceUID', studyInstanceUid)
    made.set('RequestAttributesSequence', [requestAttributes(entry)])
    made.set(
      'StudyDescription',
      entry.text('RequestedProcedureDescription') ?? made.text('StudyDescription') ?? '',
    )
    return { dataset: made, transferSyntaxUid }
  })
}

function requestAttributes(entry: Dataset): Dataset {
  const scheduled = entry.item('ScheduledProcedureStepSequence')
  return Dataset.of({
    RequestedProcedureID: entry.text('RequestedProcedureID') ?? '',
    RequestedProcedureDescription: entry.text('RequestedProcedureDescription') ?? '',
    ScheduledProcedureStepID: scheduled?.text('ScheduledProcedureStepID') ?? '',
    ScheduledProcedureStepDescription: scheduled?.text('ScheduledProcedureStepDescription') ?? '',
  })
}
