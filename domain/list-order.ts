/** The order of a worklist: one strict total order with the reasons why a row stands where it does. */
import { type BusinessCalendar, MINUTE_MS } from './calendar.ts'
import { activeMs, type Pause } from './sla.ts'
import type { PatientClass, PauseReason, Priority } from './words.ts'

export type ListedItem = {
  id: string
  accession: string
  priority: Priority
  patientClass: PatientClass
  openedAt: Date
  dueFrom: Date
  dueAt: Date | null
  allowanceMs: number
  /** Does the allowance count opening hours only? */
  business: boolean
  /** Pauses that ended. */
  pauses: readonly Pause[]
  /** The pause that is open now. */
  paused: { reason: PauseReason; from: Date } | null
  /** A machine flagged the unread study as urgent. */
  machineUrgent: boolean
  /** Came back after a repeat that a reader asked for. */
  afterRetake: boolean
  /** The patient waits in the department for the result. */
  patientWaits: boolean
  /** Sent back by a reader or returned by a technologist. */
  sentBack: boolean
}

/** Ascending, field by field; null due dates last. */
export type ListKey = {
  tier: 0 | 1 | 2
  paused: 0 | 1
  minusPoints: number
  dueAtMs: number
  openedAtMs: number
  accession: string
  id: string
}

const MAX_POINTS_OF_TIME = 300
const WAITING_POINTS = 30
const SENT_BACK_POINTS = 30
const CLASS_POINTS: Readonly<Record<PatientClass, number>> = {
  emergency: 60,
  'intensive-care': 40,
  inpatient: 20,
  outpatient: 0,
  screening: -20,
}
const TIERS: Readonly<Record<Priority, 0 | 1 | 2>> = { stat: 0, urgent: 1, routine: 2 }

/** The instant a list is computed for: travels in the page cursor, so that pages neither repeat nor miss a row. */
export function asOfMinute(now: Date): Date {
  return new Date(Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS)
}

export function listKey(item: ListedItem, asOf: Date, calendar: BusinessCalendar): ListKey {
  return {
    tier: tierOf(item, asOf, calendar),
    paused: item.paused === null ? 0 : 1,
    minusPoints: 0 - points(item, asOf, calendar),
    dueAtMs: item.dueAt?.getTime() ?? Number.POSITIVE_INFINITY,
    openedAtMs: item.openedAt.getTime(),
    accession: item.accession,
    id: item.id,
  }
}

/** Negative when `a` stands before `b`; never 0 for two different items. */
export function compareListKeys(a: ListKey, b: ListKey): number {
  return (
    a.tier - b.tier ||
    a.paused - b.paused ||
    a.minusPoints - b.minusPoints ||
    byNumber(a.dueAtMs, b.dueAtMs) ||
    a.openedAtMs - b.openedAtMs ||
    byCodePoint(a.accession, b.accession) ||
    byCodePoint(a.id, b.id)
  )
}

export type WhyHere =
  | { id: 'stat' }
  | { id: 'raised'; by: 'late' | 'flag' | 'returned' }
  | { id: 'late'; ms: number }
  | { id: 'used'; percent: number }
  | { id: 'class'; patientClass: PatientClass }
  | { id: 'patient-waits' }
  | { id: 'sent-back' }
  | { id: 'paused'; reason: PauseReason }

/** What put a row where it is, weightiest first; the strings catalogue makes words of it. */
export function whyHere(item: ListedItem, asOf: Date, calendar: BusinessCalendar): WhyHere[] {
  const tier: WhyHere[] = []
  const raised = raisedBy(item, asOf, calendar)
  if (item.priority === 'stat') tier.push({ id: 'stat' })
  else if (raised !== null && tierOf(item, asOf, calendar) < TIERS[item.priority]) {
    tier.push({ id: 'raised', by: raised })
  }
  const weighed = reasons(item, asOf, calendar)
    .filter(({ weight }) => weight !== 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ why }) => why)
  const paused: WhyHere[] = item.paused === null ? [] : [{ id: 'paused', reason: item.paused.reason }]
  return [...tier, ...weighed, ...paused]
}

function reasons(
  item: ListedItem,
  asOf: Date,
  calendar: BusinessCalendar,
): { weight: number; why: WhyHere }[] {
  const percent = usedPercent(item, asOf, calendar)
  const lateMs = item.dueAt === null ? 0 : asOf.getTime() - item.dueAt.getTime()
  const time: WhyHere = percent > 100 && lateMs > 0 ? { id: 'late', ms: lateMs } : { id: 'used', percent }
  return [
    { weight: timePoints(percent), why: time },
    { weight: CLASS_POINTS[item.patientClass], why: { id: 'class', patientClass: item.patientClass } },
    { weight: item.patientWaits ? WAITING_POINTS : 0, why: { id: 'patient-waits' } },
    { weight: item.sentBack ? SENT_BACK_POINTS : 0, why: { id: 'sent-back' } },
  ]
}

function points(item: ListedItem, asOf: Date, calendar: BusinessCalendar): number {
  return reasons(item, asOf, calendar).reduce((sum, { weight }) => sum + weight, 0)
}

/** Whole per cent of the allowance used, pauses not counted; an appointment without allowance is used up at once. */
function usedPercent(item: ListedItem, asOf: Date, calendar: BusinessCalendar): number {
  const activeElapsedMs = elapsedMs(item, asOf, calendar)
  if (item.allowanceMs <= 0) return activeElapsedMs > 0 ? MAX_POINTS_OF_TIME : 0
  return Math.floor((100 * activeElapsedMs) / item.allowanceMs)
}

/** While it is paused the elapsed time stands still. */
function elapsedMs(item: ListedItem, asOf: Date, calendar: BusinessCalendar): number {
  const to = item.paused !== null && item.paused.from < asOf ? item.paused.from : asOf
  return activeMs({ from: item.dueFrom, to, business: item.business, pauses: item.pauses }, calendar)
}

function timePoints(percent: number): number {
  return Math.min(MAX_POINTS_OF_TIME, percent)
}

/** Up one tier and never into 0: only people make a stat, and no routine case starves. */
function tierOf(item: ListedItem, asOf: Date, calendar: BusinessCalendar): 0 | 1 | 2 {
  return item.priority === 'routine' && raisedBy(item, asOf, calendar) !== null ? 1 : TIERS[item.priority]
}

function raisedBy(
  item: ListedItem,
  asOf: Date,
  calendar: BusinessCalendar,
): 'late' | 'flag' | 'returned' | null {
  // Late by more than its own allowance: twice the time is gone.
  if (item.allowanceMs > 0 && elapsedMs(item, asOf, calendar) > 2 * item.allowanceMs) return 'late'
  if (item.machineUrgent) return 'flag'
  return item.afterRetake ? 'returned' : null
}

function byNumber(a: number, b: number): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** By code point and not by locale, so that Postgres (collation C) and JavaScript agree. */
function byCodePoint(a: string, b: string): number {
  const [one, other] = [[...a], [...b]]
  for (let index = 0; index < Math.min(one.length, other.length); index += 1) {
    const difference = (one[index]?.codePointAt(0) ?? 0) - (other[index]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return one.length - other.length
}
