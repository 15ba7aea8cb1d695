/** What reading stored objects again has found: the rows say when, and what is damaged or missing is raised and takes part in availability. */
import type { Department } from '../department.ts'
import { closeExceptionIn, raiseException } from './exceptions.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

export interface Verified {
  instanceId: string
  /** The blob that was read: a row that has another one by now is left alone. */
  blob: string
  found: 'sound' | 'altered' | 'missing'
}

/** Records a batch in one transaction. Sound again after damage: its exception closes. */
export async function recordVerified(
  department: Department,
  act: Act,
  batch: readonly Verified[],
): Promise<void> {
  if (batch.length === 0) return
  await mutate(department, act, 'record-verified', async (scope) => {
    const { sql } = scope
    const before = await sql<{ id: string; blob: string; damaged: string | null }[]>`
      select id, blob, damaged from instances where id = any(${batch.map(({ instanceId }) => instanceId)})
      order by id for update`
    const known = new Map(before.map((row) => [row.id, row]))
    const same = batch.filter(({ instanceId, blob }) => known.get(instanceId)?.blob === blob)
    const sound = same.filter(({ found }) => found === 'sound').map(({ instanceId }) => instanceId)
    await sql`update instances set verified_at = ${act.machineNow}, damaged = null where id = any(${sound})`
    const still: string[] = []
    for (const one of same) {
      const was = known.get(one.instanceId)!.damaged
      if (one.found === 'sound') {
        if (was !== null) await mended(scope, one.instanceId)
      } else if (one.found === was && (await isTold(scope, one.instanceId))) still.push(one.instanceId)
      else await damaged(scope, one)
    }
    // Found as it was left: it is told of once.
    await sql`update instances set verified_at = ${act.machineNow} where id = any(${still})`
  })
}

async function isTold({ sql }: Scope, instanceId: string): Promise<boolean> {
  const [open] = await sql`
    select 1 from exceptions where kind = 'quarantine' and key = ${keyOf(instanceId)} and state = 'open'`
  return open !== undefined
}

const WORDS = {
  altered:
    'A stored object is no longer what was received: its bytes have another hash. Bring it back from a copy or have it sent again.',
  missing: 'A stored object is gone from the disk. Bring it back from a copy or have it sent again.',
} as const

async function damaged(scope: Scope, { instanceId, found }: Verified): Promise<void> {
  const { sql, act } = scope
  await sql`update instances set verified_at = ${act.machineNow}, damaged = ${found} where id = ${instanceId}`
  const study = await markAvailability(scope, instanceId)
  scope.audit({
    subject: `study:${study.study_uid}`,
    type: 'instance.damaged',
    outcome: 'failure',
    data: { instanceId, found },
  })
  await raiseException(scope, {
    kind: 'quarantine',
    key: keyOf(instanceId),
    reasonCode: `object-${found}`,
    reason: WORDS[found as keyof typeof WORDS],
    refs: { instanceId, studyInstanceUid: study.study_uid, sopInstanceUid: study.sop_instance_uid },
    siteId: study.site_id,
  })
}

/** It was damaged and is sound again: its study is available, and what was raised closes. */
export async function mended(scope: Scope, instanceId: string): Promise<void> {
  const study = await markAvailability(scope, instanceId)
  scope.audit({ subject: `study:${study.study_uid}`, type: 'instance.mended', data: { instanceId } })
  const open = await scope.sql<{ id: string }[]>`
    select id from exceptions where kind = 'quarantine' and key = ${keyOf(instanceId)} and state = 'open'`
  for (const { id } of open) await closeExceptionIn(scope, id)
}

const keyOf = (instanceId: string) => `blob:${instanceId}`

interface StudyRow {
  study_uid: string
  site_id: string
  sop_instance_uid: string
}

// What was read of the series stands no more: a damaged object is handed out to nobody, a mended one again.
// (0008,0056) is that of the worst instance that is seen; a tier's NEARLINE and OFFLINE are not ours to change.
async function markAvailability({ sql }: Scope, instanceId: string): Promise<StudyRow> {
  await sql`update series set rev = rev + 1 where id = (select series_id from instances where id = ${instanceId})`
  const [row] = await sql<StudyRow[]>`
    update studies s set availability = case
        when exists (select 1 from instances d where d.study_id = s.id and d.damaged is not null and d.rejected_code is null)
          then 'UNAVAILABLE'
        when s.availability = 'UNAVAILABLE' then 'ONLINE' else s.availability end
    from instances i where i.id = ${instanceId} and i.study_id = s.id
    returning s.study_uid, s.site_id, i.sop_instance_uid`
  return row!
}
