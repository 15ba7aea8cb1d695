/** Performed step (MPPS): its states, the answers of N-CREATE and N-SET, and what a stopped exam leads to (PS3.4 F.7). */
import type { PerformedStepStatus } from './words.ts'

export type PerformedStepEvent =
  /** N-CREATE; `status` as sent. */
  | { type: 'create'; status: string; typeOneMissing: boolean }
  /** N-SET without a final status. */
  | { type: 'set' }
  /** N-SET with Performed Procedure Step Status (0040,0252) final. */
  | { type: 'finish'; status: 'COMPLETED' | 'DISCONTINUED' }
  /** "End exam" on our screen. */
  | { type: 'end-on-screen' }
  /** Twelve hours without N-SET or image. */
  | { type: 'silence' }

/** DIMSE statuses, PS3.7 annex C and PS3.4 F.7.2.2. */
export const MPPS_STATUS = {
  success: 0x0000,
  invalidAttributeValue: 0x0106,
  processingFailure: 0x0110,
  duplicateInstance: 0x0111,
  noSuchInstance: 0x0112,
  missingAttribute: 0x0120,
} as const

export type PerformedStepOutcome =
  | { outcome: 'changed'; to: PerformedStepStatus; status: number; inferred: boolean }
  | { outcome: 'unchanged'; status: number }
  /** The 12-hour timer changes nothing but asks a technologist (`complete`). */
  | { outcome: 'ask' }
  | { outcome: 'refused'; status: number; refusal: 'illegal-transition' }

/** Table 2.3: total over every state and event; a refused event writes nothing. */
export function performedStep(
  state: PerformedStepStatus | null,
  event: PerformedStepEvent,
): PerformedStepOutcome {
  if (event.type === 'create') return created(state, event)
  if (event.type === 'silence') return state === 'IN PROGRESS' ? { outcome: 'ask' } : unchanged()
  if (state === null) return refused(MPPS_STATUS.noSuchInstance)
  if (event.type === 'end-on-screen')
    return state === 'IN PROGRESS' ? finished('COMPLETED', true) : unchanged()
  // Also an identical repeat: F.7.2.2.3 lets nobody change a final step, and says so with 0110.
  if (state !== 'IN PROGRESS') return refused(MPPS_STATUS.processingFailure)
  return event.type === 'finish'
    ? finished(event.status, false)
    : { outcome: 'changed', to: 'IN PROGRESS', status: MPPS_STATUS.success, inferred: false }
}

function created(
  state: PerformedStepStatus | null,
  event: Extract<PerformedStepEvent, { type: 'create' }>,
): PerformedStepOutcome {
  if (state !== null) return refused(MPPS_STATUS.duplicateInstance)
  if (event.typeOneMissing) return refused(MPPS_STATUS.missingAttribute)
  if (event.status !== 'IN PROGRESS') return refused(MPPS_STATUS.invalidAttributeValue)
  return { outcome: 'changed', to: 'IN PROGRESS', status: MPPS_STATUS.success, inferred: false }
}

function finished(to: PerformedStepStatus, inferred: boolean): PerformedStepOutcome {
  return { outcome: 'changed', to, status: MPPS_STATUS.success, inferred }
}

function unchanged(): PerformedStepOutcome {
  return { outcome: 'unchanged', status: MPPS_STATUS.success }
}

function refused(status: number): PerformedStepOutcome {
  return { outcome: 'refused', status, refusal: 'illegal-transition' }
}

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
