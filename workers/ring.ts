/** The doorbells: starts a workflow that does not run, wakes one that does. At least once, in any order. */
import { type Client, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client'
import {
  deliveryWorkflowId,
  type Lane,
  type LaneStart,
  type OrderStart,
  orderWorkflowId,
  signalNames,
  taskQueues,
  workflowNames,
} from '#workflows/contract.ts'

const running = {
  taskQueue: taskQueues.orders,
  workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
  workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
}

/** Temporal's own scale: 1 first, 3 the default. */
const priorityKeys: Record<string, number> = { stat: 1, urgent: 2, routine: 3 }

export async function ringOrder(
  client: Client,
  { orderId, rev, priority }: { orderId: string; rev: number; priority: string },
): Promise<void> {
  await client.workflow.signalWithStart<(start: OrderStart) => Promise<unknown>, [number]>(
    workflowNames.order,
    {
      ...running,
      workflowId: orderWorkflowId(orderId),
      args: [{ orderId }],
      signal: signalNames.eventsHappened,
      signalArgs: [rev],
      priority: { priorityKey: priorityKeys[priority] ?? 3 },
    },
  )
}

export async function ringLane(client: Client, lane: Lane): Promise<void> {
  await client.workflow.signalWithStart<(start: LaneStart) => Promise<unknown>, []>(workflowNames.delivery, {
    ...running,
    workflowId: deliveryWorkflowId(lane),
    args: [{ destinationId: lane.destinationId, patientId: lane.patientId }],
    signal: signalNames.laneChanged,
    signalArgs: [],
  })
}

/** Running orders compute their timers anew. One that has ended meanwhile needs none. */
export async function tellClockTurned(client: Client, orderId: string): Promise<void> {
  try {
    await client.workflow.getHandle(orderWorkflowId(orderId)).signal(signalNames.clockTurned)
  } catch (error) {
    if ((error as Error).name !== 'WorkflowNotFoundError') throw error
  }
}
