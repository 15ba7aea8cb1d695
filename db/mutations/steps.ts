/** What happens to a scheduled step at the scanner's door: arrival, its undoing, begin and end on our own screen. */
import { localDate } from '#domain/calendar.ts'
import { RadiologyError } from '#domain/errors.ts'
import type { EventType } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { takeWithBegin } from './exam-hands.ts'
import { answerByRetake } from './made-retakes.ts'
import { uuidUid } from './minting.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnOrder } from './permission.ts'
import { type LockedStep, lockStep } from './scheduling.ts'

/** The patient is here; with no open safety gate the step is ready at once. Repeated: no effect. */
export async function arrive(
  department: Department,
  act: Act,
  { stepId }: { stepId: string },
): Promise<void> {
  await mutate(department, act, 'arrive', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 'arrive-step', step.order_id)
    if (['arrived', 'ready', 'started'].includes(step.status)) return
    refuseUnless(step, ['planned', 'scheduled', 'no-show'], 'arrive')
    if (step.status === 'no-show') await mustBeOfToday(scope, step)
    await scope.sql`update steps set status = 'ready', arrived_at = ${act.now} where id = ${stepId}`
    scope.append(
      step.order_id,
      { type: 'step.arrived', data: { stepId } },
      { type: 'step.ready', data: { stepId } },
    )
  })
}

// Who comes after all, but on another day, is booked anew.
async function mustBeOfToday({ sql, act }: Scope, step: LockedStep): Promise<void> {
  const [site] = await sql<{ zone: string }[]>`select zone from sites where id = ${step.site_id}`
  if (step.planned_start && localDate(site!.zone, step.planned_start) !== localDate(site!.zone, act.now))
    throw new RadiologyError('illegal-transition', { stepId: step.id, from: step.status, event: 'arrive' })
}

/** Takes an arrival back, while nothing has begun. */
export async function undoArrive(
  department: Department,
  act: Act,
  { stepId }: { stepId: string },
): Promise<void> {
  await mutate(department, act, 'undo-arrive', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 'undo-arrive', step.order_id)
    if (step.status === 'scheduled' || step.status === 'planned') return
    refuseUnless(step, ['arrived', 'ready'], 'undo-arrive')
    const back = step.planned_start ? 'scheduled' : 'planned'
    await scope.sql`
      update steps set status = ${back}, arrived_at = null, undone_arrivals = undone_arrivals + 1 where id = ${stepId}`
    scope.append(step.order_id, {
      type: back === 'scheduled' ? 'step.scheduled' : 'step.unscheduled',
      data: { stepId, reason: 'undo-arrive', ...(step.room_id ? { roomId: step.room_id } : {}) },
    })
  })
}

/**
 * Begin on our screen, for devices that send no MPPS; two screens: the second sees that it has begun.
 * @param roomId where the screen stands: a walk-in without a room is on that table and no other
 */
export async function beginStep(
  department: Department,
  act: Act,
  { stepId, roomId = null }: { stepId: string; roomId?: string | null },
): Promise<void> {
  await mutate(department, act, 'begin-step', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 'begin-exam', step.order_id)
    if (step.status === 'started') return
    refuseUnless(step, ['planned', 'scheduled', 'arrived', 'ready'], 'begin')
    const performedStepId = await inferPerformedStep(scope, { step, startedAt: act.now, stationAe: '' })
    await startStep(scope, step, { performedStepId, inferred: true })
    if (roomId && !step.room_id) await standIn(scope, step, roomId)
    await takeWithBegin(scope, stepId)
  })
}

async function standIn({ sql }: Scope, { id, site_id }: LockedStep, roomId: string): Promise<void> {
  await sql`
    update steps set room_id = (select id from rooms where id = ${roomId} and site_id = ${site_id}) where id = ${id}`
}

/**
 * "End exam": evidence that nothing more will come. Ends every performed step of the step that is still in progress,
 * marked as inferred (PS3.4 F.7.2.2.3 lets the SCP do so); a later N-SET of the modality is then answered 0110.
 */
export async function endExam(
  department: Department,
  act: Act,
  { stepId }: { stepId: string },
): Promise<void> {
  await mutate(department, act, 'end-exam', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 'end-exam', step.order_id)
    if (step.status === 'departed') return
    refuseUnless(step, ['started'], 'end')
    await scope.sql`
      update studies set end_exam_at = coalesce(end_exam_at, ${act.now}), completeness_recheck_at = ${act.now}
      where study_uid = ${step.study_uid}`
    await endOpenPerformedSteps(scope, step, act.now)
    await departWhenDone(scope, step.order_id, stepId)
  })
}

async function endOpenPerformedSteps(scope: Scope, step: LockedStep, at: Date): Promise<void> {
  const ended = await scope.sql<{ id: string }[]>`
    update performed_steps ps set status = 'COMPLETED', ended_at = ${at}, end_inferred = true
    from performed_step_links l
    where l.performed_step_id = ps.id and l.step_id = ${step.id} and ps.status = 'IN PROGRESS' returning ps.id`
  for (const { id } of ended) {
    scope.append(step.order_id, {
      type: 'performed-step.ended',
      data: { performedStepId: id, stepIds: [step.id], status: 'COMPLETED', named: 0, inferred: true },
    })
  }
}

