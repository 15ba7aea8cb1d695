/**
 * Critical results after they were raised: tried, told with six fields and a read-back, or withdrawn by two. Nothing
 * else ends one, and its order does not close while it is open.
 */
import { MINUTE_MS } from '#domain/calendar.ts'
import {
  type Communication,
  type CriticalEvent,
  type CriticalLevel,
  type CriticalMethod,
  type CriticalRung,
  type CriticalState,
  contactNow,
  criticalDueAt,
  criticalResult,
  missingOf,
} from '#domain/critical-result.ts'
import { RadiologyError } from '#domain/errors.ts'
import { type Actor, mustBeAble, type Subject, type Verb } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { communicators } from '../queries/critical-results.ts'
import { policyOf } from '../queries/policy.ts'
import { ordersOfCriticals, standing } from '../queries/standing-criticals.ts'
import { ulid } from '../ulid.ts'
import { fireCriticalSteps, noteCritical } from './critical-ladder.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { addendumForTold } from './told-addendum.ts'
import { completeBySubject } from './work-items.ts'

export interface AttemptedCall {
  criticalId: string
  method: CriticalMethod
  /** Who was tried, where that is known. */
  recipient?: string | null
}

/** Somebody was tried and did not answer: kept, and the next contact is due to be called. */
export async function attemptCritical(
  department: Department,
  act: Act,
  { criticalId, method, recipient }: AttemptedCall,
): Promise<{ next: CriticalRung }> {
  return mutate(department, act, 'attempt-critical', async (scope) => {
    const critical = await lockCritical(scope, criticalId)
    mayDo(scope, 'document-critical', critical)
    step(critical, 'attempt')
    const tried = await contactOf(scope, criticalId)
    await keepAttempt(scope, critical, { rung: tried, method, recipient, outcome: 'no-answer' })
    await noteCritical(scope, critical.id, {
      type: 'critical.attempted',
      data: { criticalId, step: tried, method },
    })
    return { next: await contactOf(scope, criticalId) }
  })
}

export interface ToldCritical {
  criticalId: string
  /** Who told it; a lead may document what a radiologist has told. Left out: whoever documents it. */
  communicatorId?: string
  recipient: string
  toldAt: Date
  method: CriticalMethod
  readBack: boolean
  /** The radiologist proved again who they are: an addendum that it asks for is signed at once. */
  reauthenticated?: boolean
}

/**
 * Closes it: the six fields and the read-back, appended to the report. A draft or a first word takes the text with its
 * next version; a report that is out gets an addendum, signed here by a radiologist who proved who they are, otherwise
 * opened for its signer. Told again after that, it is kept as an attempt.
 * @throws RadiologyError 'check-failed' (refs.check: the first field that is missing), 'illegal-transition' once withdrawn
 */
export async function communicateCritical(
  department: Department,
  act: Act,
  told: ToldCritical,
): Promise<{ addendum: 'signed' | 'opened' | null }> {
  return mutate(department, act, 'communicate-critical', async (scope) => {
    const critical = await lockCritical(scope, told.criticalId)
    mayDo(scope, 'document-critical', critical)
    const said = {
      ...told,
      communicatorId: await whoMayTell(scope, critical, told.communicatorId ?? act.actor.id),
      toldAt: afterFound(told.toldAt, critical.found_at),
    }
    const missing = missingOf({ ...said, finding: critical.finding, foundAt: critical.found_at }, act.now)
    if (critical.state === 'open' && missing !== null)
      throw new RadiologyError('check-failed', { criticalId: critical.id, check: missing })
    if (!step(critical, 'communicate', { documented: missing === null })) {
      await keepAttempt(scope, critical, { rung: null, ...told, outcome: 'told-again' })
      return { addendum: null }
    }
    await writeDown(scope, critical, said)
    return {
      addendum: await addendumForTold(scope, {
        reportId: await standingReport(scope, critical),
        reauthenticated: told.reauthenticated === true,
      }),
    }
  })
}

// People write down minutes: a call in the minute of the finding came after it.
function afterFound(toldAt: Date, foundAt: Date): Date {
  const before = foundAt.getTime() - toldAt.getTime()
  return before > 0 && before < MINUTE_MS ? foundAt : toldAt
}

type Said = Omit<ToldCritical, 'communicatorId'> & Pick<Communication, 'communicatorId'>

async function writeDown(scope: Scope, critical: CriticalRow, said: Said): Promise<void> {
  const { sql, act } = scope
  const { communicatorId, recipient, toldAt, method, readBack } = said
  await sql`
    update critical_results set state = 'closed', next_step_at = null, ended_at = ${act.now}, ended_by = ${act.actor.id},
      communicator_id = ${communicatorId}, recipient = ${recipient.trim()}, told_at = ${toldAt}, method = ${method},
      read_back = ${readBack}
    where id = ${critical.id}`
  await completeBySubject(scope, { kind: 'critical', subjectId: critical.id })
  await noteCritical(scope, critical.id, {
    type: 'critical.communicated',
    data: {
      ...{ criticalId: critical.id, level: critical.level, method, readBack },
      toldAt: toldAt.toISOString(),
    },
  })
}

async function whoMayTell({ sql }: Scope, { site_id }: CriticalRow, userId: string): Promise<string | null> {
  return (await communicators(sql, site_id)).find(({ id }) => id === userId)?.id ?? null
}

