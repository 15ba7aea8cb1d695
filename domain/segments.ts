/** Turnaround: the marks of a requested procedure from its order's events alone, the segments between, percentiles. */
import type { EventType } from './words.ts'

export const MARKS = [
  'ordered',
  'scheduled',
  'arrived',
  'begun',
  'ended',
  'available',
  'opened',
  'preliminary',
  'final',
  'sent',
  'delivered',
] as const
export type Mark = (typeof MARKS)[number]

/** A row of `order_events`, as far as turnaround reads it; ids, numbers and words stand in `data` and `refs`. */
export type TimelineEvent = {
  type: EventType
  at: Date
  /** Role under which the actor acted; the department opens no study. */
  actorRole: string
  data: Readonly<Record<string, unknown>>
}

/** Which parts of the order are this procedure's. */
export type ProcedureParts = {
  stepIds: readonly string[]
  performedStepIds: readonly string[]
  studyIds: readonly string[]
  reportIds: readonly string[]
  /** Of its reports, to the receivers that `delivered` waits for: as they were when each version went out. */
  requiredDeliveries: readonly { id: string; reportId: string; version: number }[]
  /** Work items of kind `read` over its studies. */
  readItemIds: readonly string[]
}

export type MarkAt = { at: Date; inferred: boolean }
export type Marks = Partial<Record<Mark, MarkAt>>

export function marks(events: readonly TimelineEvent[], parts: ProcedureParts): Marks {
  const of = events.filter((event) => concerns(event, parts))
  const arrived = first(of, 'step.arrived')
  const available = first(of, 'quality.accepted')
  const version = releasedFinal(of)
  const found: Record<Mark, TimelineEvent | { at: Date } | null> = {
    ordered: first(events, 'order.received'),
    scheduled: lastBefore(of, 'step.scheduled', arrived?.at ?? null),
    arrived,
    begun: first(of, 'performed-step.begun'),
    ended: lastBefore(of, 'performed-step.ended', available?.at ?? null),
    available,
    opened: of.find((event) => event.type === 'work-item.claimed' && isPerson(event)) ?? null,
    preliminary: firstWord(of),
    final: version,
    sent: latestOverReceivers(of, 'delivery.sent', version, parts),
    delivered: latestOverReceivers(of, 'delivery.acknowledged', version, parts),
  }
  const marked: Marks = {}
  for (const mark of MARKS) {
    const at = found[mark]
    if (at !== null) marked[mark] = { at: at.at, inferred: 'data' in at && at.data.inferred === true }
  }
  return marked
}

/** Hours of the day, as turnaround is told by them. */
export const HOURS: readonly number[] = Array.from({ length: 24 }, (_, hour) => hour)

export type Segment = { from: Mark; to: Mark; ms: number; inferred: boolean }

/**
 * Differences of consecutive marks that exist; a missing mark joins its neighbours and is shown so, never as zero.
 * A negative one (scanned first, ordered later) is left out and counted.
 * @param since only what ended then or later: a period is that of the end, whenever it began
 */
export function segments(marked: Marks, since?: Date): { segments: Segment[]; negative: number } {
  const existing = MARKS.filter((mark) => marked[mark] !== undefined)
  const all = existing
    .slice(1)
    .map((to, index) => segment(marked, existing[index] as Mark, to))
    .filter(({ to }) => since === undefined || marked[to]!.at >= since)
  const kept = all.filter(({ ms }) => ms >= 0)
  return { segments: kept, negative: all.length - kept.length }
}

/**
 * Nearest rank: sorted ascending, the value at ceil(p·n ÷ 100), no interpolation; equals `percentile_disc`.
 * Null for no values.
 */
export function percentile(values: readonly number[], p: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = Math.max(1, Math.ceil((p * sorted.length) / 100))
  return sorted[rank - 1] ?? null
}

function segment(marked: Marks, from: Mark, to: Mark): Segment {
  const [start, end] = [marked[from], marked[to]]
  const ms = (end?.at.getTime() ?? 0) - (start?.at.getTime() ?? 0)
  return { from, to, ms, inferred: start?.inferred === true || end?.inferred === true }
}

/** Events name what they are about; what names none of these parts belongs to the order, or to another procedure. */
function concerns({ type, data }: TimelineEvent, parts: ProcedureParts): boolean {
  const has = (ids: readonly string[], key: string) => ids.includes(String(data[key] ?? ''))
  if (type.startsWith('step.')) return has(parts.stepIds, 'stepId')
  if (type.startsWith('performed-step.')) return has(parts.performedStepIds, 'performedStepId')
  if (type.startsWith('quality.')) return has(parts.studyIds, 'studyId')
  if (type.startsWith('report.')) return has(parts.reportIds, 'reportId')
  if (type === 'work-item.claimed') return has(parts.readItemIds, 'itemId')
  const deliveryIds = parts.requiredDeliveries.map(({ id }) => id)
  return type.startsWith('delivery.') && has(deliveryIds, 'deliveryId')
}

function first(events: readonly TimelineEvent[], type: EventType): TimelineEvent | null {
  return events.find((event) => event.type === type) ?? null
}

/** The last of its kind up to an instant: a booking moved three times counts once, as it stood when it mattered. */
function lastBefore(
  events: readonly TimelineEvent[],
  type: EventType,
  until: Date | null,
): TimelineEvent | null {
  return events.findLast((event) => event.type === type && (until === null || event.at <= until)) ?? null
}

function isPerson({ actorRole }: TimelineEvent): boolean {
  return !['machine', 'department', 'device', 'integration'].includes(actorRole)
}

/** A wet read or a preliminary is out the moment it is made. */
function firstWord(events: readonly TimelineEvent[]): TimelineEvent | null {
  return events.find(({ type }) => type === 'report.wet-read' || type === 'report.preliminary') ?? null
}

/** The signature of the first final version that was released; a recalled one never was final. */
function releasedFinal(events: readonly TimelineEvent[]): TimelineEvent | null {
  return (
    events.find(
      (signed) =>
        signed.type === 'report.signed' &&
        events.some((released) => released.type === 'report.released' && sameVersion(released, signed)),
    ) ?? null
  )
}

function sameVersion(one: TimelineEvent, other: TimelineEvent): boolean {
  const matches = (key: string) => one.data[key] !== undefined && one.data[key] === other.data[key]
  return matches('version') && (one.data.reportId === undefined || matches('reportId'))
}

/** Latest over the required receivers of the version of the first such event each; null until every one has it. */
function latestOverReceivers(
  events: readonly TimelineEvent[],
  type: EventType,
  version: TimelineEvent | null,
  parts: ProcedureParts,
): { at: Date } | null {
  const deliveries = parts.requiredDeliveries.filter(
    (one) => one.version === version?.data.version && one.reportId === version.data.reportId,
  )
  const firsts = deliveries.map(({ id }) =>
    events.find((event) => event.type === type && event.data.deliveryId === id),
  )
  if (firsts.length === 0 || firsts.some((event) => event === undefined)) return null
  return { at: new Date(Math.max(...firsts.map((event) => event?.at.getTime() ?? 0))) }
}
