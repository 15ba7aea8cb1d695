/** Whether an order's events are whole and unaltered: dense revisions, each hash over its row and the one before. */
import type { AnySql } from '../client.ts'

export interface TimelineProof {
  unbroken: boolean
  /** The first revision that doesn't fit; null when all do. */
  brokenAt: number | null
}

export async function proveTimeline(sql: AnySql, orderId: string): Promise<TimelineProof> {
  const [row] = await sql<{ broken: number | null }[]>`
    select min(rev) as broken from (
      select e.rev, e.previous_hash, lag(e.hash, 1, '') over w as before, lag(e.rev, 1, 0) over w as rev_before, e.hash,
        order_event_hash(e.previous_hash, e) as own
      from order_events e where e.order_id = ${orderId} window w as (order by e.rev)) chain
    where hash <> own or previous_hash <> before or rev <> rev_before + 1`
  const brokenAt = row?.broken ?? null
  return { unbroken: brokenAt === null, brokenAt }
}
