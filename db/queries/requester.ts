/** Whose order it is to a referrer: the person whose physician number the placer named (HL7 2.5.1 ORC-12, OBR-16). */
import type { AnySql } from '../client.ts'

/** True of an order `o` that the person asked for. Number and authority decide; a name alone makes it nobody's. */
export function requestedBy(sql: AnySql, userId: string) {
  return sql`(o.requester->>'id', coalesce(o.requester->>'authority', '')) in (
    select value, authority from physician_numbers where user_id = ${userId})`
}

/** The user who asked for an order; null when it was nobody of ours. */
export async function requesterOf(sql: AnySql, orderId: string): Promise<string | null> {
  const [row] = await sql<{ userId: string }[]>`
    select n.user_id as "userId" from orders o join physician_numbers n
      on n.value = o.requester->>'id' and n.authority = coalesce(o.requester->>'authority', '')
    where o.id = ${orderId}`
  return row?.userId ?? null
}
