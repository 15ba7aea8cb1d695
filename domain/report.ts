/** Report: its states and events as a total table, recall and release, and the result status of HL7 and FHIR. */
import { ILLEGAL, type Outcome, refuse, same, to } from './outcome.ts'
import type { Policy } from './policy.ts'
import type { Priority, ReportState, ReportVersionKind } from './words.ts'

export const REPORT_EVENTS = [
  'save',
  'wet-read',
  'preliminary',
  'submit',
  'send-back',
  'sign',
  'addendum',
  'correction',
  'retract',
  'cancel',
] as const
/** `addendum` and `correction` are their signing; opening one changes no state. */
export type ReportEvent = (typeof REPORT_EVENTS)[number]

/** Why a report is withdrawn: what it says of the wrong patient is nobody's to mend by more words. */
export const RETRACT_REASONS = ['wrong-patient', 'wrong-exam', 'not-true', 'other'] as const
export type RetractReason = (typeof RETRACT_REASONS)[number]

export type ReportContext = {
  byAuthor: boolean
  /** An addendum or correction has been opened. */
  amendmentOpen: boolean
  /** The newest version is released. */
  released: boolean
  /** Any version left the department, wet reads and preliminaries included. */
  versionOut: boolean
  /** The same idempotency key as the act that made the present state. */
  repeat: boolean
  /** The patient's identity is trusted. */
  identityTrusted: boolean
  /** No check of the report is red. */
  checksPassed: boolean
}

/** Signed, and neither recalled nor retracted: from here on a report is added to or corrected. */
export const SIGNED_STATES = ['FINAL', 'ADDENDED', 'CORRECTED'] as const satisfies ReportState[]

export function isSigned(state: string | null | undefined): boolean {
  return (SIGNED_STATES as readonly (string | null | undefined)[]).includes(state)
}

/** State null: there is no report yet. */
export function report(
  state: ReportState | null,
  event: ReportEvent,
  context: ReportContext,
): Outcome<ReportState> {
  const outcome = cell(state, event, context)
  const signs = event === 'sign' || event === 'addendum' || event === 'correction'
  if (outcome.outcome !== 'changed' || !signs) return outcome
  // An urgent word must go out; a final one must not go to the wrong person.
  if (!context.identityTrusted) return refuse('identity-provisional')
  return context.checksPassed ? outcome : refuse('check-failed')
}

function cell(state: ReportState | null, event: ReportEvent, context: ReportContext): Outcome<ReportState> {
  switch (state) {
    case null:
      return event === 'cancel' ? same() : UNSIGNED[event]
    case 'DRAFT':
      return UNSIGNED[event]
    case 'WET_READ':
      return wetRead(event)
    case 'PRELIM':
      return preliminary(event)
    case 'PENDING_SIGN':
      return pendingSign(event, context)
    case 'SIGN_REJECTED':
      return signRejected(event, context)
    case 'FINAL':
    case 'ADDENDED':
    case 'CORRECTED':
      return signed(state, event, context)
    case 'CANCELLED':
      return ILLEGAL
  }
}

const UNSIGNED: Readonly<Record<ReportEvent, Outcome<ReportState>>> = {
  save: to('DRAFT'),
  'wet-read': to('WET_READ'),
  preliminary: to('PRELIM'),
  submit: to('PENDING_SIGN'),
  'send-back': ILLEGAL,
  sign: to('FINAL'),
  addendum: refuse('not-released'),
  correction: refuse('not-released'),
  retract: ILLEGAL,
  cancel: to('CANCELLED'),
}

/** The next text is a draft beside the word that is out. */
function wetRead(event: ReportEvent): Outcome<ReportState> {
  if (event === 'save') return to('WET_READ')
  if (event === 'retract') return to('CANCELLED')
  return event === 'cancel' ? ILLEGAL : UNSIGNED[event]
}

function preliminary(event: ReportEvent): Outcome<ReportState> {
  if (event === 'save') return to('PRELIM')
  if (event === 'retract') return to('CANCELLED')
  return event === 'wet-read' || event === 'cancel' ? ILLEGAL : UNSIGNED[event]
}

/** Submitted: its author waits, and whoever signs or sends back is somebody else. */
function pendingSign(event: ReportEvent, context: ReportContext): Outcome<ReportState> {
  switch (event) {
    case 'save':
      return context.byAuthor ? ILLEGAL : to('PENDING_SIGN')
    case 'submit':
      return same()
    case 'send-back':
      return context.byAuthor ? refuse('not-eligible') : to('SIGN_REJECTED')
    case 'sign':
      return context.byAuthor ? refuse('not-eligible') : to('FINAL')
    case 'wet-read':
    case 'preliminary':
      return ILLEGAL
    default:
      return withdrawn(event, context)
  }
}

function signRejected(event: ReportEvent, context: ReportContext): Outcome<ReportState> {
  switch (event) {
    case 'save':
      return to('SIGN_REJECTED')
    case 'send-back':
      return same()
    case 'wet-read':
      return ILLEGAL
    case 'preliminary':
    case 'submit':
    case 'sign':
      return UNSIGNED[event]
    default:
      return withdrawn(event, context)
  }
}

/** What is out is retracted, what is not is cancelled. */
function withdrawn(event: ReportEvent, { versionOut }: ReportContext): Outcome<ReportState> {
  if (event === 'retract') return versionOut ? to('CANCELLED') : ILLEGAL
  if (event === 'cancel') return versionOut ? ILLEGAL : to('CANCELLED')
  return refuse('not-released')
}

function signed(
  state: 'FINAL' | 'ADDENDED' | 'CORRECTED',
  event: ReportEvent,
  { amendmentOpen, released, repeat }: ReportContext,
): Outcome<ReportState> {
  switch (event) {
    case 'save':
      return amendmentOpen ? to(state) : refuse('report-final')
    case 'sign':
      return repeat ? same() : refuse('report-final')
    case 'addendum':
      return released ? to('ADDENDED') : refuse('not-released')
    case 'correction':
      return released ? to('CORRECTED') : refuse('not-released')
    case 'retract':
      return released ? to('CANCELLED') : refuse('not-released')
    case 'wet-read':
    case 'preliminary':
    case 'submit':
    case 'send-back':
    case 'cancel':
      return refuse('report-final')
  }
}

/** When a signed version leaves the department; wet reads, preliminaries and withdrawals leave at once. */
export function releaseAt(
  version: { kind: ReportVersionKind; signedAt: Date; priority: Priority },
  policy: Policy,
): Date {
  const recallable = version.kind === 'final' || version.kind === 'addendum' || version.kind === 'correction'
  const recallMs = recallable ? policy.recallMs[version.priority] : 0
  return new Date(version.signedAt.getTime() + recallMs)
}
