/** SOP classes by UID that the department speaks of by name (PS3.4 annex B.5 and each service's own). */

export const VERIFICATION = '1.2.840.10008.1.1'
export const MODALITY_WORKLIST_FIND = '1.2.840.10008.5.1.4.31'
export const MODALITY_PERFORMED_PROCEDURE_STEP = '1.2.840.10008.3.1.2.3.3'
export const STORAGE_COMMITMENT_PUSH = '1.2.840.10008.1.20.1'
export const STORAGE_COMMITMENT_PUSH_INSTANCE = '1.2.840.10008.1.20.1.1'
export const PATIENT_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.1.1'
export const PATIENT_ROOT_MOVE = '1.2.840.10008.5.1.4.1.2.1.2'
export const PATIENT_ROOT_GET = '1.2.840.10008.5.1.4.1.2.1.3'
export const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1'
export const STUDY_ROOT_MOVE = '1.2.840.10008.5.1.4.1.2.2.2'
export const STUDY_ROOT_GET = '1.2.840.10008.5.1.4.1.2.2.3'

export const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2'
export const MR_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.4'
/** Of no study and no patient (PS3.4 annex GG). */
export const HANGING_PROTOCOL_STORAGE = '1.2.840.10008.5.1.4.38.1'

/** Query and retrieve classes live under the Storage root too (1.2.840.10008.5.1.4.1.2). */
export function isStandardStorage(sopClassUid: string): boolean {
  return (
    sopClassUid.startsWith('1.2.840.10008.5.1.4.1.1.') || sopClassUid.startsWith('1.2.840.10008.5.1.4.34.7')
  )
}
