/** Delivery of one report version to one destination, and the lane that keeps a patient's versions in order. */
import { ILLEGAL, type Outcome, same, to } from './outcome.ts'
import type { Policy } from './policy.ts'
import type { DeliveryState } from './words.ts'

export type Delivery = {
  state: DeliveryState
  attempts: number
  /** When the receiver first said AE; an hour later the delivery is parked for mending. */
  firstErrorAt: Date | null
  /** Not before this; null: at the lane's next turn. */
  nextAttemptAt: Date | null
}

export const DELIVERY_EVENTS = ['turn', 'accepted', 'error', 'rejected', 'no-answer', 'mended'] as const
/**
 * `turn`: head of its lane, destination up. `accepted`: AA or CA with our MSH-10 in MSA-2. `error`: AE or CE.
 * `rejected`: AR, CR or an answer that can't be read. `no-answer`: time-out, or connection lost after the first byte.
 */
export type DeliveryEvent = (typeof DELIVERY_EVENTS)[number]

/** Total over states and events. There is no "give up": an unknown is sent again with the same control id. */
export function delivery(
  current: Delivery,
  event: DeliveryEvent,
  now: Date,
  policy: Policy['delivery'],
): Outcome<Delivery> {
  switch (event) {
    case 'turn':
      return turn(current)
    case 'accepted':
      return current.state === 'acknowledged'
        ? same()
        : to({ ...current, state: 'acknowledged', nextAttemptAt: null })
    case 'error':
      return isOut(current.state) ? erred(current, now, policy) : same()
    case 'rejected':
      return isOut(current.state) ? to({ ...current, state: 'parked', nextAttemptAt: null }) : same()
    case 'no-answer':
      return current.state === 'sent' ? to({ ...current, state: 'unknown' }) : same()
    case 'mended':
      return current.state === 'parked'
        ? to({ ...current, state: 'waiting', firstErrorAt: null, nextAttemptAt: null })
        : ILLEGAL
  }
}

/** May the head of a lane be sent now? A parked head holds its lane, and its lane only. */
export function mayBeSent(head: Delivery, now: Date): boolean {
  const due = head.nextAttemptAt === null || head.nextAttemptAt <= now
  return (head.state === 'waiting' || head.state === 'unknown') && due
}

function turn(current: Delivery): Outcome<Delivery> {
  if (current.state !== 'waiting' && current.state !== 'unknown') return same()
  return to({ ...current, state: 'sent', attempts: current.attempts + 1, nextAttemptAt: null })
}

function erred(current: Delivery, now: Date, policy: Policy['delivery']): Outcome<Delivery> {
  const firstErrorAt = current.firstErrorAt ?? now
  if (now.getTime() - firstErrorAt.getTime() >= policy.parkAfterFirstErrorMs) {
    return to({ ...current, state: 'parked', firstErrorAt, nextAttemptAt: null })
  }
  const nextAttemptAt = new Date(now.getTime() + retryDelayMs(current.attempts, policy))
  return to({ ...current, state: 'waiting', firstErrorAt, nextAttemptAt })
}

/** Doubles from the base up to the cap; the first retry waits the base. */
export function retryDelayMs(attempts: number, policy: Policy['delivery']): number {
  return Math.min(policy.retryCapMs, policy.retryBaseMs * 2 ** Math.max(0, attempts - 1))
}

function isOut(state: DeliveryState): boolean {
  return state === 'sent' || state === 'unknown'
}
