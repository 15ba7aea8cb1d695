/** What a reader skipped and will not be offered again for a while. */
import type { AnySql } from '../client.ts'

/** @param machineNow leases and skips run on the machine's clock */
export async function skippedItems(sql: AnySql, userId: string, machineNow: Date): Promise<Set<string>> {
  const rows = await sql<{ item_id: string }[]>`
    select item_id from skips where user_id = ${userId} and until > ${machineNow}`
  return new Set(rows.map((row) => row.item_id))
}
