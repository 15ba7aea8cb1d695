/** What a reader has set aside for a moment and still holds. */
import type { NameSaid } from '#domain/order-message.ts'
import type { AnySql } from '../client.ts'
import type { DeskPlace } from '../mutations/parking.ts'

export interface ParkedCase {
  itemId: string
  fence: number
  accession: string
  name: NameSaid
  parkedAt: Date
}

/** Newest first: one key brings the first back. @param machineNow leases run on the machine's clock */
export async function parkedCases(sql: AnySql, userId: string, machineNow: Date): Promise<ParkedCase[]> {
  return await sql<ParkedCase[]>`
    select w.id as "itemId", w.fence, o.accession, p.name, c.parked_at as "parkedAt"
    from work_items w join parked_cases c on c.item_id = w.id and c.fence = w.fence
      join orders o on o.id = w.order_id join patients p on p.id = o.patient_id
    where w.holder = ${userId} and w.state = 'claimed' and w.parked and w.lease_until > ${machineNow}
    order by c.parked_at desc, w.id`
}

/** Where its holder was when they parked it, if it was brought back since then. @param since on the machine's clock */
export async function placeReturnedTo(
  sql: AnySql,
  { itemId, userId, since }: { itemId: string; userId: string; since: Date },
): Promise<DeskPlace | null> {
  const [row] = await sql<{ place: DeskPlace }[]>`
    select c.place from work_items w join parked_cases c on c.item_id = w.id and c.fence = w.fence
    where w.id = ${itemId} and w.holder = ${userId} and w.state = 'claimed' and not w.parked and c.returned_at > ${since}`
  return row?.place ?? null
}
