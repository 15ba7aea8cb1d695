/** What workflows ask of the world: every activity with its idempotency key, every timeout and retry with its reason. */
import { proxyActivities } from '@temporalio/workflow'
import type { Phase } from '#domain/words.ts'
import { type Lane, taskQueues } from './contract.ts'

/** Where an order stands after its duties were brought in line with its facts. Delays are machine time. */
export interface Standing {
  phase: Phase
  rev: number
  /** Until time alone may change something; null: only a fact can. */
  wakeInMs: number | null
  /** Cancelled, discontinued or closed. */
  ended: boolean
  /** Whose deliveries are not yet acknowledged. */
  lanes: Lane[]
  /** 0: the grace is over; null: something is still to do. */
  closesInMs: number | null
}

export interface RecordActivities {
  // Keyed on the facts themselves: items are unique on (subject, kind, cycle), so a repeat opens nothing twice.
  settleOrder(order: { orderId: string }): Promise<Standing>
  // Keyed on (item, step): each rung of the ladder is recorded once.
  escalateDue(order: { orderId: string }): Promise<{ fired: number }>
  // Keyed on the study: the same policy version gives the same row.
  assignRetention(order: { orderId: string }): Promise<void>
  // Conditional on an order that is delivered and not closed.
  closeOrder(order: { orderId: string }): Promise<{ closed: boolean }>
  // Keyed on the lane's workflow id: a running lane is rung, a finished one started again.
  ringLane(lane: Lane): Promise<void>
  lookAtLane(lane: Lane): Promise<LaneHead | null>
}

/** The oldest delivery of a lane that is not acknowledged. */
export interface LaneHead {
  deliveryId: string
  /** Parked, or its destination switched off: nothing goes out until a person has mended it. */
  held: boolean
  /** Machine time until the next attempt; 0: now. */
  retryInMs: number
}

export interface IntegrationActivities {
  // Keyed on the delivery's control id: a repeat carries the same MSH-10 and the same bytes.
  attemptDelivery(delivery: { deliveryId: string }): Promise<void>
}

export interface SweepActivities {
  // Keyed on (study, action, planned instant).
  sweepRetention(): Promise<{ proposed: number }>
}

/**
 * Ten seconds: the longest of these statements takes well under one, and what waits longer waits for a lock or a
 * dead connection. Retried for ever, at most half a minute apart: a database that is down comes back, and an order
 * is never given up. An order that does not exist is the one refusal that no repeat can change.
 */
export const records = proxyActivities<RecordActivities>({
  taskQueue: taskQueues.records,
  startToCloseTimeout: '10 s',
  retry: {
    initialInterval: '200 ms',
    backoffCoefficient: 2,
    maximumInterval: '30 s',
    nonRetryableErrorTypes: ['not-found'],
  },
})

/**
 * A receiver has 10 s to take the connection and 30 s to answer, behind up to three other patients' messages on the
 * same connection: 3 minutes. The heartbeat tells a dead worker from a slow receiver within 10 s. How long to wait
 * after an answer is the lane's business, so a retry here only means that our own part failed.
 */
export const integration = proxyActivities<IntegrationActivities>({
  taskQueue: taskQueues.integration,
  startToCloseTimeout: '3 min',
  heartbeatTimeout: '10 s',
  retry: {
    initialInterval: '500 ms',
    backoffCoefficient: 2,
    maximumInterval: '1 min',
    nonRetryableErrorTypes: ['not-found'],
  },
})

/** A sweep walks every due row in batches; after an hour the next run of the schedule takes over. */
export const sweeps = proxyActivities<SweepActivities>({
  taskQueue: taskQueues.sweeps,
  startToCloseTimeout: '10 min',
  scheduleToCloseTimeout: '1 h',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 min' },
})