/** Another level: due again from found at; late stays late, and a step that was recorded stays recorded. */
export async function changeCriticalLevel(
  department: Department,
  act: Act,
  { criticalId, level }: { criticalId: string; level: CriticalLevel },
): Promise<void> {
  await mutate(department, act, 'change-critical-level', async (scope) => {
    const critical = await lockCritical(scope, criticalId)
    mayDo(scope, 'raise-critical', critical)
    if (!step(critical, 'change-level', { repeat: critical.level === level })) return
    const dueAt = criticalDueAt(critical.found_at, level, await policyOf(scope.sql, critical.policy_version))
    await scope.sql`
      update critical_results set level = ${level}, level_changes = level_changes + 1, due_at = ${dueAt}
      where id = ${criticalId}`
    await noteCritical(scope, critical.id, {
      type: 'critical.level-changed',
      data: { criticalId, from: critical.level, level, dueAt: dueAt.toISOString() },
    })
    await fireCriticalSteps(scope, critical.order_id)
  })
}

/**
 * Two radiologists say that it was none; it stays on record with who said so and why.
 * @throws RadiologyError 'reason-required', 'second-person-required', 'illegal-transition' once told
 */
export async function withdrawCritical(
  department: Department,
  act: Act,
  { criticalId, reason, secondPerson }: { criticalId: string; reason: string; secondPerson: Actor | null },
): Promise<void> {
  await mutate(department, act, 'withdraw-critical', async (scope) => {
    const critical = await lockCritical(scope, criticalId)
    mayDo(scope, 'withdraw-critical', critical, { reason, secondPerson })
    step(critical, 'withdraw')
    await scope.sql`
      update critical_results set state = 'withdrawn', next_step_at = null, ended_at = ${act.now},
        ended_by = ${act.actor.id}, withdrawn_reason = ${reason}, second_person = ${secondPerson?.id ?? null}
      where id = ${criticalId}`
    await noteCritical(scope, critical.id, {
      type: 'critical.withdrawn',
      data: { criticalId, level: critical.level, second: secondPerson?.id ?? null },
    })
  })
}

interface CriticalRow {
  id: string
  order_id: string
  report_id: string
  site_id: string
  finding: string
  level: CriticalLevel
  found_at: Date
  policy_version: number
  state: CriticalState
}

async function lockCritical(scope: Scope, criticalId: string): Promise<CriticalRow> {
  const { sql } = scope
  const [found] = await sql<Pick<CriticalRow, 'id' | 'order_id' | 'report_id'>[]>`
    select id, order_id, report_id from critical_results where id = ${criticalId}`
  if (!found) throw new RadiologyError('not-found', { criticalId })
  await lockOrders(scope, found)
  // What time made due before this act is on record before it, whether or not a timer has run.
  await fireCriticalSteps(scope, found.order_id)
  const [critical] = await sql<
    CriticalRow[]
  >`select * from critical_results where id = ${criticalId} for update`
  return critical!
}

// An addendum tells every order of the report, so all of them are locked, in id order.
async function lockOrders(
  scope: Scope,
  { id, order_id, report_id }: Pick<CriticalRow, 'id' | 'order_id' | 'report_id'>,
) {
  const standsIn = await standingReport(scope, { id, report_id })
  const rows = await scope.sql<{ id: string }[]>`
    select p.order_id as id from report_procedures rp join procedures p on p.id = rp.procedure_id
    where rp.report_id = any(${[report_id, standsIn]})
    union ${ordersOfCriticals(scope.sql, scope.sql`c.order_id = ${order_id} and (c.state = 'open' or c.id = ${id})`)} order by id`
  for (const { id } of rows) await scope.lockOrder(id)
}

/** Into which the call is written: with its images, it is the one over the exam they are now of, as soon as there is one. */
async function standingReport(
  { sql }: Scope,
  { id, report_id }: Pick<CriticalRow, 'id' | 'report_id'>,
): Promise<string> {
  const [moved] = await sql<{ id: string }[]>`
    select r.id from critical_results c ${standing(sql)} join report_procedures rp on rp.procedure_id = st.to_procedure_id
      join reports r on r.id = rp.report_id
    where c.id = ${id} and r.state <> 'CANCELLED' order by r.id desc limit 1`
  return moved?.id ?? report_id
}

function mayDo({ act }: Scope, verb: Verb, { site_id }: CriticalRow, more: Subject = {}): void {
  mustBeAble(act.actor, verb, { siteId: site_id, ...more })
}

/** What the table says to it; false: nothing changes. */
function step(
  { id, state }: CriticalRow,
  event: CriticalEvent,
  { documented = false, repeat = false } = {},
): boolean {
  const outcome = criticalResult(state, event, { documented, repeat })
  if (outcome.outcome === 'refused')
    throw new RadiologyError(outcome.refusal, { criticalId: id, from: state, event })
  return outcome.outcome === 'changed'
}

async function contactOf({ sql }: Scope, criticalId: string): Promise<CriticalRung> {
  const [row] = await sql<{ recorded: CriticalRung[]; unanswered: CriticalRung[] }[]>`
    select array(select step from critical_steps where critical_id = ${criticalId}) as recorded,
      array(select rung from critical_attempts where critical_id = ${criticalId} and outcome = 'no-answer') as unanswered`
  return contactNow(row!.recorded, row!.unanswered)
}

interface Attempt {
  rung: CriticalRung | null
  method: CriticalMethod
  recipient?: string | null
  outcome: 'no-answer' | 'told-again'
}

async function keepAttempt(
  scope: Scope,
  { id }: CriticalRow,
  { rung, method, recipient, outcome }: Attempt,
): Promise<void> {
  const { sql, act } = scope
  await sql`
    insert into critical_attempts (id, critical_id, at, by, rung, recipient, method, outcome)
    values (${ulid()}, ${id}, ${act.now}, ${act.actor.id}, ${rung}, ${recipient?.trim() || null}, ${method}, ${outcome})`
  scope.announce('list:critical')
}
