/** Activities on the department's rows: each calls one mutation and answers in ids, enums and machine delays. */
import type { Client } from '@temporalio/client'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { laneHead } from '#db/mutations/deliveries.ts'
import { escalateDue } from '#db/mutations/escalations.ts'
import { assignRetention } from '#db/mutations/retention.ts'
import { closeOrder, settleOrder } from '#db/mutations/settle.ts'
import { machineDelayUntil } from '#domain/clock.ts'
import type { Phase } from '#domain/words.ts'
import type { RecordActivities } from '#workflows/activities.ts'
import { refusalsAsFailures } from '../failure.ts'
import { ringLane } from '../ring.ts'

export function recordActivities({
  department,
  client,
}: {
  department: Department
  client: Client
}): RecordActivities {
  return refusalsAsFailures<RecordActivities>({
    async settleOrder(order) {
      const { wakeAt, closesAt, ...standing } = await settleOrder(
        department,
        await dutyAct(department),
        order,
      )
      if (!RING_THEMSELVES.includes(standing.phase))
        for (const lane of standing.lanes) await ringLane(client, lane)
      const [wakeInMs, closesInMs] = [
        await machineDelay(department, wakeAt),
        await machineDelay(department, closesAt),
      ]
      return { ...standing, wakeInMs, closesInMs }
    },
    async escalateDue(order) {
      const { fired } = await escalateDue(department, await dutyAct(department), order)
      return { fired }
    },
    async assignRetention(order) {
      await assignRetention(department, await dutyAct(department), order)
    },
    async closeOrder(order) {
      return closeOrder(department, await dutyAct(department), order)
    },
    async ringLane(lane) {
      await ringLane(client, lane)
    },
    async lookAtLane(lane) {
      const head = await laneHead(department, lane)
      return head && { deliveryId: head.id, held: head.dueInMs === null, retryInMs: head.dueInMs ?? 0 }
    },
  })
}

/** Phases in which an order's workflow rings its lanes; in any other a receiver may be owed a word of where it stands, or an old report. */
const RING_THEMSELVES: readonly Phase[] = ['reading', 'preliminary', 'final', 'delivered']

/** Timers run on the machine's clock, instants stand on the department's; null while that clock stands still. */
async function machineDelay(department: Department, instant: Date | null): Promise<number | null> {
  if (instant === null) return null
  const delayMs = machineDelayUntil(await department.clock(), instant, new Date())
  return Number.isFinite(delayMs) ? delayMs : null
}
