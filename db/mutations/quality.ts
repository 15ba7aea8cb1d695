/** The technologist's gate: accepted studies go to reading; rejected images disappear from readers and queries. */
import { RadiologyError } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { tellOfPrior } from './prior-arrived.ts'
import { keepTakes } from './quality-takes.ts'
import { lockStudy, reject } from './rejections.ts'
import { askAboutFirstWords } from './said-before-end.ts'
import { completeHeld, type ItemRow, lockItem } from './work-items.ts'

export interface Acceptance {
  itemId: string
  fence: number
}

/** The same word by the same person once more; another's word, or another word, is nobody's to take for it. */
function isDoneBefore(item: ItemRow, { actor }: Act, verdict: 'accepted' | 'rejected'): boolean {
  const said = item.result as { verdict?: string } | null
  return item.state === 'completed' && item.completed_by === actor.id && said?.verdict === verdict
}

/**
 * Accepts the study of a held quality item: it may go to reading.
 * @throws RadiologyError 'stale-fence' once somebody else has decided it
 */
export async function acceptQuality(
  department: Department,
  act: Act,
  { itemId, fence }: Acceptance,
): Promise<void> {
  await mutate(department, act, 'accept-quality', async (scope) => {
    const item = await lockItem(scope, itemId)
    if (isDoneBefore(item, act, 'accepted')) return
    await mustBeAbleOnItem(scope, 'quality-accept', item)
    if (item.blocked_by) throw new RadiologyError('blocked', { itemId, by: item.blocked_by })
    await completeHeld(scope, item, fence, { verdict: 'accepted' })
    await decide(scope, item, {
      verdict: 'accepted',
      fence,
      reasonCodes: [],
      words: null,
      repeated: false,
      instances: [],
    })
  })
}

export interface Rejection {
  itemId: string
  fence: number
  /** Leaves of the department's reject tree (DICOM CID 7011 or local). */
  reasonCodes: string[]
  words?: string
  /** SOP Instance UIDs; empty: the whole study. */
  instances: string[]
  /** A repeat is made: a new step for the patient, who may still be here. */
  repeated: boolean
}

/**
 * Rejects images with a reason; they leave every list and query at once (113001, rejected for quality reasons,
 * or 113038 when they are another patient's).
 * @throws RadiologyError 'reason-required'
 */
export async function rejectQuality(department: Department, act: Act, rejection: Rejection): Promise<void> {
  if (rejection.reasonCodes.length === 0)
    throw new RadiologyError('reason-required', { itemId: rejection.itemId })
  await mutate(department, act, 'reject-quality', async (scope) => {
    const item = await lockItem(scope, rejection.itemId)
    if (isDoneBefore(item, act, 'rejected')) return
    await mustBeAbleOnItem(scope, 'quality-reject', item, { reason: rejection.reasonCodes.join(' ') })
    await completeHeld(scope, item, rejection.fence, { verdict: 'rejected', repeated: rejection.repeated })
    const instances = await rejectImages(scope, item, rejection)
    await decide(scope, item, {
      ...rejection,
      verdict: 'rejected',
      words: rejection.words ?? null,
      instances,
    })
    await afterRejection(scope, item, rejection)
  })
}

async function rejectImages(scope: Scope, item: ItemRow, rejection: Rejection): Promise<string[]> {
  const study = await lockStudy(scope, { studyId: item.subject_id })
  const all = rejection.instances.length === 0
  const visible = await scope.sql<{ uid: string }[]>`
    select sop_instance_uid as uid from instances where study_id = ${study.id} and rejected_code is null and not is_report
      and (${all} or sop_instance_uid = any(${rejection.instances}))`
  const instances = visible.map(({ uid }) => uid)
  await reject(scope, {
    study,
    code: rejection.reasonCodes.includes('wrong-patient') ? '113038' : '113001',
    instances,
    reasonCodes: rejection.reasonCodes,
    words: rejection.words ?? null,
    // The decision's own event says it.
    tells: false,
  })
  return instances
}

interface Decision {
  verdict: 'accepted' | 'rejected'
  fence: number
  reasonCodes: string[]
  words: string | null
  repeated: boolean
  instances: string[]
}

