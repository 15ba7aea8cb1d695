/** Why images are rejected: two levels, after AAPM TG-305. */
import { wordFor } from '../strings/words.ts'
import type { Reason } from '../ui/reason-picker.tsx'

/** `wrong-patient` is more than poor quality: it is said to the archive as 113038, incorrect worklist entry. */
const TREE: Record<string, readonly string[]> = {
  positioning: ['rotated', 'not-centred', 'wrong-view', 'flexed'],
  'anatomy-cut-off': ['apices', 'costophrenic-angles', 'lateral', 'field-too-small', 'detector-misplaced'],
  exposure: ['too-dark', 'too-bright', 'noise'],
  motion: ['breathing', 'patient-moved', 'cardiac'],
  artefact: ['metal', 'clothing', 'detector', 'contrast-spill'],
  marker: ['missing-marker', 'wrong-side'],
  'wrong-patient': [],
  equipment: ['scanner-fault', 'injector-fault'],
  other: [],
}

export function rejectReasons(): Reason[] {
  return Object.entries(TREE).map(([code, leaves]) => ({
    code,
    word: wordFor('reject', code),
    consequence: code === 'wrong-patient' ? wordFor('reject', 'wrong-patient-consequence') : undefined,
    reasons: leaves.map((leaf) => ({ code: leaf, word: wordFor('reject', leaf) })),
  }))
}
