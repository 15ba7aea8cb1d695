/** The policy in force: the newest approved version over the defaults the code was shipped with. */
import { POLICY_VERSION_1, type Policy } from '#domain/policy.ts'
import type { AnySql } from '../client.ts'

/** The newest approved version, or the one an order is pinned to. */
export async function policyOf(sql: AnySql, version?: number): Promise<Policy> {
  const rows = version
    ? await sql<
        { version: number; body: Partial<Policy> }[]
      >`select version, body from policies where version = ${version}`
    : await sql<
        { version: number; body: Partial<Policy> }[]
      >`select version, body from policies order by version desc limit 1`
  const row = rows[0]
  return row ? { ...POLICY_VERSION_1, ...row.body, version: row.version } : POLICY_VERSION_1
}
