/** Which SOP classes are objects to keep (PS3.4 annex B.5, and the non-patient objects beside it). */
const DICOM_ROOT = '1.2.840.10008.'

// All of 5.1.4.1.1 is storage; hanging protocols, palettes, implants, beams and tractography stand beside it.
const STANDARD_STORAGE =
  /^1\.2\.840\.10008\.5\.1\.4\.(1\.1\.|38\.1$|39\.1$|43\.1$|44\.1$|45\.1$|34\.7$|34\.10$)/

/** Whether objects of this class are stored: every standard Storage SOP class, to come ones too, and vendors' own. */
export function isStorageClass(uid: string): boolean {
  return uid.startsWith(DICOM_ROOT) ? STANDARD_STORAGE.test(uid) : uid !== ''
}
