/** Somebody looked at the warning that another patient has a similar name: it is theirs alone, and on the record. */
import type { Department } from '../department.ts'
import { type Act, mutate } from './mutate.ts'
import { mustBeAbleOnOrder } from './permission.ts'

/** For this person and this order only; whoever else opens the order sees the warning. Safe to repeat. */
export async function noteSimilarSeen(
  department: Department,
  act: Act,
  { orderId, patientId }: { orderId: string; patientId: string },
): Promise<void> {
  await mutate(department, act, 'note-similar-seen', async (scope) => {
    await mustBeAbleOnOrder(scope, 'see-work', orderId)
    const [row] = await scope.sql`
      insert into similar_names_seen (user_id, order_id, patient_id, seen_at)
      select ${act.actor.id}, ${orderId}, id, ${act.now} from patients where id = ${patientId}
      on conflict do nothing returning patient_id`
    if (row)
      scope.audit({
        subject: `order:${orderId}`,
        type: 'similar-name.seen',
        data: { otherPatient: patientId },
      })
  })
}
