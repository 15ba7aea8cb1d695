/** The folders that one person keeps, and what is in one of them; whether the cases may be seen is asked where they are read. */
import type { AnySql } from '../client.ts'

export interface CaseFolder {
  id: string
  name: string
  count: number
  /** Whether it has the order that was asked about. */
  has: boolean
}

/** By name. */
export async function foldersOf(
  sql: AnySql,
  ownerId: string,
  { orderId = null }: { orderId?: string | null } = {},
): Promise<CaseFolder[]> {
  return await sql<CaseFolder[]>`
    select f.id, f.name, count(c.order_id)::int as count, coalesce(bool_or(c.order_id = ${orderId}), false) as has
    from case_folders f left join foldered_cases c on c.folder_id = f.id
    where f.owner = ${ownerId} and f.retired_at is null
    group by f.id order by lower(f.name)`
}

/** Null for a folder that is gone, or somebody else's. */
export async function folderedOrders(
  sql: AnySql,
  ownerId: string,
  folderId: string,
): Promise<string[] | null> {
  const [row] = await sql<{ orders: string[] }[]>`
    select array(select order_id from foldered_cases where folder_id = f.id) as orders
    from case_folders f where f.id = ${folderId} and f.owner = ${ownerId} and f.retired_at is null`
  return row?.orders ?? null
}
