/** Tells each order's workflow that something happened: the newest rev and nothing else, STAT orders first. */
import type { Client } from '@temporalio/client'
import type { Department } from '#db/department.ts'
import { failpoint } from '#db/failpoint.ts'
import { ringOrder } from '../ring.ts'
import type { Reach } from './reach.ts'

const BATCH = 200
const AT_ONCE = 16
/** The SDK retries an unreachable server for much longer than the next turn is away. */
const DEADLINE_MS = 3_000

interface Unrelayed {
  id: string
  rev: number
  priority: string
  /** Ended, and its duties already answer to this rev: nobody is left to tell. */
  isSettledEnd: boolean
}

export interface Doorbell {
  department: Department
  client: Client
  reach: Reach
  /** Orders whose duties the relay settled itself: their workflows have not seen it. */
  settledHere: Set<string>
}

/** Answers how many were rung; fewer than are waiting when Temporal does not answer. */
export async function ringWhatHappened(bell: Doorbell): Promise<number> {
  const waiting = await unrelayed(bell.department)
  for (let from = 0; from < waiting.length; from += AT_ONCE) {
    const outcomes = await Promise.allSettled(
      waiting.slice(from, from + AT_ONCE).map((order) => relay(bell, order)),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
  return waiting.length
}

/** True when a whole batch was found, so that more may be waiting. */
export function mayBeMore(rung: number): boolean {
  return rung === BATCH
}

async function relay({ department, client, reach, settledHere }: Doorbell, order: Unrelayed): Promise<void> {
  if (!order.isSettledEnd || settledHere.has(order.id)) {
    await failpoint('relay:before-signal')
    await reach.ask(() =>
      client.withDeadline(Date.now() + DEADLINE_MS, () =>
        ringOrder(client, { orderId: order.id, rev: order.rev, priority: order.priority }),
      ),
    )
    settledHere.delete(order.id)
    await failpoint('relay:after-signal')
  }
  await department.sql`
    update orders set relayed_rev = greatest(relayed_rev, ${order.rev}) where id = ${order.id}`
}

async function unrelayed({ sql }: Department): Promise<Unrelayed[]> {
  return await sql<Unrelayed[]>`
    select id, rev, priority,
      phase in ('cancelled', 'discontinued', 'closed') and settled_rev >= rev as "isSettledEnd"
    from orders where relayed_rev < rev
    order by array_position(array['stat', 'urgent', 'routine'], priority), id limit ${BATCH}`
}
