/**
 * Looked at again when its hour comes: completeness, since images have no doorbell of their own; and a critical result,
 * whose next contact waits neither for a workflow that is gone with its ended order nor for a server that is down.
 */
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import type { Log } from '../log.ts'

const BATCH = 50

export async function settleDueRechecks(
  department: Department,
  settledHere: Set<string>,
  log: Log,
): Promise<void> {
  const now = await department.now()
  const due = await department.sql<{ orderId: string }[]>`
    select l.order_id as "orderId" from studies s join study_links l on l.study_id = s.id and l.undone_at is null
    where s.completeness_recheck_at <= ${now}
    union select order_id from critical_results where next_step_at <= ${now} limit ${BATCH}`
  for (const { orderId } of due) {
    try {
      settledHere.add(orderId)
      await settleOrder(department, await dutyAct(department), { orderId })
    } catch (error) {
      log.error({ err: error, orderId }, 'an order whose hour has come could not be settled')
    }
  }
}
