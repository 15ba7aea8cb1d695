/** Storage commitment as the department records it (PS3.4 annex J): taken durably, decided once, told until it is heard. */
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { closeExceptionIn, raiseException } from './exceptions.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

export interface CommitmentRequest {
  aeTitle: string
  transactionUid: string
  instances: readonly { sopClassUid: string; sopInstanceUid: string }[]
  /** Machine time until which missing instances may still come. */
  patienceUntil: Date
}

/** A report is not due before the request has been answered: who took it says when, or this passes. */
const ANSWER_MS = 2_000

/**
 * N-ACTION. The same request again is owed its report again; other instances under a Transaction UID in use are a
 * 'conflict', and nothing changes.
 */
export async function takeCommitment(
  department: Department,
  act: Act,
  request: CommitmentRequest,
): Promise<{ outcome: 'taken' | 'repeated'; id: string } | { outcome: 'conflict' }> {
  return mutate(department, act, 'take-commitment', async (scope) => {
    const { sql } = scope
    const { aeTitle, transactionUid } = request
    const classes = request.instances.map(({ sopClassUid }) => sopClassUid)
    const instances = request.instances.map(({ sopInstanceUid }) => sopInstanceUid)
    const [row] = await sql<{ id: string; isNew: boolean }[]>`
      insert into commitments (id, ae_title, transaction_uid, sop_class_uids, sop_instance_uids, requested_at,
        patience_until, next_attempt_at)
      values (${ulid()}, ${aeTitle}, ${transactionUid}, ${classes}, ${instances}, ${act.now}, ${request.patienceUntil},
        ${new Date(act.machineNow.getTime() + ANSWER_MS)})
      on conflict (ae_title, transaction_uid) do update set next_attempt_at = excluded.next_attempt_at, attempts = 0,
          patience_until = excluded.patience_until, decided_at = null, failures = null, given_up_at = null
        where commitments.sop_instance_uids = excluded.sop_instance_uids
          and commitments.sop_class_uids = excluded.sop_class_uids
      returning id, xmax = 0 as "isNew"`
    if (!row) return { outcome: 'conflict' }
    scope.audit({
      subject: `device:${aeTitle}`,
      type: 'commitment.requested',
      data: { commitmentId: row.id, instances: instances.length },
    })
    return { outcome: row.isNew ? 'taken' : 'repeated', id: row.id }
  })
}

export interface OwedCommitment {
  id: string
  aeTitle: string
  transactionUid: string
  sopClassUids: string[]
  sopInstanceUids: string[]
  patienceUntil: Date
  checkedAt: Date | null
  failures: Record<string, number> | null
  attempts: number
  requestedAt: Date
  /** Machine time until which nobody else takes it. */
  leasedUntil: Date
}

/**
 * The next report that is due, or one just taken whose request has been answered, for as long as the lease: another
 * process leaves it alone, and a crash gives it back.
 */
export async function claimCommitment(
  { sql }: Department,
  machineNow: Date,
  { leaseMs, answered }: { leaseMs: number; answered: readonly string[] },
): Promise<OwedCommitment | null> {
  const fresh = new Date(machineNow.getTime() + ANSWER_MS)
  const [row] = await sql<OwedCommitment[]>`
    update commitments set next_attempt_at = ${new Date(machineNow.getTime() + leaseMs)}
    where id = (select id from commitments where next_attempt_at <= ${machineNow}
        or (id = any(${answered as string[]}) and next_attempt_at <= ${fresh})
      order by next_attempt_at limit 1 for update skip locked)
    returning id, ae_title as "aeTitle", transaction_uid as "transactionUid", sop_class_uids as "sopClassUids",
      sop_instance_uids as "sopInstanceUids", patience_until as "patienceUntil", checked_at as "checkedAt", failures,
      attempts, requested_at as "requestedAt", next_attempt_at as "leasedUntil"`
  return row ?? null
}

/** Still at work on it: the lease lasts longer. False when it was settled, or taken anew, meanwhile. */
export async function renewCommitment(
  { sql }: Department,
  { id, leasedUntil, until }: { id: string; leasedUntil: Date; until: Date },
): Promise<boolean> {
  const rows = await sql`
    update commitments set next_attempt_at = ${until}
    where id = ${id} and next_attempt_at = ${leasedUntil} returning id`
  return rows.length > 0
}

