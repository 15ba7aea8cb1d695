/** Withdrawing instances and taking that back: rows that hide them at once, and a rejection note that says so to others (IHE RAD IOCM). */
import { RadiologyError } from '#domain/errors.ts'
import type { Actor, Verb } from '#domain/permissions.ts'
import { mustBeAble } from '#domain/permissions.ts'
import { type RejectionNote, rejectionNoteIn } from '#domain/rejection-note.ts'
import { REJECTION_CODES, type RejectionCode } from '#domain/study-visibility.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { raiseException } from './exceptions.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { stateAnew } from './stated.ts'
import type { StoredInstance } from './studies.ts'
import { count } from './study-counts.ts'

export interface RejectionAsked {
  studyUid: string
  seriesUid?: string
  sopInstanceUid?: string
  code: RejectionCode
  /** Why, in words; kept with the rejection, never sent in a note. */
  reason: string
}

/**
 * Withdraws a study, a series or one instance on a person's or a program's word (DICOMweb DELETE).
 * @throws RadiologyError 'not-found' for what is not there or hidden already, 'forbidden', 'reason-required', 'held'
 */
export async function rejectInstances(
  department: Department,
  act: Act,
  asked: RejectionAsked,
): Promise<{ rejectionId: string; instances: number }> {
  const { studyUid, seriesUid, sopInstanceUid, code, reason } = asked
  return mutate(department, act, 'reject-instances', async (scope) => {
    const study = await lockStudy(scope, { studyUid })
    mustBeAble(act.actor, VERB_OF[code], { siteId: study.site_id, reason })
    const { sql } = scope
    const rows = await sql<{ uid: string }[]>`
      select i.sop_instance_uid as uid from instances i join series e on e.id = i.series_id
      where i.study_id = ${study.id} and i.rejected_code is null and not i.is_note
        ${seriesUid === undefined ? sql`` : sql`and e.series_uid = ${seriesUid}`}
        ${sopInstanceUid === undefined ? sql`` : sql`and i.sop_instance_uid = ${sopInstanceUid}`}`
    if (rows.length === 0) throw new RadiologyError('not-found', { studyInstanceUid: studyUid })
    const rejectionId = await reject(scope, {
      study,
      code,
      instances: rows.map(({ uid }) => uid),
      words: reason,
    })
    return { rejectionId: rejectionId!, instances: rows.length }
  })
}

const VERB_OF: Readonly<Record<RejectionCode, Verb>> = {
  '113001': 'reject-for-quality',
  '113037': 'reject-for-safety',
  '113038': 'reject-for-wrong-entry',
  // Nobody says by hand that a retention has expired: the purge does, once it is approved.
  '113039': 'run-duty',
}

export interface NewRejection {
  study: StudyRow
  code: RejectionCode
  /** SOP Instance UIDs, of the study; those it does not hold are left out. */
  instances: readonly string[]
  reasonCodes?: readonly string[]
  words?: string | null
  /** False where the caller's own event says that images were rejected. */
  tells?: boolean
}

/** Withdraws instances in the caller's transaction; null when there was nothing to withdraw. Its note follows. */
export async function reject(scope: Scope, rejection: NewRejection): Promise<string | null> {
  const { sql, act } = scope
  const { study, code, instances, reasonCodes = [], words = null, tells = true } = rejection
  if (code === '113039' && study.legal_hold) throw new RadiologyError('held', { studyId: study.id })
  const rows = await sql<{ uid: string }[]>`
    select sop_instance_uid as uid from instances
    where study_id = ${study.id} and not is_note and sop_instance_uid = any(${instances as string[]}) order by id`
  if (rows.length === 0) return null
  const id = ulid()
  await sql`
    insert into rejections (id, study_id, code, reason_codes, words, instances, by, at)
    values (${id}, ${study.id}, ${code}, ${reasonCodes as string[]}, ${words}, ${rows.map(({ uid }) => uid)},
      ${act.actor.id}, ${act.now})`
  await take(scope, { code, rejectionId: id, instances: rows.map(({ uid }) => uid), tells })
  return id
}

interface StudyRow {
  id: string
  study_uid: string
  site_id: string
  legal_hold: boolean
}

/** Takes the study's orders' locks in id order and its own. @throws RadiologyError 'not-found' */
export async function lockStudy(
  scope: Scope,
  { studyUid, studyId }: { studyUid?: string; studyId?: string },
): Promise<StudyRow> {
  const { sql } = scope
  const [study] = await sql<StudyRow[]>`
    select id, study_uid, site_id, legal_hold from studies
    where ${studyId === undefined ? sql`study_uid = ${studyUid ?? ''}` : sql`id = ${studyId}`}`
  if (!study) throw new RadiologyError('not-found', { studyInstanceUid: studyUid, studyId })
  for (const orderId of await ordersOf(scope, study.id)) await scope.lockOrder(orderId)
  await sql`select pg_advisory_xact_lock(hashtextextended(${study.study_uid}, 1))`
  return study
}

