/** The department's closed vocabularies: every enumerated word of rows, wires and screens. */

export const PHASES = [
  'ordered',
  'protocolled',
  'scheduled',
  'no-show',
  'arrived',
  'acquiring',
  'acquired',
  'quality-check',
  'reading',
  'preliminary',
  'final',
  'delivered',
  'closed',
  'cancelled',
  'discontinued',
] as const
/** An order's or a procedure's phase (`closed` is an order's only). */
export type Phase = (typeof PHASES)[number]
/** Nothing is done in them any more; an order in any other is open. */
export const ENDED_PHASES = ['closed', 'cancelled', 'discontinued'] as const satisfies Phase[]

export const PRIORITIES = ['stat', 'urgent', 'routine'] as const
export type Priority = (typeof PRIORITIES)[number]

/** PV1-2 and the ordering unit, as far as they change an allowance or a place in a list. */
export const PATIENT_CLASSES = [
  'emergency',
  'intensive-care',
  'inpatient',
  'outpatient',
  'screening',
] as const
export type PatientClass = (typeof PATIENT_CLASSES)[number]

/** Scheduled Procedure Step Status (0040,0020) in our spelling; the last four never stand on the worklist. */
export const STEP_STATUSES = [
  'planned',
  'scheduled',
  'arrived',
  'ready',
  'started',
  'departed',
  'discontinued',
  'cancelled',
  'no-show',
] as const
export type StepStatus = (typeof STEP_STATUSES)[number]

/** Performed Procedure Step Status (0040,0252), PS3.3 C.4.14. */
export const PERFORMED_STEP_STATUSES = ['IN PROGRESS', 'COMPLETED', 'DISCONTINUED'] as const
export type PerformedStepStatus = (typeof PERFORMED_STEP_STATUSES)[number]

/** Kinds of work item, in the order the rules of `nextWork` are evaluated. */
export const WORK_ITEM_KINDS = [
  'map',
  'protocol',
  'protocol-cosign',
  'safety',
  'schedule',
  'rebook',
  'perform',
  'decide',
  'complete',
  'quality',
  'clarify',
  'read',
  'sign',
  'over-read',
  'sent-back',
  'watchdog',
  'critical',
  'late',
  'reconcile',
  'mend',
] as const
export type WorkItemKind = (typeof WORK_ITEM_KINDS)[number]

export const SUBJECT_TYPES = [
  'order',
  'procedure',
  'step',
  'performed-step',
  'study',
  'report',
  'critical-result',
  'exception',
] as const
/** What a work item is about. */
export type SubjectType = (typeof SUBJECT_TYPES)[number]

export const WORK_ITEM_STATES = ['open', 'claimed', 'completed', 'cancelled'] as const
export type WorkItemState = (typeof WORK_ITEM_STATES)[number]

export const REPORT_STATES = [
  'DRAFT',
  'WET_READ',
  'PRELIM',
  'PENDING_SIGN',
  'SIGN_REJECTED',
  'FINAL',
  'ADDENDED',
  'CORRECTED',
  'CANCELLED',
] as const
export type ReportState = (typeof REPORT_STATES)[number]

export const REPORT_VERSION_KINDS = [
  'wet-read',
  'preliminary',
  'final',
  'addendum',
  'correction',
  'withdrawal',
] as const
export type ReportVersionKind = (typeof REPORT_VERSION_KINDS)[number]

export const AGREEMENTS = ['agree', 'minor', 'major'] as const
/** How an attending who over-reads grades what the resident said. */
export type Agreement = (typeof AGREEMENTS)[number]

