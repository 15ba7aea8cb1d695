/** Why an image is rejected: two levels; leaves are DICOM codes (PS3.16 CID 7011) where one exists, else our own. */

export interface RejectBranch {
  id: string
  leaves: readonly string[]
}

/** Words stand in the catalogue under `reject.<branch>` and `reject.<leaf>`. */
export const REJECT_TREE: readonly RejectBranch[] = [
  { id: 'positioning', leaves: ['111209', 'anatomy-clipped', 'wrong-side'] },
  { id: 'motion', leaves: ['111210'] },
  { id: 'exposure', leaves: ['111211', '111212', '113026'] },
  { id: 'artifact', leaves: ['111207', '111208', '111214', '111215', 'patient-item'] },
  { id: 'equipment', leaves: ['111216', '111217', '111218', '111213'] },
  { id: 'processing', leaves: ['111219'] },
  { id: 'procedure', leaves: ['wrong-protocol', 'wrong-patient'] },
  { id: 'other', leaves: ['111220', '111221'] },
]

/** These say nothing by themselves. */
export const NEEDS_WORDS: ReadonlySet<string> = new Set(['111220', '111221'])

export function isRejectReason(code: string): boolean {
  return REJECT_TREE.some(({ leaves }) => leaves.includes(code))
}
