/** The same SOP Instance UID with other content: which one is filed, and what is kept aside. */
import type { Policy } from '#domain/policy.ts'
import type { AnySql } from '../client.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import { raiseException } from './exceptions.ts'
import type { Scope } from './mutate.ts'
import type { StoredInstance } from './studies.ts'

export type DuplicatePolicy = Policy['duplicateInstance']

/** What the department does with another content of a known instance: the device's own rule before the policy's. */
export async function duplicatePolicy(sql: AnySql, sourceAe: string): Promise<DuplicatePolicy> {
  const [device] = await sql<{ rule: string | null }[]>`
    select policy->>'duplicateInstance' as rule from devices where ae_title = ${sourceAe}`
  const known: readonly DuplicatePolicy[] = ['first-stays', 'newest-wins', 'refuse']
  return known.find((rule) => rule === device?.rule) ?? (await policyOf(sql)).duplicateInstance
}

const WORDS = {
  'first-stays':
    'An object came again under the same SOP Instance UID with other content. The first stays, the other is kept aside: say which one is right.',
  refuse:
    'An object came again under the same SOP Instance UID with other content and was refused. The first stays, the other is kept aside: say which one is right.',
  'newest-wins':
    'An object came again under the same SOP Instance UID with other content and took the place of the first, which is kept aside.',
} as const satisfies Record<DuplicatePolicy, string>

/** Keeps the second content aside; false when the very same content waits there already. */
export async function keepAside(
  scope: Scope,
  study: { study_uid: string; site_id: string },
  { instance, rule }: { instance: StoredInstance; rule: DuplicatePolicy },
): Promise<boolean> {
  const { sql, act } = scope
  const [known] = await sql<{ decision: string | null }[]>`
    select decision from quarantine where sop_instance_uid = ${instance.sopInstanceUid}
      and sha256 = ${instance.sha256} and reason = 'duplicate-instance'`
  // Somebody has looked at exactly this one and said that the first is right.
  if (known?.decision) return false
  const exceptionId = await raiseDuplicate(scope, study, { instance, rule })
  if (known) return false
  const { headerText: _, ...object } = instance
  await sql`
    insert into quarantine (id, blob, bytes, sha256, sop_instance_uid, source_ae, peer, reason, received_at, exception_id, object)
    values (${ulid()}, ${instance.blob}, ${instance.bytes}, ${instance.sha256}, ${instance.sopInstanceUid},
      ${instance.sourceAe}, ${instance.peer}, 'duplicate-instance', ${act.now}, ${exceptionId}, ${sql.json(object as never)})`
  return true
}

/** Opens the exception, or counts it up, and writes the trail. */
export async function raiseDuplicate(
  scope: Scope,
  study: { study_uid: string; site_id: string },
  { instance, rule }: { instance: StoredInstance; rule: DuplicatePolicy },
): Promise<string> {
  const { sopInstanceUid, sourceAe } = instance
  scope.audit({
    subject: `study:${study.study_uid}`,
    type: 'instance.duplicate',
    outcome: rule === 'refuse' ? 'denied' : 'success',
    data: { sopInstanceUid, rule, aeTitle: sourceAe },
  })
  return raiseException(scope, {
    kind: 'quarantine',
    key: `instance:${sopInstanceUid}`,
    reasonCode: rule === 'newest-wins' ? 'replaced-instance' : 'duplicate-instance',
    reason: WORDS[rule],
    refs: { sopInstanceUid, studyInstanceUid: study.study_uid, aeTitle: sourceAe },
    siteId: study.site_id,
  })
}

/** The filed object steps aside: its row is kept with all that is needed to put it back. Answers its study. */
export async function stepAside(
  { sql, act }: Scope,
  sopInstanceUid: string,
  { exceptionId, isSettled }: { exceptionId: string; isSettled: boolean },
): Promise<string> {
  const [filed] = await sql<(StoredInstance & { studyId: string })[]>`
    select i.study_id as "studyId", i.blob, i.bytes, i.dataset_offset as "datasetOffset", i.sha256,
      i.transfer_syntax_uid as "transferSyntaxUid", i.sop_instance_uid as "sopInstanceUid", i.sop_class_uid as "sopClassUid",
      e.series_uid as "seriesUid", s.study_uid as "studyUid", i.attributes as header, i.pixel, i.frames,
      i.source_ae as "sourceAe", '' as peer
    from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where i.sop_instance_uid = ${sopInstanceUid} for update of i`
  const { studyId, ...object } = filed!
  await sql`
    insert into quarantine (id, blob, bytes, sha256, sop_instance_uid, source_ae, peer, reason, received_at, exception_id, object,
      decision, decided_at, decided_by)
    values (${ulid()}, ${object.blob}, ${object.bytes}, ${object.sha256}, ${sopInstanceUid}, ${object.sourceAe}, '',
      'replaced-instance', ${act.now}, ${exceptionId}, ${sql.json(object as never)},
      ${isSettled ? 'replaced' : null}, ${isSettled ? act.now : null}, ${isSettled ? act.actor.id : null})`
  return studyId
}
