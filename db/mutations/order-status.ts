/** Telling receivers where an order stands: a message of its own in the patient's lane, beside its reports (ORM^O01). */
import { ulid } from '../ulid.ts'
import { mintControlId, minting } from './minting.ts'
import type { Scope } from './mutate.ts'

export type StatusTold = 'accepted' | 'scheduled' | 'arrived' | 'acquired'

/**
 * Queues the status for every receiver of reports, in the caller's transaction. A receiver that takes none says so in
 * its policy: `orderStatus: false`.
 */
export async function tellStatus(scope: Scope, orderId: string, status: StatusTold): Promise<void> {
  const { sql, act } = scope
  const destinations = await sql<{ id: string; patient_id: string }[]>`
    select d.id, o.patient_id from destinations d, orders o
    where o.id = ${orderId} and d.retired_at is null and d.kind = 'hl7-oru'
      and coalesce(d.policy->>'orderStatus', 'true') <> 'false' order by d.id for share of d`
  const mint = await minting(sql)
  for (const { id: destinationId, patient_id } of destinations) {
    const deliveryId = ulid()
    const controlId = await mintControlId(sql, mint)
    await sql`
      insert into deliveries (id, destination_id, order_id, patient_id, required, message_type, control_id, released_at,
        status, status_at)
      values (${deliveryId}, ${destinationId}, ${orderId}, ${patient_id}, false, 'ORM^O01', ${controlId}, ${act.now},
        ${status}, ${act.now})`
    scope.append(orderId, {
      type: 'delivery.queued',
      data: { deliveryId, destinationId, controlId, status },
    })
  }
}