export const DELIVERY_STATES = ['waiting', 'sent', 'unknown', 'acknowledged', 'parked'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export const EXCEPTION_KINDS = [
  'message',
  'quarantine',
  'unmatched-study',
  'conflict',
  'identity',
  'delivery',
  'refused-association',
] as const
export type ExceptionKind = (typeof EXCEPTION_KINDS)[number]

/** Why an exception is closed by hand. */
export const CLOSING_REASONS = ['put-right', 'nothing-to-change', 'settled-elsewhere'] as const
export type ClosingReason = (typeof CLOSING_REASONS)[number]

export const ROLES = [
  'technologist',
  'radiologist',
  'resident',
  'scheduler',
  'lead',
  'head',
  'physicist',
  'referrer',
  'admin',
  'integration',
  'device',
  'machine',
  'department',
] as const
/** Nine roles of people, then an integration token, a DICOM device, an AI performer and the department's duties. */
export type Role = (typeof ROLES)[number]

export const COMPLETENESS_VERDICTS = ['waiting', 'complete', 'inferred', 'incomplete'] as const
export type CompletenessVerdict = (typeof COMPLETENESS_VERDICTS)[number]

export const CLOCK_OWNERS = [
  'department',
  'interface',
  'reader',
  'technologist',
  'lab',
  'referrer',
  'scheduler',
  'patient',
  'porter',
  'device',
] as const
/** Whose time is running while a work item waits. */
export type ClockOwner = (typeof CLOCK_OWNERS)[number]

export const PAUSE_REASONS = [
  'waiting-prior',
  'waiting-technologist',
  'waiting-lab',
  'waiting-patient',
  'waiting-transport',
  'waiting-referrer',
] as const
export type PauseReason = (typeof PAUSE_REASONS)[number]

export const AREAS = ['neuro', 'chest', 'abdomen', 'msk', 'breast', 'nuclear', 'general'] as const
/** Subspecialty areas of the seed department; further ones are rows. */
export type Area = (typeof AREAS)[number]

/** Modality (0008,0060), PS3.3 C.7.3.1.1.1: those the seed catalogue schedules. */
export const MODALITIES = ['CT', 'MR', 'DX', 'CR', 'US', 'MG', 'PT', 'NM', 'XA'] as const
export type Modality = (typeof MODALITIES)[number]

export const SAFETY_GATES = ['pregnancy', 'contrast-allergy', 'egfr', 'implants', 'side', 'glucose'] as const
export type SafetyGate = (typeof SAFETY_GATES)[number]

export const AVAILABILITIES = ['ONLINE', 'NEARLINE', 'OFFLINE', 'UNAVAILABLE'] as const
/** Instance Availability (0008,0056). */
export type Availability = (typeof AVAILABILITIES)[number]

export const EVENT_SOURCES = ['app', 'hl7', 'fhir', 'dimse', 'web', 'duty'] as const
/** The door through which a fact came in. */
export type EventSource = (typeof EVENT_SOURCES)[number]

export const EVENT_TYPES = [
  'order.received',
  'order.changed',
  'order.cancel-requested',
  'order.ended',
  'order.policy-changed',
  'order.closed',
  'order.reopened',
  'procedure.added',
  'procedure.mapped',
  'procedure.protocolled',
  'procedure.ended',
  'safety.answered',
  'safety.overridden',
  'safety.expired',
  'step.scheduled',
  'step.unscheduled',
  'step.arrived',
  'step.ready',
  'step.started',
  'step.departed',
  'step.discontinued',
  'step.cancelled',
  'step.no-show',
  'step.protocol-chosen',
  'performed-step.begun',
  'performed-step.updated',
  'performed-step.ended',
  'performed-step.moved',
  'images.arrived',
  'images.late',
  'images.late-seen',
  'completeness.decided',
  'quality.accepted',
  'quality.rejected',
  'return.asked',
  'return.answered',
  'work-item.opened',
  'work-item.claimed',
  'work-item.released',
  'work-item.expired',
  'work-item.taken-over',
  'work-item.parked',
  'work-item.completed',
  'work-item.cancelled',
  'work-item.paused',
  'work-item.resumed',
  'work-item.reassigned',
  'work-item.called-in',
  'work-item.call-answered',
  'work-item.call-withdrawn',
  'work-item.blocked',
  'report.saved',
  'report.wet-read',
  'report.preliminary',
  'report.submitted',
  'report.sent-back',
  'report.signed',
  'report.recalled',
  'report.released',
  'report.addended',
  'report.corrected',
  'report.retracted',
  'report.cancelled',
  'delivery.queued',
  'delivery.sent',
  'delivery.answered',
  'delivery.unknown',
  'delivery.parked',
  'delivery.mended',
  'delivery.acknowledged',
  'delivery.destination-retired',
  'delivery.destination-back',
  'critical.raised',
  'critical.attempted',
  'critical.level-changed',
  'critical.communicated',
  'critical.escalated',
  'critical.late',
  'critical.moved',
  'critical.withdrawn',
  'escalation.fired',
  'escalation.overtaken',
  'study.linked',
  'study.unlinked',
  'patient.trusted',
  'patient.merged',
  'patient.unmerged',
  'exception.opened',
  'exception.closed',
  'study.tiered',
  'study.rejected',
  'study.revoked',
  'study.held',
  'study.unheld',
  'study.purge-due',
  'study.purged',
] as const
/** `order_events.type`: a meaning never changes, a new meaning is a new type. */
export type EventType = (typeof EVENT_TYPES)[number]
