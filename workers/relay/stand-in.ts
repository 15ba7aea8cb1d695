/** Does the workflows' settling while they cannot: one rule, two callers, so that a STAT scan reaches the reading list. */
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import type { Log } from '../log.ts'
import type { Reach } from './reach.ts'

const BATCH = 100

export interface StandIn {
  /** Settles what has waited too long for its workflow, and what the clock has made due meanwhile. */
  turn(): Promise<void>
  /** Orders settled here since the start. */
  count(): number
}

/**
 * Once Temporal has not answered for `patienceMs`, every fact is settled at once. While it answers, a fact is left to
 * its workflow for as long: workers may be restarting.
 */
export function standIn(context: {
  department: Department
  reach: Reach
  settledHere: Set<string>
  patienceMs: number
  log: Log
}): StandIn {
  const { department, reach, settledHere, patienceMs, log } = context
  // Department instants at which time alone changes something in an order that we settled.
  const alarms = new Map<string, Date>()
  let settled = 0

  async function settle(orderId: string): Promise<void> {
    alarms.delete(orderId)
    settledHere.add(orderId)
    const { wakeAt } = await settleOrder(department, await dutyAct(department), { orderId })
    if (wakeAt !== null) alarms.set(orderId, wakeAt)
    settled += 1
  }

  return {
    async turn() {
      const isDown = (reach.downForMs() ?? 0) >= patienceMs
      if (!isDown) alarms.clear()
      const now = await department.now()
      const due = [...alarms].filter(([, at]) => at <= now).map(([orderId]) => orderId)
      for (const orderId of new Set([...due, ...(await unsettled(department, isDown ? 0 : patienceMs))])) {
        try {
          await settle(orderId)
        } catch (error) {
          log.error({ err: error, orderId }, 'an order could not be settled')
        }
      }
    },
    count: () => settled,
  }
}

/** Orders with a fact that has waited this long for its duties, STAT first. */
async function unsettled({ sql }: Department, waitedMs: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select o.id from orders o join order_events e on e.order_id = o.id and e.rev = o.settled_rev + 1
    where o.settled_rev < o.rev and e.recorded_at <= clock_timestamp() - ${waitedMs} * interval '1 millisecond'
    order by array_position(array['stat', 'urgent', 'routine'], o.priority), o.id limit ${BATCH}`
  return rows.map(({ id }) => id)
}
