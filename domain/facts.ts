/** Everything `orderPhase` and `nextWork` know about one order, as plain data: what happened, never what should. */
import type { BusinessCalendar } from './calendar.ts'
import type {
  ClockOwner,
  CompletenessVerdict,
  ExceptionKind,
  PatientClass,
  PerformedStepStatus,
  Priority,
  ReportState,
  ReportVersionKind,
  Role,
  SafetyGate,
  StepStatus,
} from './words.ts'

export type OrderFacts = {
  order: OrderFact
  /** Business calendar and zone of the order's site. */
  calendar: BusinessCalendar
  /** Requested procedures, ended ones included. */
  procedures: readonly ProcedureFact[]
  /** Performed steps linked to any of the order's steps or studies; wrong entries moved away are not here. */
  performedSteps: readonly PerformedStepFact[]
  /** Studies linked to any of the procedures (active study links only). */
  studies: readonly StudyFact[]
  /** Reports over any of the procedures, cancelled ones included. */
  reports: readonly ReportFact[]
  criticalResults: readonly CriticalResultFact[]
  /** Exceptions that refer to this order, closed ones included or not. */
  exceptions: readonly ExceptionFact[]
}

export type OrderFact = {
  id: string
  /** Site id; rules read the zone and the opening hours from `calendar`. */
  siteId: string
  priority: Priority
  patientClass: PatientClass
  /** The policy version pinned at intake. */
  policyVersion: number
  receivedAt: Date
  /** Set when the order was closed after its grace; cleared by a late addendum. */
  closedAt: Date | null
  /** Is the patient one we trust, or one we had to make up for images that came first? */
  identity: 'trusted' | 'provisional'
}

export type ProcedureFact = {
  id: string
  /** Is the code (OBR-4) mapped to a catalogue entry? */
  codeKnown: boolean
  /** Subspecialty area that reads it; null while the code is unknown. */
  area: string | null
  /** Who chooses the protocol, already resolved against the policy (`protocollingOf` in catalogue.ts). */
  protocolling: 'rule' | 'reader'
  /** Who chose; null while nobody has. */
  protocolChosenBy: 'person' | 'rule' | null
  /** The resident who chose and still lacks a radiologist's co-signature; null otherwise. */
  protocolCosignWanted: { byUserId: string; since: Date } | null
  /** How often a chosen protocol was set aside (order changed, exam stopped for allergy): makes the next cycle. */
  protocolResets: number
  /** Written by cancel or by the decision after a stopped exam; final. */
  ended: 'cancelled' | 'discontinued' | null
  endedAt: Date | null
  /** The catalogue's own time from available to final for routine work; left out or null: the policy's. */
  slaMinutes?: number | null
  steps: readonly StepFact[]
}

export type StepFact = {
  id: string
  status: StepStatus
  /** All its images were rejected: the step no longer counts. */
  voided: boolean
  /** Start of the booked slot; null while planned or for a walk-in. */
  slotStart: Date | null
  /** Room of the slot, or the room it was moved to. */
  roomId: string | null
  /** When the status last changed to arrived (or was inferred). */
  arrivedAt: Date | null
  /** Last time it became a no-show. */
  noShowAt: Date | null
  /** How often the patient did not come. */
  noShows: number
  /** How often it was booked or moved to another time; a change of room alone is not counted. */
  bookings: number
  /** How often an arrival was undone. */
  undoneArrivals: number
  /** How often its exam turned out to be another's: images moved away, or a move to it undone. */
  undoneBegins: number
  /** Since when the step has existed as planned: order received, procedure added or decision made. */
  plannedSince: Date
  /** The quality rejection or reader's request that made this step; null for a step of the order itself. */
  fromRetake: { askedAt: Date } | null
  /** Safety gates of the catalogue for this step; empty where the policy switches them off. */
  gates: readonly GateFact[]
}

export type GateFact = {
  gate: SafetyGate
  outcome: 'satisfied' | 'failed' | 'overridden' | null
  /** When the answer or the laboratory value was taken; its age decides whether it still counts. */
  valueAt: Date | null
  /** Who must act while it is open. */
  owner: Extract<ClockOwner, 'technologist' | 'lab' | 'referrer'>
  /** Earlier answers that expired or were taken back: makes the next cycle. */
  invalidated: number
}

