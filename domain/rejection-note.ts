/** Rejection notes: key object documents that withdraw instances by their title (IHE RAD TF-3 4.66, PS3.16 CID 7010). */
import { REJECTION_CODES, type RejectionCode } from './study-visibility.ts'

/** Key Object Selection Document Storage (PS3.4 B.5). */
export const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59'

/** Document titles as PS3.16 spells them. */
export const REJECTION_TITLES: Readonly<Record<RejectionCode, string>> = {
  '113001': 'Rejected for Quality Reasons',
  '113037': 'Rejected for Patient Safety Reasons',
  '113038': 'Incorrect Modality Worklist Entry',
  '113039': 'Data Retention Policy Expired',
}

export type RejectionNote = {
  code: RejectionCode
  /** Study Instance UIDs it names, its own included where it names it. */
  studyUids: readonly string[]
  /** SOP Instance UIDs it withdraws. */
  instances: readonly string[]
}

type Json = Readonly<Record<string, { vr: string; Value?: unknown[] }>>

/** What an object withdraws; null for everything that is no rejection note, other key object documents included. */
export function rejectionNoteIn({
  sopClassUid,
  header,
}: {
  sopClassUid: string
  header: Json
}): RejectionNote | null {
  if (sopClassUid !== KEY_OBJECT_SELECTION) return null
  const title = items(header, '0040A043')[0]
  const code = REJECTION_CODES.find((known) => title && text(title, '00080100') === known)
  if (!title || !code || text(title, '00080102') !== 'DCM') return null
  // Current Requested Procedure Evidence Sequence, its series, their instances.
  const studies = items(header, '0040A375')
  const instances = studies
    .flatMap((study) => items(study, '00081115'))
    .flatMap((series) => items(series, '00081199'))
    .map((instance) => text(instance, '00081155'))
    .filter((uid) => uid !== '')
  return {
    code,
    studyUids: studies.map((study) => text(study, '0020000D')).filter((uid) => uid !== ''),
    instances: [...new Set(instances)],
  }
}

function items(json: Json, tag: string): Json[] {
  return (json[tag]?.Value ?? []).filter((item): item is Json => typeof item === 'object' && item !== null)
}

function text(json: Json, tag: string): string {
  return String(json[tag]?.Value?.[0] ?? '')
}
