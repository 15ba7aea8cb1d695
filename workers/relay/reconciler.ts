/** Looks for rows and workflows that lost each other, and brings them together again; this is also the rebuild. */
import type { Client } from '@temporalio/client'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { audit } from '#db/mutations/audit.ts'
import { deliveryWorkflowId, type Lane, orderWorkflowId, workflowNames } from '#workflows/contract.ts'
import { ringLane, ringOrder } from '../ring.ts'
import type { Reach } from './reach.ts'

export interface Repairs {
  /** Open orders that no workflow was following. */
  ordersTakenUp: number
  /** Workflows that still followed an ended order. */
  endsTold: number
  /** Deliveries under way without a running lane. */
  lanesTakenUp: number
}

/** The doorbell needs a moment for a new order, and the list of running workflows one more. */
const YOUNG_MS = 10_000
const AUDITED_IDS = 100
/** A thousand a page; 50,000 open orders are read in seconds. */
const LIST_WITHIN_MS = 8_000

interface OrderRow {
  orderId: string
  rev: number
  priority: string
  ended: boolean
}

/**
 * Safe to run at any time: every repair is a doorbell. A server that lost everything is rebuilt by the same step,
 * since then no open order has a workflow.
 */
export async function reconcile(context: {
  department: Department
  client: Client
  reach: Reach
}): Promise<Repairs> {
  const { department, client, reach } = context
  const followed = await reach.ask(() => runningIds(client, workflowNames.order))
  const running = await reach.ask(() => runningIds(client, workflowNames.delivery))
  const lost = (await openOrders(department)).filter(({ orderId }) => !followed.has(orderWorkflowId(orderId)))
  const ended = await endedOrders(department, [...followed])
  const laneless = (await openLanes(department)).filter((lane) => !running.has(deliveryWorkflowId(lane)))
  for (const order of [...lost, ...ended]) await reach.ask(() => ringOrder(client, order))
  for (const lane of laneless) await reach.ask(() => ringLane(client, lane))
  const repairs = { ordersTakenUp: lost.length, endsTold: ended.length, lanesTakenUp: laneless.length }
  await note(department, repairs, [...lost, ...ended])
  return repairs
}

async function openOrders({ sql }: Department): Promise<OrderRow[]> {
  return await sql<OrderRow[]>`
    select id as "orderId", rev, priority from orders
    where closed_at is null and phase not in ('cancelled', 'discontinued', 'closed') and rev > 0
      and created_at <= clock_timestamp() - ${YOUNG_MS} * interval '1 millisecond'
    order by array_position(array['stat', 'urgent', 'routine'], priority), id`
}

async function openLanes({ sql }: Department): Promise<Lane[]> {
  return await sql<Lane[]>`
    select distinct d.destination_id as "destinationId", d.patient_id as "patientId"
    from deliveries d join destinations t on t.id = d.destination_id and t.retired_at is null
    where d.state in ('waiting', 'sent', 'unknown')`
}

/** Of the followed orders, those whose rows have ended and were settled: their workflow should have gone home. */
async function endedOrders({ sql }: Department, workflowIds: string[]): Promise<OrderRow[]> {
  const orderIds = workflowIds.map((id) => id.slice(orderWorkflowId('').length))
  return await sql<OrderRow[]>`
    select id as "orderId", rev, priority from orders
    where id = any(${orderIds}) and phase in ('cancelled', 'discontinued', 'closed') and relayed_rev >= rev`
}

async function runningIds(client: Client, workflowType: string): Promise<Set<string>> {
  const ids = new Set<string>()
  const query = `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'`
  await client.withDeadline(Date.now() + LIST_WITHIN_MS, async () => {
    for await (const { workflowId } of client.workflow.list({ query })) ids.add(workflowId)
  })
  return ids
}

async function note(department: Department, repairs: Repairs, orders: OrderRow[]): Promise<void> {
  if (Object.values(repairs).every((count) => count === 0)) return
  await audit(department, await dutyAct(department), {
    subject: 'department:workflows',
    type: 'workflows.reconciled',
    data: { ...repairs, orderIds: orders.slice(0, AUDITED_IDS).map(({ orderId }) => orderId) },
  })
}
