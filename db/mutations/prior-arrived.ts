/** A study that was let on to readers is a prior of every other exam of the same patient: who has one open hears of it. */
import type { Scope } from './mutate.ts'

export async function tellOfPrior({ sql, announce }: Scope, studyId: string): Promise<void> {
  const held = await sql<{ orderId: string }[]>`
    select distinct w.order_id as "orderId" from studies s join orders o on o.patient_id = s.patient_id
      join work_items w on w.order_id = o.id and w.state = 'claimed'
    where s.id = ${studyId} order by 1`
  announce(...held.map(({ orderId }) => `order:${orderId}`))
}