/** What was found: evidence for the completeness of every study in it (rule C6), and names of what should be there. */
export async function decideCommitment(
  department: Department,
  act: Act,
  found: { id: string; failures: Record<string, number>; studies: ReadonlyMap<string, string> },
): Promise<void> {
  await mutate(department, act, 'decide-commitment', async (scope) => {
    const { sql } = scope
    const studyUids = [...new Set(found.studies.values())].sort()
    const [row] = await sql<{ sopInstanceUids: string[] }[]>`
      update commitments set decided_at = coalesce(decided_at, ${act.now}), checked_at = ${act.machineNow},
        failures = ${sql.json(found.failures)}, study_uids = ${studyUids}
      where id = ${found.id} returning sop_instance_uids as "sopInstanceUids"`
    if (!row || studyUids.length === 0) return
    await nameInstances(scope, row.sopInstanceUids, found.studies)
    await sql`update studies set completeness_recheck_at = ${new Date(0)} where study_uid = any(${studyUids})`
  })
}

// A request does not say which study a missing instance is of; where all the others are of one study, it is too.
async function nameInstances(
  { sql }: Scope,
  sopInstanceUids: readonly string[],
  studies: ReadonlyMap<string, string>,
): Promise<void> {
  const distinct = [...new Set(studies.values())]
  const only = distinct.length === 1 ? distinct[0] : undefined
  const named = sopInstanceUids.flatMap((uid) => {
    const studyUid = studies.get(uid) ?? only
    return studyUid === undefined ? [] : [{ studyUid, uid }]
  })
  await sql`
    insert into named_instances (study_uid, sop_instance_uid)
    select * from unnest(${named.map((one) => one.studyUid)}::text[], ${named.map((one) => one.uid)}::text[])
    on conflict do nothing`
}

/** Nothing can be said yet: looked at again at that machine time, without counting as an attempt. */
export async function postponeCommitment(
  { sql }: Department,
  { id, until }: { id: string; until: Date },
): Promise<void> {
  await sql`update commitments set next_attempt_at = ${until} where id = ${id}`
}

/** The modality has heard it. */
export async function commitmentReported(
  department: Department,
  act: Act,
  { id, aeTitle, onSameAssociation }: { id: string; aeTitle: string; onSameAssociation: boolean },
): Promise<void> {
  await mutate(department, act, 'report-commitment', async (scope) => {
    const [row] = await scope.sql<{ failed: number; total: number }[]>`
      update commitments set reported_at = ${act.now}, next_attempt_at = null
      where id = ${id}
      returning (select count(*) from jsonb_object_keys(failures)) as failed, cardinality(sop_instance_uids) as total`
    scope.audit({
      subject: `device:${aeTitle}`,
      type: 'commitment.reported',
      data: { commitmentId: id, instances: row!.total, failed: row!.failed, onSameAssociation },
    })
    const [open] = await scope.sql<{ id: string }[]>`
      select id from exceptions where kind = 'delivery' and key = ${exceptionKey(aeTitle)} and state = 'open'`
    if (open) await closeExceptionIn(scope, open.id)
  })
}

export interface FailedReport {
  id: string
  aeTitle: string
  /** Null: it is given up. */
  nextAttemptAt: Date | null
  /** Somebody is told, in these words. */
  reason: string | null
}

/** The modality could not be told. */
export async function commitmentNotReported(
  department: Department,
  act: Act,
  { id, aeTitle, nextAttemptAt, reason }: FailedReport,
): Promise<void> {
  await mutate(department, act, 'commitment-not-reported', async (scope) => {
    const { sql } = scope
    await sql`
      update commitments set attempts = attempts + 1, next_attempt_at = ${nextAttemptAt},
        given_up_at = ${nextAttemptAt ? null : act.now} where id = ${id}`
    if (!reason) return
    const [site] = await sql<{ id: string }[]>`
      select site_id as id from devices where ae_title = ${aeTitle} union all (select id from sites order by id limit 1) limit 1`
    await raiseException(scope, {
      kind: 'delivery',
      key: exceptionKey(aeTitle),
      reasonCode: 'commitment-not-reported',
      reason,
      refs: { aeTitle, commitmentId: id },
      siteId: site!.id,
    })
  })
}

const exceptionKey = (aeTitle: string): string => `commitment:${aeTitle}`
