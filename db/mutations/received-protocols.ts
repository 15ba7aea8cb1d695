/** Hanging Protocols that others send (PS3.4 annex GG): kept beside the studies, for readers to make layouts of. */
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate } from './mutate.ts'

export interface ProtocolToKeep {
  blob: { key: string; bytes: number; sha256: string }
  sopInstanceUid: string
  sourceAe: string
  peer: string
  /** Its values by keyword, for the page where layouts are made. */
  values: object
  /** How much of it a layout cannot say. */
  leftOut: number
}

/**
 * Keeps it in the place of what came before under its SOP Instance UID. Keyed on the blob: done twice, as after a
 * crash, it is one row. False when the very same is kept already, whose bytes are then needed no more.
 */
export async function keepReceivedProtocol(
  department: Department,
  act: Act,
  { blob, sopInstanceUid, sourceAe, peer, values, leftOut }: ProtocolToKeep,
): Promise<boolean> {
  return await mutate(department, act, 'receive-hanging-protocol', async (scope) => {
    const { sql } = scope
    await sql`select pg_advisory_xact_lock(hashtextextended(${sopInstanceUid}, 0))`
    const [known] = await sql<{ blob: string; sha256: string }[]>`
      select blob, sha256 from quarantine
      where sop_instance_uid = ${sopInstanceUid} and reason = 'hanging-protocol' and decision = 'taken'`
    if (known?.blob === blob.key) return true
    if (known?.sha256 === blob.sha256) return false
    await sql`
      update quarantine set decision = 'replaced', decided_at = ${act.now}, decided_by = ${act.actor.id}
      where sop_instance_uid = ${sopInstanceUid} and reason = 'hanging-protocol' and decision = 'taken'`
    await sql`
      insert into quarantine (id, blob, bytes, sha256, sop_instance_uid, source_ae, peer, reason, received_at, object,
        decision, decided_at, decided_by)
      values (${ulid()}, ${blob.key}, ${blob.bytes}, ${blob.sha256}, ${sopInstanceUid}, ${sourceAe}, ${peer},
        'hanging-protocol', ${act.now}, ${sql.json(holdable(values) as never)}, 'taken', ${act.now}, ${act.actor.id})`
    scope.audit({
      subject: `device:${sourceAe}`,
      type: 'hanging-protocol.received',
      data: { sopInstanceUid, leftOut, isNewer: known !== undefined },
    })
    scope.announce('layouts')
    return true
  })
}

/** What jsonb can hold: no NUL, no half of a character, no number without a value. */
function holdable(values: object): object {
  const holds = (value: unknown) => typeof value !== 'number' || Number.isFinite(value)
  const said = JSON.stringify(values, (_, value) => {
    if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed()
    return Array.isArray(value) ? value.filter(holds) : value
  })
  return JSON.parse(said) as object
}
