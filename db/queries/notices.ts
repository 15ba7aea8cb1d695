/** The notices that a person has not seen, of work that is still to be done. */
import type { LadderRung } from '#domain/policy.ts'
import type { Priority, WorkItemKind } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

export interface Notice {
  itemId: string
  kind: WorkItemKind
  /** `moved`: the images of a critical result that this person tells went to another order. */
  rung: LadderRung | 'moved'
  at: Date
  lateByMs: number
  orderId: string
  accession: string
  procedure: string
  priority: Priority
  dueAt: Date | null
  dueFrom: Date | null
  lateAt: Date | null
  /** The person told can take or holds the case themselves. */
  reads: boolean
}

/** Nearest due first, at most fifty: whoever has more has the late list. */
export async function unseenNotices(sql: AnySql, userId: string): Promise<Notice[]> {
  return await sql<Notice[]>`
    select n.item_id as "itemId", w.kind, n.rung, n.at, n.late_by_ms::float8 as "lateByMs", w.order_id as "orderId",
      o.accession, w.priority, w.due_at as "dueAt", w.due_from as "dueFrom",
      w.late_at as "lateAt", n.rung in ('notify', 'reassign') and w.kind <> 'critical' as reads,
      (select coalesce(k.short_name, p.text) from procedures p
        left join catalogue k on k.scheme = p.catalogue_scheme and k.code = p.catalogue_code
        where p.order_id = w.order_id order by p.position limit 1) as procedure
    from notices n join work_items w on w.id = n.item_id join orders o on o.id = w.order_id
    where n.user_id = ${userId} and n.seen_at is null and w.state in ('open', 'claimed')
    order by w.due_at, n.item_id limit 50`
}
