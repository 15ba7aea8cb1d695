/** Critical results: a finding that somebody outside must hear of in time; its states as a total table, its ladder, its words. */
import { localTime } from './calendar.ts'
import { ILLEGAL, type Outcome, refuse, same, to } from './outcome.ts'
import type { Policy } from './policy.ts'

/** ACR Actionable Reporting Work Group: within minutes, hours, days. */
export const CRITICAL_LEVELS = [1, 2, 3] as const
export type CriticalLevel = (typeof CRITICAL_LEVELS)[number]

export const CRITICAL_STATES = ['open', 'closed', 'withdrawn'] as const
export type CriticalState = (typeof CRITICAL_STATES)[number]

export const CRITICAL_EVENTS = ['attempt', 'step-due', 'change-level', 'communicate', 'withdraw'] as const
export type CriticalEvent = (typeof CRITICAL_EVENTS)[number]

/** Who is to be called, lowest rung first. */
export const CRITICAL_RUNGS = ['orderer', 'ward', 'on-call', 'lead', 'head'] as const
export type CriticalRung = (typeof CRITICAL_RUNGS)[number]

export const CRITICAL_METHODS = ['telephone', 'in-person', 'video', 'message'] as const
/** How somebody was told, or was tried to be reached. */
export type CriticalMethod = (typeof CRITICAL_METHODS)[number]

export interface CriticalContext {
  /** The six fields and the read-back are there (`missingOf`). */
  documented: boolean
  /** The step or the level was recorded before. */
  repeat: boolean
}

/** What is not in the table is illegal; there is no way to close one without its documentation. */
export function criticalResult(
  state: CriticalState,
  event: CriticalEvent,
  { documented, repeat }: CriticalContext,
): Outcome<CriticalState> {
  // A second call about what was told already is kept as an attempt.
  if (state !== 'open') return state === 'closed' && event === 'communicate' ? same() : ILLEGAL
  switch (event) {
    case 'attempt':
      return to('open')
    case 'step-due':
    case 'change-level':
      return repeat ? same() : to('open')
    case 'communicate':
      return documented ? to('closed') : refuse('check-failed')
    case 'withdraw':
      return to('withdrawn')
  }
}

/** The six fields, as far as they were given, and the tick that the recipient read it back. */
export interface Communication {
  finding: string
  foundAt: Date
  communicatorId: string | null
  recipient: string | null
  toldAt: Date | null
  method: CriticalMethod | null
  readBack: boolean
}

export const COMMUNICATION_FIELDS = [
  'finding',
  'found-at',
  'communicator',
  'recipient',
  'told-at',
  'method',
  'read-back',
] as const
export type CommunicationField = (typeof COMMUNICATION_FIELDS)[number]

/** The first field that is missing or cannot be; null when all is documented. */
export function missingOf(said: Communication, now: Date): CommunicationField | null {
  const { finding, foundAt, communicatorId, recipient, toldAt, method, readBack } = said
  if (!finding.trim()) return 'finding'
  if (foundAt > now) return 'found-at'
  if (!communicatorId) return 'communicator'
  if (!recipient?.trim()) return 'recipient'
  if (toldAt === null || toldAt < foundAt || toldAt > now) return 'told-at'
  if (method === null || !CRITICAL_METHODS.includes(method)) return 'method'
  return readBack ? null : 'read-back'
}

/** Counted from found at, day and night; a changed level counts from there again. */
export function criticalDueAt(foundAt: Date, level: CriticalLevel, policy: Policy): Date {
  return new Date(foundAt.getTime() + policy.critical[level])
}

export interface CriticalStep {
  rung: CriticalRung
  plannedAt: Date
}

export function criticalSteps(foundAt: Date, level: CriticalLevel, policy: Policy): CriticalStep[] {
  return CRITICAL_RUNGS.map((rung) => ({
    rung,
    plannedAt: new Date(
      foundAt.getTime() + Math.round((policy.critical[level] * policy.criticalLadder[rung]) / 100),
    ),
  }))
}

/** Steps to record now, in order, each once, with how late they are; after an outage all of them at once. */
export function criticalStepsDue(
  steps: readonly CriticalStep[],
  recorded: readonly CriticalRung[],
  now: Date,
): (CriticalStep & { lateByMs: number })[] {
  return steps
    .filter(({ rung, plannedAt }) => plannedAt <= now && !recorded.includes(rung))
    .map((step) => ({ ...step, lateByMs: now.getTime() - step.plannedAt.getTime() }))
}

/**
 * Whom to call now: as far up the ladder as time has come, and one further than the last who did not answer.
 * Above the head there is nobody.
 */
export function contactNow(
  recorded: readonly CriticalRung[],
  unanswered: readonly CriticalRung[],
): CriticalRung {
  const reached = [
    ...recorded.map((rung) => CRITICAL_RUNGS.indexOf(rung)),
    ...unanswered.map((rung) => CRITICAL_RUNGS.indexOf(rung) + 1),
  ]
  return CRITICAL_RUNGS[Math.min(Math.max(0, ...reached), CRITICAL_RUNGS.length - 1)]!
}

/** Of a report's content: what was told to whom, written by the department and not by an author. */
export const COMMUNICATION_SECTION = 'communication'

/** A communication that is documented. */
export interface Told {
  finding: string
  level: CriticalLevel
  foundAt: Date
  communicator: string
  recipient: string
  toldAt: Date
  method: CriticalMethod
}

const BY: Readonly<Record<CriticalMethod, string>> = {
  telephone: 'by telephone',
  'in-person': 'in person',
  video: 'by video call',
  message: 'by secure message',
}

/** The paragraph that is appended to the report; instants in the site's zone. */
export function communicationText(told: Told, zone: string): string {
  const { finding, level, foundAt, communicator, recipient, toldAt, method } = told
  return [
    `Critical result (level ${level}): ${finding.trim()}`,
    `Found ${readable(foundAt, zone)}. Communicated ${BY[method]} by ${communicator} to ${recipient.trim()} ${readable(toldAt, zone)}; read back.`,
  ].join('\n')
}

function readable(instant: Date, zone: string): string {
  const { year, month, day, hour, minute } = localTime(zone, instant)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${year}-${two(month)}-${two(day)} at ${two(hour)}:${two(minute)}`
}