async function decide(scope: Scope, item: ItemRow, decision: Decision): Promise<void> {
  const { sql, act } = scope
  const { verdict, fence, reasonCodes, words, repeated, instances } = decision
  const decisionId = ulid()
  await sql`
    insert into quality_decisions (id, study_id, order_id, item_id, cycle, verdict, reason_codes, words, repeated, instances, fence, by, at)
    values (${decisionId}, ${item.subject_id}, ${item.order_id}, ${item.id}, ${item.cycle}, ${verdict}, ${reasonCodes}, ${words},
      ${repeated}, ${instances}, ${fence}, ${act.actor.id}, ${act.now})`
  if (verdict === 'accepted') await tellOfPrior(scope, item.subject_id)
  await keepTakes(scope, { decisionId, studyId: item.subject_id, rejected: instances })
  for (const orderId of await ordersOfStudy(scope, item.subject_id)) {
    scope.append(orderId, {
      type: verdict === 'accepted' ? 'quality.accepted' : 'quality.rejected',
      data: {
        studyId: item.subject_id,
        cycle: item.cycle,
        reasonCodes,
        instances: instances.length,
        repeated,
      },
    })
  }
}

// A study of several orders (grouped procedures) tells each of them; locks are taken in id order.
async function ordersOfStudy(scope: Scope, studyId: string): Promise<string[]> {
  const rows = await scope.sql<{ order_id: string }[]>`
    select distinct order_id from study_links where study_id = ${studyId} and undone_at is null order by order_id`
  return rows.map((row) => row.order_id)
}

// Section 3, row 10: "repeat" makes a new step; without one, what is left is accepted, and nothing left ends the procedure.
async function afterRejection(scope: Scope, item: ItemRow, rejection: Rejection): Promise<void> {
  const { sql, act } = scope
  const [left] = await sql<{ n: number }[]>`
    select count(*) as n from instances where study_id = ${item.subject_id} and rejected_code is null and not is_report`
  const procedures = await sql<{ id: string; order_id: string }[]>`
    select p.id, p.order_id from study_links l join procedures p on p.id = l.procedure_id
    where l.study_id = ${item.subject_id} and l.undone_at is null and p.end_kind is null order by p.order_id, p.position`
  if (rejection.repeated) {
    if (procedures[0]) await makeRetake(scope, procedures[0])
    return
  }
  if (left!.n > 0) return
  for (const procedure of procedures) {
    await sql`
      update procedures set end_kind = 'discontinued', ended_at = ${act.now}, end_reason = 'rejected' where id = ${procedure.id}`
    scope.append(procedure.order_id, {
      type: 'procedure.ended',
      data: { procedureId: procedure.id, end: 'discontinued', reason: 'rejected' },
    })
  }
  await askAboutFirstWords(
    scope,
    procedures.map(({ id }) => id),
  )
}

/** A further step of the procedure, as its last one was; null when it has none. */
export async function makeRetake(
  scope: Scope,
  procedure: { id: string; order_id: string },
): Promise<string | null> {
  const [made] = await scope.sql<{ id: string }[]>`
    insert into steps (id, procedure_id, order_id, step_number, status, modality, room_id, protocol_code, protocol_name,
      protocol_id, protocol_version, retake_of, retake_asked_at, planned_since)
    select ${ulid()}, procedure_id, order_id, 'SPS' || lpad(nextval('step_numbers')::text, 6, '0'), 'planned', modality,
      room_id, protocol_code, protocol_name, protocol_id, protocol_version, id, ${scope.act.now}, ${scope.act.now}
    from steps where procedure_id = ${procedure.id} order by planned_start desc nulls last limit 1 returning id`
  return made?.id ?? null
}

/**
 * Lets an incomplete study go on as it is, with a reason; readers see what is missing for ever.
 * @throws RadiologyError 'illegal-transition' when its verdict is not incomplete
 */
export async function acceptIncomplete(
  department: Department,
  act: Act,
  { itemId, fence, reason }: Acceptance & { reason: string },
): Promise<void> {
  if (!reason) throw new RadiologyError('reason-required', { itemId })
  await mutate(department, act, 'accept-incomplete', async (scope) => {
    const item = await lockItem(scope, itemId)
    await mustBeAbleOnItem(scope, 'complete-study', item)
    await completeHeld(scope, item, fence, { accepted: true, reason })
    const [study] = await scope.sql<{ completeness_missing: number }[]>`
      update studies set incomplete_accepted_at = ${act.now}
      where id = ${item.subject_id} and completeness = 'incomplete' returning completeness_missing`
    if (!study)
      throw new RadiologyError('illegal-transition', { studyId: item.subject_id, event: 'accept-incomplete' })
    for (const orderId of await ordersOfStudy(scope, item.subject_id)) {
      scope.append(orderId, {
        type: 'completeness.decided',
        data: {
          studyId: item.subject_id,
          verdict: 'incomplete',
          missing: study.completeness_missing,
          evidence: ['accepted'],
        },
      })
    }
  })
}