async function ordersOf({ sql }: Scope, studyId: string): Promise<string[]> {
  const rows = await sql<{ order_id: string }[]>`
    select distinct order_id from study_links where study_id = ${studyId} and undone_at is null order by order_id`
  return rows.map((row) => row.order_id)
}

interface Taken {
  code: RejectionCode
  rejectionId: string
  instances: readonly string[]
  tells: boolean
}

async function take(scope: Scope, { code, rejectionId, instances, tells }: Taken): Promise<void> {
  const changed = await showWhatStands(scope, instances)
  for (const [studyId, uids] of changed)
    await studyChanged(scope, { studyId, type: 'study.rejected', code, rejectionId, instances: uids, tells })
}

/** Whether a rejection that stands names any of these. */
export async function anyWithdrawn({ sql }: Scope, instances: readonly string[]): Promise<boolean> {
  const [one] = await sql`
    select 1 from rejections
    where instances && ${instances as string[]} and revoked_at is null and without_effect is null limit 1`
  return one !== undefined
}

/**
 * Brings what instances show in line with the rejections that stand: the strongest one, or none. Counts follow.
 * Answers what changed, by study.
 */
export async function showWhatStands(
  scope: Scope,
  instances: readonly string[],
): Promise<Map<string, string[]>> {
  const { sql } = scope
  const rows = await sql<{ study_id: string; sop_instance_uid: string }[]>`
    with standing as (
      select u.uid, min(array_position(${REJECTION_CODES as unknown as string[]}, r.code)) as place
      from rejections r cross join unnest(r.instances) as u(uid)
      where r.instances && ${instances as string[]} and r.revoked_at is null and r.without_effect is null
      group by u.uid)
    update instances i set rejected_code = (${REJECTION_CODES as unknown as string[]}::text[])[
      (select place from standing where uid = i.sop_instance_uid)]
    where i.sop_instance_uid = any(${instances as string[]}) and not i.is_note
      and i.rejected_code is distinct from (${REJECTION_CODES as unknown as string[]}::text[])[
        (select place from standing where uid = i.sop_instance_uid)]
    returning i.study_id, i.sop_instance_uid`
  const byStudy = Map.groupBy(rows, (row) => row.study_id)
  for (const studyId of byStudy.keys()) {
    await stateAnew(scope, studyId)
    await count(scope, studyId)
  }
  return new Map([...byStudy].map(([studyId, list]) => [studyId, list.map((row) => row.sop_instance_uid)]))
}

interface StudyChange {
  studyId: string
  type: 'study.rejected' | 'study.revoked'
  code: RejectionCode
  rejectionId: string
  instances: readonly string[]
  tells: boolean
}

async function studyChanged(scope: Scope, change: StudyChange): Promise<void> {
  const { studyId, type, code, rejectionId, instances, tells } = change
  const { sql } = scope
  const [study] = await sql<{ study_uid: string; visible: number }[]>`
    select study_uid, instance_count - report_count as visible from studies where id = ${studyId}`
  await voidSteps(scope, studyId, study!.visible === 0)
  scope.audit({
    subject: `study:${study!.study_uid}`,
    type,
    data: { code, rejectionId, instances: instances.length, visible: study!.visible },
  })
  scope.announce('archive')
  if (!tells) return
  for (const orderId of await ordersOf(scope, studyId))
    scope.append(orderId, {
      type,
      refs: { studyInstanceUid: study!.study_uid },
      data: { studyId, code, rejectionId, instances: instances.length, visible: study!.visible },
    })
}

// domain: a departed step all of whose images are rejected is void, and lives again with them.
async function voidSteps({ sql }: Scope, studyId: string, isVoid: boolean): Promise<void> {
  await sql`
    update steps set voided = ${isVoid} where status = 'departed' and voided <> ${isVoid} and procedure_id in (
      select procedure_id from study_links where study_id = ${studyId} and undone_at is null)`
}

/**
 * A rejection note that was stored: it takes effect on what it names, what comes later included. One of our own says
 * only that it has been written.
 */
