/** SOP classes of the services that the archive offers (PS3.4 annexes A, B, C, F and K). */
export const VERIFICATION = '1.2.840.10008.1.1'
export const MODALITY_WORKLIST_FIND = '1.2.840.10008.5.1.4.31'
export const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1'
export const MODALITY_PERFORMED_STEP = '1.2.840.10008.3.1.2.3.3'

const DICOM_ROOT = '1.2.840.10008.'

// All of 5.1.4.1.1 is storage; hanging protocols, palettes, implants, beams and tractography stand beside it.
const STANDARD_STORAGE =
  /^1\.2\.840\.10008\.5\.1\.4\.(1\.1\.|38\.1$|39\.1$|43\.1$|44\.1$|45\.1$|34\.7$|34\.10$)/

/** Whether objects of this class are stored: every standard Storage SOP class, to come ones too, and vendors' own. */
export function isStorageClass(uid: string): boolean {
  return uid.startsWith(DICOM_ROOT) ? STANDARD_STORAGE.test(uid) : uid !== ''
}