export type PerformedStepFact = {
  id: string
  /** Scheduled steps it performs: none when unscheduled, several when grouped. */
  stepIds: readonly string[]
  /** Study its images stand in; null until the first is named or stored. */
  studyId: string | null
  status: PerformedStepStatus
  /** Made by us from images, a screen or a timer; no MPPS was received. */
  inferred: boolean
  /** Discontinuation Reason Code value (0040,0281); null when none was sent. */
  reasonCode: string | null
  /** Instances stored or named for it; decides whether a stopped step is taken by rule or asked. */
  storedInstances: number
  begunAt: Date
  endedAt: Date | null
  /** Latest N-SET or image; 12 h without one is silence. */
  lastSignOfLifeAt: Date
  /** What was decided about a stopped step; null while the question is open or never arose. */
  decided: 'usable' | 'book-again' | 'end-exam' | 'wrong-entry' | null
  /** How often it was moved to another step, or back. */
  moves: number
}

export type StudyFact = {
  id: string
  /** Procedures the study is linked to. */
  procedureIds: readonly string[]
  firstImageAt: Date | null
  lastImageAt: Date | null
  /** Instances stored, rejected ones included. */
  storedInstances: number
  /** Instances a reader may see. */
  visibleInstances: number
  /** The latest recorded verdict; null before the first. */
  completeness: { verdict: CompletenessVerdict; missing: number; decidedAt: Date } | null
  /** Verdicts `incomplete` that were followed by another one (a resend, images that came after all). */
  earlierIncompletes: number
  /** When a person accepted it incomplete, with a reason; null while nobody has or when the verdict changed since. */
  incompleteAcceptedAt: Date | null
  /** Every decision at the quality gate, in order. */
  qualityDecisions: readonly QualityDecisionFact[]
  /** Batches of images that came after a verdict let the study on, and before a version stood (`batchKind`). */
  appendedBatches: number
  /** Times a verdict that let the study on was taken back: the named set grew, or images were moved. */
  verdictsTakenBack: number
  /** Batches of images, or positive machine results, that came after a final version. */
  lateBatches: readonly { at: Date; answeredAt: Date | null }[]
  /** What readers asked of technologists. */
  returns: readonly { id: string; kind: 'retake' | 'clarify'; askedAt: Date; answeredAt: Date | null }[]
  /** Moves of a performed step, and moves taken back, that brought it images or took them; `emptied`: the last of them. */
  moves: readonly { at: Date; emptied: boolean }[]
  /** Images of somebody else are among them (110514), and it isn't said yet whose. */
  moveOpen: boolean
}

export type QualityDecisionFact = {
  /** Cycle of the work item it was made under. */
  cycle: number
  decision: 'accepted' | 'rejected'
  /** Did the rejection ask for a repeat? False for acceptances. */
  repeated: boolean
  /** Let on by the department because nobody had looked in time. */
  unchecked?: boolean
  at: Date
}

export type ReportFact = {
  id: string
  procedureIds: readonly string[]
  state: ReportState
  authorId: string
  authorRole: Role
  /** What its author was when they handed it on last; null while nobody has. */
  handedOnAs?: Role | null
  /** How often it was submitted or issued as preliminary by a resident: the cycle of the over-read. */
  submissions: number
  submittedAt: Date | null
  sentBackAt: Date | null
  /** Last heartbeat or save of an unfinished draft; null when there is none. */
  draftTouchedAt: Date | null
  /** Since when an addendum or correction is being written; null when none is. */
  amendmentOpenedAt: Date | null
  /** Watchdog items already answered: makes the next cycle. */
  watchdogsAnswered: number
  /** Every version, in order. */
  versions: readonly ReportVersionFact[]
}

export type ReportVersionFact = {
  number: number
  kind: ReportVersionKind
  signerId: string
  signedAt: Date
  releasedAt: Date | null
  recalledAt: Date | null
  /** One per destination; empty when none is configured. */
  deliveries: readonly DeliveryFact[]
}

export type DeliveryFact = {
  destinationId: string
  /** Does `delivered` wait for it? A retired destination's delivery is no longer required. */
  required: boolean
  acknowledgedAt: Date | null
}

export type CriticalResultFact = {
  id: string
  level: 1 | 2 | 3
  foundAt: Date
  foundById: string
  /** How often it was given another level: each asks for its own time. */
  levelChanges: number
  /** Communicated or withdrawn. */
  closedAt: Date | null
}

export type ExceptionFact = {
  id: string
  kind: ExceptionKind
  openedAt: Date
  closedAt: Date | null
  /** How often it was opened again after a mend that did not hold. */
  reopened: number
}