export async function takeNote(scope: Scope, studyId: string, stored: StoredInstance): Promise<void> {
  const { sql, act } = scope
  const note = rejectionNoteIn(stored)
  if (!note) return
  const [own] = await sql`
    update rejections set noted_at = ${act.now} where note_uid = ${stored.sopInstanceUid} returning id`
  if (own) return
  const withoutEffect = await whyNot(scope, note, stored)
  const id = ulid()
  await sql`
    insert into rejections (id, study_id, code, instances, by, at, note_uid, note_series_uid, noted_at, received, without_effect)
    values (${id}, ${studyId}, ${note.code}, ${note.instances as string[]}, ${act.actor.id}, ${act.now},
      ${stored.sopInstanceUid}, ${stored.seriesUid}, ${act.now}, true, ${withoutEffect})`
  if (withoutEffect) return flagWithoutEffect(scope, { studyId, stored, withoutEffect })
  await take(scope, { code: note.code, rejectionId: id, instances: note.instances, tells: true })
}

type WithoutEffect = keyof typeof WITHOUT_EFFECT

async function whyNot(
  { sql, act }: Scope,
  note: RejectionNote,
  { sourceAe }: StoredInstance,
): Promise<WithoutEffect | null> {
  const concerned = sql`from instances i join studies s on s.id = i.study_id
    where i.sop_instance_uid = any(${note.instances as string[]})`
  const [facts] = await sql<{ known: boolean; held: boolean; elsewhere: boolean }[]>`
    select exists (select 1 from devices where ae_title = ${sourceAe} and enabled) as known,
      exists (select 1 ${concerned} and s.legal_hold) as held,
      exists (select 1 ${concerned} and s.site_id <> (
        select site_id from devices where ae_title = ${sourceAe} and room_id is not null)) as elsewhere`
  // A program that may store over the web was let in by its token, and asked there what it may see.
  if (!facts!.known && act.source !== 'web') return 'unknown-sender'
  if (facts!.elsewhere) return 'other-site'
  return note.code === '113039' && facts!.held ? 'held' : null
}

const WITHOUT_EFFECT = {
  held: 'A rejection note says that a retention has expired, of a study that is held. The images stay visible.',
  'unknown-sender':
    'A rejection note came from a device that the department does not know. It is kept and has no effect.',
  'other-site':
    'A rejection note of a scanner names images of another site. It is kept and has no effect: whoever is in charge there withdraws them.',
} as const

async function flagWithoutEffect(
  scope: Scope,
  {
    studyId,
    stored,
    withoutEffect,
  }: { studyId: string; stored: StoredInstance; withoutEffect: WithoutEffect },
): Promise<void> {
  const [study] = await scope.sql<{ site_id: string }[]>`select site_id from studies where id = ${studyId}`
  await raiseException(scope, {
    kind: 'conflict',
    key: `note:${stored.sopInstanceUid}`,
    reasonCode: `rejection-${withoutEffect}`,
    reason: WITHOUT_EFFECT[withoutEffect],
    refs: {
      sopInstanceUid: stored.sopInstanceUid,
      studyInstanceUid: stored.studyUid,
      aeTitle: stored.sourceAe,
    },
    siteId: study!.site_id,
  })
}

export interface Revocation {
  rejectionId: string
  reason: string
  /** Wanted for 113037, rejected for patient safety. */
  secondPerson?: Actor | null
}

/**
 * Takes a rejection back: its instances are seen again unless another rejection stands. Done before: no effect.
 * @throws RadiologyError 'not-found', 'forbidden', 'reason-required', 'second-person-required'
 */
export async function revokeRejection(
  department: Department,
  act: Act,
  { rejectionId, reason, secondPerson = null }: Revocation,
): Promise<void> {
  await mutate(department, act, 'revoke-rejection', async (scope) => {
    const { sql } = scope
    const [found] = await sql<{ study_id: string; code: RejectionCode }[]>`
      select study_id, code from rejections where id = ${rejectionId}`
    if (!found) throw new RadiologyError('not-found', { rejectionId })
    const study = await lockStudy(scope, { studyId: found.study_id })
    const verb = found.code === '113037' ? 'revoke-safety-rejection' : 'revoke-rejection'
    mustBeAble(act.actor, verb, { siteId: study.site_id, reason, secondPerson })
    const [revoked] = await sql<{ instances: string[] }[]>`
      update rejections set revoked_at = ${act.now}, revoked_by = ${act.actor.id}, revoke_reason = ${reason},
        revoked_with = ${secondPerson?.id ?? null}
      where id = ${rejectionId} and revoked_at is null returning instances`
    if (!revoked) return
    for (const [studyId, instances] of await showWhatStands(scope, revoked.instances))
      await studyChanged(scope, {
        studyId,
        type: 'study.revoked',
        code: found.code,
        rejectionId,
        instances,
        tells: true,
      })
  })
}
