/** Rows of the audit trail for what has no order to hang on: sign-ins, queries, denials, refused associations. */
import type { Department } from '../department.ts'
import type { Act, NewAudit } from './mutate.ts'
import { roleOf } from './mutate.ts'

/** Appends one audit event on its subject's hash chain, in a transaction of its own. */
export async function audit(department: Department, act: Omit<Act, 'now'>, event: NewAudit): Promise<void> {
  await department.sql`select append_audit(${event.subject}, ${event.type}, ${event.outcome ?? 'success'},
    ${act.machineNow}, ${act.actor.id}, ${roleOf(act.actor)}, ${act.source}, ${act.address ?? null},
    ${department.sql.json((event.data ?? {}) as never)})`
  if ((event.outcome ?? 'success') !== 'success') department.announce(['audit'])
}

/** Writes an anchor over all chain heads, so that a copy kept elsewhere proves that nothing before it changed. */
export async function anchorChains(department: Department, machineNow: Date): Promise<string> {
  const [row] = await department.sql<{ hash: string }[]>`select anchor_chains(${machineNow}) as hash`
  return row!.hash
}
