/** Names and payloads on which workflows, workers, relay and support agree. They are wire format: never renamed, only added to. */
import type { Phase } from '#domain/words.ts'

export const taskQueues = {
  /** Every workflow. */
  orders: 'orders',
  /** Activities on the department's rows. */
  records: 'records',
  /** Activities that speak to other systems. */
  integration: 'integration',
  /** Activities of the schedules, which may take minutes. */
  sweeps: 'sweeps',
} as const

export const workflowNames = {
  order: 'orderWorkflow',
  delivery: 'deliveryWorkflow',
  retentionSweep: 'retentionSweepWorkflow',
} as const

export const signalNames = {
  /** The doorbell: carries the newest rev of the order and nothing else. */
  eventsHappened: 'eventsHappened',
  /** The department's clock was turned: every delay computed from it is wrong now. */
  clockTurned: 'clockTurned',
  /** Something in the lane is new: a delivery, a mend, a destination back in use. */
  laneChanged: 'laneChanged',
} as const

export const queryNames = { orderStatus: 'orderStatus', laneStatus: 'laneStatus' } as const

export interface OrderStart {
  orderId: string
  /** Events after which the run goes on under a new run id; for tests, which cannot wait for the default. */
  historyLimit?: number
}

export type OrderEnd = Extract<Phase, 'cancelled' | 'discontinued' | 'closed'> | 'not-found'

/** Patient and destination: versions of one patient's reports never overtake each other on the way to one receiver. */
export interface Lane {
  destinationId: string
  patientId: string
}

export interface LaneStart extends Lane {
  historyLimit?: number
}

/** For support: what the order's workflow believes, to be compared with the rows. */
export interface OrderStatus {
  orderId: string
  phase: Phase | null
  /** The rev up to which the facts are known. */
  rev: number
  /** The newest rev the doorbell told of. */
  newestRev: number
  end: OrderEnd | null
}

export interface LaneStatus extends Lane {
  deliveryId: string | null
  waitsFor: 'answer' | 'next-attempt' | 'mending' | null
}

export function orderWorkflowId(orderId: string): string {
  return `order-${orderId}`
}

export function deliveryWorkflowId({ destinationId, patientId }: Lane): string {
  return `delivery-${destinationId}-${patientId}`
}
