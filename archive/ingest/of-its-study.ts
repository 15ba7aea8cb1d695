/** What an object of ours says of its patient and study: what the study's images say (PS3.3 C.7.1.1, C.7.2.1). */
import type { Dataset } from '#archive/dimse/dataset.ts'
import { type DicomJson, fromDicomJson } from '#archive/dimse/dicom-json.ts'

/** Patient and General Study modules, type 2: there, if need be without a value. */
const ALWAYS_STATED = [
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'StudyDate',
  'StudyTime',
  'ReferringPhysicianName',
  'StudyID',
  'AccessionNumber',
]

export const nothingStated = (): Record<string, string> =>
  Object.fromEntries(ALWAYS_STATED.map((keyword) => [keyword, '']))

/** As the images say it: what an order corrects in those is corrected in this one too when it goes out. */
export function stateAsImages(dataset: Dataset, attributes: unknown): Dataset {
  const stated = fromDicomJson(attributes as DicomJson)
  for (const keyword of ALWAYS_STATED) {
    const element = stated.element(keyword)
    if (element) dataset.put(element)
  }
  return dataset
}
