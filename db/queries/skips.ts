/** What a reader skipped and will not be offered again for a while. */
import type { AnySql } from '../client.ts'
import { sharedRead } from './shared-read.ts'

/** @param machineNow leases and skips run on the machine's clock */
export async function skippedItems(sql: AnySql, userId: string, machineNow: Date): Promise<Set<string>> {
  // Everybody's in one read: there are few, and fifty screens ask at once.
  const all = await sharedRead(
    sql,
    'skips',
    () => sql<{ user_id: string; item_id: string; until: Date }[]>`
      select user_id, item_id, until from skips where until > ${machineNow}`,
  )
  const own = all.filter(({ user_id, until }) => user_id === userId && until > machineNow)
  return new Set(own.map((row) => row.item_id))
}
