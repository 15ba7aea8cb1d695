/** Performed step (MPPS): the statuses that N-CREATE and N-SET answer with, and what a stopped exam leads to (PS3.4 F.7). */

/** DIMSE statuses, PS3.7 annex C and PS3.4 F.7.2.2. */
export const MPPS_STATUS = {
  success: 0x0000,
  invalidAttributeValue: 0x0106,
  processingFailure: 0x0110,
  duplicateInstance: 0x0111,
  noSuchInstance: 0x0112,
  missingAttribute: 0x0120,
} as const

/** What follows a discontinued step. */
export type StoppedBranch =
  /** Wrong worklist entry: find whose images these are. */
  | 'reconcile'
  /** The device failed: book again, flag the device. */
  | 'rebook'
  /** The patient could not go on, or nobody said why: a technologist decides, the referrer is told. */
  | 'decide'
  /** Allergy or contraindication: safety questions and protocol again. */
  | 'safety-again'
  /** The order looks wrong: ask who placed it. */
  | 'ask-placer'
  /** The patient died: end the order, tell the lead. */
  | 'end-order'

const BRANCHES: Readonly<Record<string, StoppedBranch>> = {
  '110514': 'reconcile',
  '110501': 'rebook',
  '110516': 'rebook',
  '110526': 'rebook',
  '110527': 'rebook',
  '110503': 'safety-again',
  '110508': 'safety-again',
  '110500': 'ask-placer',
  '110502': 'ask-placer',
  '110510': 'ask-placer',
  '110511': 'ask-placer',
  '110512': 'ask-placer',
  '110504': 'end-order',
}

/** Performed Procedure Step Discontinuation Reason Code (0040,0281), CID 9300 and 9301; others and none: decide. */
export function stoppedBranch(reasonCode: string | null): StoppedBranch {
  return (reasonCode === null ? undefined : BRANCHES[reasonCode]) ?? 'decide'
}

/** A stopped step without images whose reason says what to do is taken by rule; with images a person looks first. */
export function takenByRule(step: { reasonCode: string | null; storedInstances: number }): boolean {
  return step.storedInstances === 0 && stoppedBranch(step.reasonCode) !== 'decide'
}
