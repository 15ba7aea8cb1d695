/** Work items: claim, lease and fence as a total table; the SQL of each event is the same predicate in one statement. */
import { ILLEGAL, type Outcome, refuse, same } from './outcome.ts'
import type { Policy } from './policy.ts'
import type { WorkItemState } from './words.ts'

/** Instants here are the machine's: at sixty times the speed a two-minute lease would die in two seconds. */
export type WorkItem = {
  state: WorkItemState
  holder: string | null
  /** Grows at every claim and take-over, never shrinks. */
  fence: number
  leaseUntil: Date | null
  blocked: boolean
}

export type WorkItemEvent =
  | { type: 'claim'; by: string }
  | { type: 'heartbeat'; by: string; fence: number }
  | { type: 'release'; by: string; fence: number }
  | { type: 'park'; by: string; fence: number }
  | { type: 'unpark'; by: string; fence: number }
  | { type: 'lease-over' }
  /** `fence` is the one the person saw: if it moved on, somebody else was faster. */
  | { type: 'take-over'; by: string; fence: number }
  /** `fence` null for kinds that the department completes itself. */
  | { type: 'complete'; by: string; fence: number | null }
  | { type: 'no-longer-wanted' }

export function workItem(
  item: WorkItem,
  event: WorkItemEvent,
  machineNow: Date,
  lease: Policy['lease'],
): Outcome<WorkItem> {
  if (item.state === 'completed' || item.state === 'cancelled') return over(item.state, event)
  return item.state === 'open'
    ? whileOpen(item, event, machineNow, lease)
    : whileClaimed(item, event, machineNow, lease)
}

/** A finished item answers a repeat with its first result, and everything else with a refusal. */
function over(state: 'completed' | 'cancelled', event: WorkItemEvent): Outcome<WorkItem> {
  if (event.type === 'lease-over' || event.type === 'no-longer-wanted') return same()
  return event.type === 'complete' && state === 'completed' ? same() : ILLEGAL
}

function whileOpen(
  item: WorkItem,
  event: WorkItemEvent,
  now: Date,
  lease: Policy['lease'],
): Outcome<WorkItem> {
  switch (event.type) {
    case 'claim':
      return item.blocked ? refuse('blocked') : claimed(item, event.by, now, lease)
    case 'heartbeat':
      return refuse('lease-expired')
    case 'release':
    case 'lease-over':
      return same()
    case 'complete':
      return event.fence === null ? finished(item, 'completed') : refuse('not-holder')
    case 'no-longer-wanted':
      return finished(item, 'cancelled')
    case 'take-over':
    case 'park':
    case 'unpark':
      return ILLEGAL
  }
}

function whileClaimed(
  item: WorkItem,
  event: WorkItemEvent,
  now: Date,
  lease: Policy['lease'],
): Outcome<WorkItem> {
  switch (event.type) {
    case 'claim':
      return claimOfClaimed(item, event.by, now, lease)
    case 'heartbeat':
      // A lease just over that nobody took is renewed: a slow network is no reason to lose a reading.
      return byHolder(item, event) ? renewed(item, now, lease.leaseMs) : refuse('stale-fence')
    case 'park':
      return byHolder(item, event) ? renewed(item, now, lease.parkedMs) : refuse('stale-fence')
    case 'unpark':
      return byHolder(item, event) ? leasedUntil(item, now, lease.leaseMs) : refuse('stale-fence')
    case 'release':
      return byHolder(item, event) ? reopened(item) : refuse('stale-fence')
    case 'lease-over':
      return leaseIsOver(item, now) ? reopened(item) : same()
    case 'take-over':
      return takenOver(item, event, now, lease)
    case 'complete':
      if (event.fence === null) return refuse('not-holder')
      return byHolder(item, { by: event.by, fence: event.fence })
        ? finished(item, 'completed')
        : refuse('stale-fence')
    case 'no-longer-wanted':
      return finished(item, 'cancelled')
  }
}

function claimOfClaimed(item: WorkItem, by: string, now: Date, lease: Policy['lease']): Outcome<WorkItem> {
  if (leaseIsOver(item, now)) return item.blocked ? refuse('blocked') : claimed(item, by, now, lease)
  return item.holder === by ? same() : refuse('already-claimed')
}

function takenOver(
  item: WorkItem,
  event: { by: string; fence: number },
  now: Date,
  lease: Policy['lease'],
): Outcome<WorkItem> {
  if (item.fence !== event.fence) return refuse('stale-fence')
  return item.holder === event.by ? ILLEGAL : claimed(item, event.by, now, lease)
}

function byHolder(item: WorkItem, event: { by: string; fence: number }): boolean {
  return item.holder === event.by && item.fence === event.fence
}

function leaseIsOver(item: WorkItem, now: Date): boolean {
  return item.leaseUntil === null || item.leaseUntil <= now
}

function claimed(item: WorkItem, by: string, now: Date, lease: Policy['lease']): Outcome<WorkItem> {
  const next = { ...item, state: 'claimed' as const, holder: by, fence: item.fence + 1 }
  return leasedUntil(next, now, lease.leaseMs)
}

/** Never shortens a lease: a heartbeat on a parked item leaves its half hour. */
function renewed(item: WorkItem, now: Date, ms: number): Outcome<WorkItem> {
  const until = new Date(now.getTime() + ms)
  if (item.leaseUntil !== null && item.leaseUntil > until) return changed({ ...item })
  return changed({ ...item, leaseUntil: until })
}

function leasedUntil(item: WorkItem, now: Date, ms: number): Outcome<WorkItem> {
  return changed({ ...item, leaseUntil: new Date(now.getTime() + ms) })
}

function reopened(item: WorkItem): Outcome<WorkItem> {
  return changed({ ...item, state: 'open', holder: null, leaseUntil: null })
}

function finished(item: WorkItem, state: 'completed' | 'cancelled'): Outcome<WorkItem> {
  return changed({ ...item, state, holder: null, leaseUntil: null })
}

function changed(item: WorkItem): Outcome<WorkItem> {
  return { outcome: 'changed', to: item, inferred: false, exception: null }
}
