/** Which SOP classes are objects to keep: those of a study (PS3.4 annex B.5), those to come, and vendors' own. */
import { HANGING_PROTOCOL_STORAGE } from '#archive/dimse/sop-class.ts'

const DICOM_ROOT = '1.2.840.10008.'

/** All of them stand below it, but for RT Beams and RT Brachy Application Setup Delivery Instruction. */
const STORAGE_ROOT = '1.2.840.10008.5.1.4.1.1.'
const BESIDE_THE_ROOT = ['1.2.840.10008.5.1.4.34.7', '1.2.840.10008.5.1.4.34.10']

/**
 * Below the root too and of no study, so that there is nowhere to file them (PS3.4 annex GG): protocols as defined and
 * approved, inventories, and the services that query and retrieve these.
 */
const OF_NO_STUDY = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(200\.[134567]|201\.\d+)$/

/** Objects of no study that are kept all the same: as layouts for the readers. */
export function isProtocolClass(uid: string): boolean {
  return uid === HANGING_PROTOCOL_STORAGE
}

/** Whether objects of this class are stored: every standard Storage SOP class, to come ones too, and vendors' own. */
export function isStorageClass(uid: string): boolean {
  if (!uid.startsWith(DICOM_ROOT)) return uid !== ''
  if (OF_NO_STUDY.test(uid)) return false
  return uid.startsWith(STORAGE_ROOT) || BESIDE_THE_ROOT.includes(uid)
}
