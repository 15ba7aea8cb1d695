/** Quarantine: an object that cannot be filed keeps its bytes, gets its reason, and somebody is asked to look. */
import type { StoredBlob } from '#archive/storage/blob-store.ts'
import type { Department } from '#db/department.ts'
import { raiseException } from '#db/mutations/exceptions.ts'
import { type Act, mutate } from '#db/mutations/mutate.ts'
import { ulid } from '#db/ulid.ts'
import { FAULTS, type Fault } from './examine.ts'

export interface SetAside {
  blob: StoredBlob
  fault: Pick<Fault, 'reason' | 'sopInstanceUid'>
  sourceAe: string
  peer: string
}

/** Keyed on the blob: done twice, as after a crash, it is one row. The same bytes again count the exception up. */
export async function setAside(
  department: Department,
  act: Act,
  { blob, fault, sourceAe, peer }: SetAside,
): Promise<void> {
  await mutate(department, act, 'set-aside', async (scope) => {
    const { sql } = scope
    const [known] = await sql`select 1 from quarantine where blob = ${blob.key}`
    if (known) return
    const quarantineId = ulid()
    const exceptionId = await raiseException(scope, {
      kind: 'quarantine',
      key: `object:${blob.sha256}`,
      reasonCode: fault.reason,
      reason: `An object was set aside: ${FAULTS[fault.reason]}. Its bytes are kept; send it again once it is mended at its source.`,
      refs: {
        quarantineId,
        aeTitle: sourceAe,
        ...(fault.sopInstanceUid ? { sopInstanceUid: fault.sopInstanceUid } : {}),
      },
      siteId: await siteOf(sql, sourceAe),
    })
    await sql`
      insert into quarantine (id, blob, bytes, sha256, sop_instance_uid, source_ae, peer, reason, received_at, exception_id)
      values (${quarantineId}, ${blob.key}, ${blob.bytes}, ${blob.sha256}, ${fault.sopInstanceUid}, ${sourceAe}, ${peer},
        ${fault.reason}, ${act.now}, ${exceptionId})`
    scope.announce('archive')
  })
}

async function siteOf(
  sql: Parameters<Parameters<typeof mutate>[3]>[0]['sql'],
  aeTitle: string,
): Promise<string> {
  const [site] = await sql<{ id: string }[]>`
    select site_id as id from devices where ae_title = ${aeTitle} union all (select id from sites order by id limit 1) limit 1`
  return site!.id
}
