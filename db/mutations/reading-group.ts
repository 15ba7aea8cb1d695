/** Exams of one patient under one report: their reading items are held, renewed and given back together. */
import type { AnySql } from '../client.ts'
import type { Scope } from './mutate.ts'
import type { ItemRow } from './work-items.ts'

/**
 * The other live reading items of the report that an item's study is under, in id order; none for an exam that is read
 * alone. Rows as they are: who decides something about them takes their locks first, by `lockTogether`.
 */
export async function besideOf(
  sql: AnySql,
  item: Pick<ItemRow, 'id' | 'kind' | 'subject_id'>,
): Promise<ItemRow[]> {
  if (item.kind !== 'read') return []
  return await sql<ItemRow[]>`
    select w.* from work_items w where w.subject_type = 'study' and w.kind = 'read' and w.state in ('open', 'claimed') and w.id <> ${item.id}
      and w.subject_id in (
        select other.study_id from study_links own join report_procedures rp on rp.procedure_id = own.procedure_id
          join reports r on r.id = rp.report_id and r.state <> 'CANCELLED'
          join report_procedures rp2 on rp2.report_id = r.id
          join study_links other on other.procedure_id = rp2.procedure_id and other.undone_at is null
        where own.study_id = ${item.subject_id} and own.undone_at is null)
    order by w.id`
}

/** Takes the locks of an item and of those it is read together with: all orders in id order, then all items in id order. */
export async function lockTogether(scope: Scope, item: ItemRow): Promise<ItemRow[]> {
  const { sql } = scope
  const beside = await besideOf(sql, item)
  if (beside.length === 0) return []
  for (const orderId of ordersOf([item, ...beside])) await scope.lockOrder(orderId)
  await sql`
    select 1 from work_items where id = any(${[item, ...beside].map(({ id }) => id)}) order by id for update`
  return besideOf(sql, item)
}

const ordersOf = (items: readonly ItemRow[]): string[] =>
  [...new Set(items.flatMap(({ order_id }) => order_id ?? []))].sort()

/** The orders of an item and of those beside it, before any lock: so that all are locked in id order. Null: no such item. */
export async function ordersTogether(sql: AnySql, itemId: string): Promise<string[] | null> {
  const [item] = await sql<ItemRow[]>`select * from work_items where id = ${itemId}`
  return item ? ordersOf([item, ...(await besideOf(sql, item))]) : null
}