/** A performed step made by us, because a screen or a first image said so and no MPPS did (not announced yet). */
export async function inferPerformedStep(
  scope: Scope,
  { step, startedAt, stationAe }: { step: LockedStep; startedAt: Date; stationAe: string },
): Promise<string> {
  const { sql } = scope
  const id = ulid()
  await sql`
    insert into performed_steps (id, sop_instance_uid, site_id, device_id, station_ae, status, started_at, start_inferred,
      inferred, study_uid, received_at)
    values (${id}, ${uuidUid()}, ${step.site_id}, (select id from devices where ae_title = ${stationAe}), ${stationAe},
      'IN PROGRESS', ${startedAt}, true, true, ${step.study_uid}, ${scope.act.now})`
  await sql`insert into performed_step_links values (${id}, ${step.id})`
  scope.append(step.order_id, {
    type: 'performed-step.begun',
    data: { performedStepId: id, stepIds: [step.id], status: 'IN PROGRESS', inferred: true },
  })
  return id
}

/** Moves a step to started (section 2.2, "begin"); an arrival nobody entered is inferred. */
export async function startStep(
  scope: Scope,
  step: LockedStep,
  { performedStepId, inferred }: { performedStepId: string; inferred: boolean },
): Promise<void> {
  const cameUnannounced = ['planned', 'scheduled', 'no-show'].includes(step.status)
  const [changed] = await scope.sql`
    update steps set status = 'started', status_before_begin = status,
      arrived_at = coalesce(arrived_at, ${scope.act.now}), arrival_inferred = arrival_inferred or ${cameUnannounced}
    where id = ${step.id} and status in ('planned', 'scheduled', 'arrived', 'ready', 'no-show', 'discontinued') returning id`
  if (!changed) return
  if (cameUnannounced)
    scope.append(step.order_id, { type: 'step.arrived', data: { stepId: step.id, inferred: true } })
  scope.append(step.order_id, { type: 'step.started', data: { stepId: step.id, performedStepId, inferred } })
}

/** Departs a started step once all its performed steps are final and one is COMPLETED or was judged usable. */
export async function departWhenDone(scope: Scope, orderId: string, stepId: string): Promise<void> {
  const [changed] = await scope.sql`
    update steps set status = 'departed'
    where id = ${stepId} and status in ('started', 'discontinued')
      and not exists (select 1 from performed_step_links l join performed_steps p on p.id = l.performed_step_id
        where l.step_id = steps.id and p.status = 'IN PROGRESS')
      and exists (select 1 from performed_step_links l join performed_steps p on p.id = l.performed_step_id
        where l.step_id = steps.id and (p.status = 'COMPLETED' or p.decision = 'usable'))
    returning id`
  if (!changed) return
  scope.append(orderId, { type: 'step.departed', data: { stepId } })
  await answerByRetake(scope, stepId)
}

/** The event that says where a step stands again. */
export const TOLD_AS: Readonly<Record<string, EventType>> = {
  planned: 'step.unscheduled',
  scheduled: 'step.scheduled',
  arrived: 'step.arrived',
  ready: 'step.ready',
  'no-show': 'step.no-show',
  discontinued: 'step.discontinued',
}

/**
 * What was scanned for a step was another's: it goes back to where it stood before (section 2.2, "move to another
 * step"), unless a further exam was made for it. Returns where it stands now; null: nothing changed.
 */
export async function takeBackBegin(scope: Scope, step: LockedStep): Promise<string | null> {
  const { sql } = scope
  if (!['started', 'departed', 'discontinued'].includes(step.status)) return null
  const [other] = await sql`select 1 from performed_step_links where step_id = ${step.id} limit 1`
  if (other) {
    await departWhenDone(scope, step.order_id, step.id)
    return null
  }
  const [procedure] = await sql<{ over: boolean }[]>`
    select end_kind is not null as over from procedures where id = ${step.procedure_id}`
  const before = step.status_before_begin ?? (step.planned_start ? 'scheduled' : 'planned')
  // An ended procedure has no step that could still be done.
  const back = procedure!.over ? 'discontinued' : before
  const wasAbsent = ['planned', 'scheduled', 'no-show'].includes(back)
  // Somebody else may have been given the slot meanwhile: the time stays written, the room is theirs.
  await sql`
    update steps s set status = ${back}, undone_begins = undone_begins + 1, voided = false,
      arrived_at = case when arrival_inferred and ${wasAbsent} then null else arrived_at end,
      arrival_inferred = arrival_inferred and not ${wasAbsent},
      planned_end = case when exists (select 1 from steps o where o.room_id = s.room_id and o.id <> s.id
          and o.status in ('scheduled', 'arrived', 'ready') and o.planned_end is not null
          and tstzrange(o.planned_start, o.planned_end) && tstzrange(s.planned_start, s.planned_end))
        then null else planned_end end
    where id = ${step.id}`
  scope.append(step.order_id, {
    type: TOLD_AS[back] ?? 'step.unscheduled',
    data: { stepId: step.id, reason: 'moved', ...(step.room_id ? { roomId: step.room_id } : {}) },
  })
  return back
}

function refuseUnless(step: LockedStep, allowed: readonly string[], event: string): void {
  if (allowed.includes(step.status)) return
  if (step.status === 'cancelled') throw new RadiologyError('order-ended', { stepId: step.id, event })
  if (step.status === 'started') throw new RadiologyError('procedure-begun', { stepId: step.id, event })
  throw new RadiologyError('illegal-transition', { stepId: step.id, from: step.status, event })
}
