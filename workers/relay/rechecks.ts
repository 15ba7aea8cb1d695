/** Completeness looked at again when its hour comes: images have no doorbell of their own, one per image would be thousands. */
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
  const due = await department.sql<{ orderId: string }[]>`
    select distinct l.order_id as "orderId" from studies s join study_links l on l.study_id = s.id and l.undone_at is null
    where s.completeness_recheck_at <= ${await department.now()} limit ${BATCH}`
  for (const { orderId } of due) {
    try {
      settledHere.add(orderId)
      await settleOrder(department, await dutyAct(department), { orderId })
    } catch (error) {
      log.error({ err: error, orderId }, 'completeness could not be decided')
    }
  }
}
