/** Modality Performed Procedure Step as the department records it (PS3.4 F.7): begun, updated, ended, never revived. */
import { RadiologyError } from '#domain/errors.ts'
import { stoppedBranch, takenByRule } from '#domain/performed-step.ts'
import type { Department } from '../department.ts'
import type { NumberSaid } from '../queries/corrections.ts'
import { ulid } from '../ulid.ts'
import { askIfAnothers, noLongerAnothers } from './another-patient.ts'
import { raiseException } from './exceptions.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { endNotBegun } from './orders.ts'
import { mustBeAbleOnOrder } from './permission.ts'
import { askAboutFirstWords } from './said-before-end.ts'
import { type LockedStep, lockStep } from './scheduling.ts'
import { departWhenDone, startStep, TOLD_AS } from './steps.ts'
import { linkByPerformedSteps } from './study-links.ts'

/** What N-CREATE says, free of its wire. */
export interface PerformedStepBegun {
  sopInstanceUid: string
  stationAe: string
  studyUid: string
  /** Scheduled Step Attributes Sequence (0040,0270), one entry per scheduled step; empty: nothing was scheduled on the scanner. */
  scheduled: { stepNumber: string; accession: string; studyUid: string }[]
  startedAt: Date
  /** DICOM JSON of the data set as received. */
  dataset: unknown
}

export interface PerformedStepChange {
  sopInstanceUid: string
  status?: 'IN PROGRESS' | 'COMPLETED' | 'DISCONTINUED'
  endedAt?: Date
  /** (0040,0281) */
  reasonCode?: string
  /** (0040,0340) Performed Series Sequence: what was made. */
  series: { seriesUid: string; instances: string[] }[]
  dataset: unknown
}

/**
 * N-CREATE. Returns 'duplicate' when the SOP Instance UID is already known (0x0111); otherwise the step is begun:
 * matched by step number, then Study Instance UID, then accession; without a match it is unscheduled and flagged.
 */
export async function beginPerformedStep(
  department: Department,
  act: Act,
  begun: PerformedStepBegun,
): Promise<'created' | 'duplicate'> {
  return mutate(department, act, 'mpps-create', async (scope) => {
    const { stepIds, unmatched } = await matchSteps(scope, begun)
    const steps: LockedStep[] = []
    for (const id of stepIds) steps.push(await lockStep(scope, id))
    const performedStepId = await insertOrAdopt(scope, begun, steps)
    if (!performedStepId) return 'duplicate'
    for (const step of steps) {
      await scope.sql`insert into performed_step_links values (${performedStepId}, ${step.id}) on conflict do nothing`
    }
    for (const [orderId, own] of byOrder(steps)) {
      scope.append(orderId, {
        type: 'performed-step.begun',
        refs: { sopInstanceUid: begun.sopInstanceUid },
        data: {
          performedStepId,
          stepIds: own.map((step) => step.id),
          status: 'IN PROGRESS',
          inferred: false,
        },
      })
      for (const step of own) await beginOne(scope, step, performedStepId)
      const [{ study_uid: studyUid, site_id: siteId }] = own as [LockedStep]
      await askIfAnothers(scope, { studyUid, orderId, siteId }, numberIn(begun.dataset))
    }
    await linkStored(scope, begun)
    if (steps.length === 0) await flagUnscheduled(scope, begun)
    else for (const { studyUid } of unmatched) await flagUnscheduled(scope, { ...begun, studyUid })
    return 'created'
  })
}

// Images may have come before it was said for whom they are made.
async function linkStored(scope: Scope, { studyUid }: PerformedStepBegun): Promise<void> {
  const [study] = await scope.sql<{ id: string }[]>`select id from studies where study_uid = ${studyUid}`
  if (study) await linkByPerformedSteps(scope, study.id, studyUid)
}

async function beginOne(scope: Scope, step: LockedStep, performedStepId: string): Promise<void> {
  if (step.status === 'cancelled') return raiseCancelledButScanned(scope, step)
  if (step.status === 'departed') {
    await scope.sql`update steps set status = 'started' where id = ${step.id}`
    scope.append(step.order_id, {
      type: 'step.started',
      data: { stepId: step.id, performedStepId, inferred: false },
    })
    return
  }
  await startStep(scope, step, { performedStepId, inferred: false })
}

/** Steps of every item, each by its step number, else its study, else its accession; and the items without any. */
async function matchSteps(scope: Scope, begun: PerformedStepBegun): Promise<Matched> {
  const unmatched: ScheduledItem[] = []
  const found = new Map<string, string>()
  // Without an item, the study that was performed may still be one that we gave out.
  const items =
    begun.scheduled.length > 0
      ? begun.scheduled
      : [{ stepNumber: '', accession: '', studyUid: begun.studyUid }]
  for (const item of items) {
    const steps = await stepsOf(scope, item, begun)
    if (steps.length === 0) unmatched.push(item)
    for (const { id, orderId } of steps) found.set(id, orderId)
  }
  // Locks are taken in this order by everybody.
  const inOrder = [...found].sort(([a, orderA], [b, orderB]) => (orderA + a < orderB + b ? -1 : 1))
  return { stepIds: inOrder.map(([id]) => id), unmatched }
}

type ScheduledItem = PerformedStepBegun['scheduled'][number]

interface Matched {
  stepIds: string[]
  unmatched: ScheduledItem[]
}

interface FoundStep {
  id: string
  orderId: string
  status: string
}

async function stepsOf(
  { sql }: Scope,
  { stepNumber, studyUid, accession }: ScheduledItem,
  begun: PerformedStepBegun,
): Promise<FoundStep[]> {
  const byNumber = stepNumber
    ? await sql<FoundStep[]>`
        select id, order_id as "orderId", status from steps where step_number = ${stepNumber}`
    : []
  if (byNumber.length > 0) return byNumber
  const byStudy = studyUid
    ? await sql<FoundStep[]>`
        select s.id, s.order_id as "orderId", s.status from steps s join procedures p on p.id = s.procedure_id
        where p.study_uid = ${studyUid} order by s.id`
    : []
  if (byStudy.length > 0 || !accession) return stillToDo(byStudy)
  const byAccession = await sql<(FoundStep & { ofPatient: boolean; ofSite: boolean })[]>`
    select s.id, s.order_id as "orderId", s.status,
      exists (select 1 from patient_identifiers i where i.patient_id = o.patient_id
        and i.value = ${numberIn(begun.dataset).patientId}) as "ofPatient",
      o.site_id = (select site_id from devices where ae_title = ${begun.stationAe}) as "ofSite"
    from steps s join orders o on o.id = s.order_id where o.accession = ${accession} order by s.id`
  return stillToDo(ofOneOrder(byAccession))
}

// What is over already is not done again while something of it waits, and what was given up only if there is nothing else.
function stillToDo(steps: readonly FoundStep[]): FoundStep[] {
  const over = ['departed', 'discontinued', 'cancelled']
  const ranks = steps.map(({ status }) => Math.max(0, over.indexOf(status) + 1))
  return steps.filter((_, n) => ranks[n] === Math.min(...ranks))
}

/**
 * Accession numbers of two issuers may be the same: the patient whom the scanner names decides, then its site. Where
 * neither does, nobody's exam has begun and somebody is asked.
 */
function ofOneOrder<Found extends FoundStep & { ofPatient: boolean; ofSite: boolean }>(
  found: readonly Found[],
): Found[] {
  const circles = [found, found.filter((one) => one.ofPatient), found.filter((one) => one.ofSite)]
  const circle = circles.find((steps) => new Set(steps.map(({ orderId }) => orderId)).size === 1)
  return [...(circle ?? [])]
}

/** Patient ID and its issuer of the data set as received. */
function numberIn(dataset: unknown): NumberSaid {
  const said = (tag: string) => {
    const value = (dataset as Record<string, { Value?: unknown[] }> | null)?.[tag]?.Value?.[0]
    return typeof value === 'string' ? value : ''
  }
  return { patientId: said('00100020'), issuer: said('00100021') }
}

// Images that came first made an inferred performed step; the MPPS they announced takes its place.
async function insertOrAdopt(
  { sql, act }: Scope,
  begun: PerformedStepBegun,
  steps: LockedStep[],
): Promise<string | null> {
  const [known] = await sql`select 1 from performed_steps where sop_instance_uid = ${begun.sopInstanceUid}`
  if (known) return null
  const [adopted] = await sql<{ id: string }[]>`
    update performed_steps set sop_instance_uid = ${begun.sopInstanceUid}, inferred = false, start_inferred = false,
      started_at = ${begun.startedAt}, station_ae = ${begun.stationAe}, dataset = ${sql.json(begun.dataset as never)}
    where id = (select l.performed_step_id from performed_step_links l join performed_steps p on p.id = l.performed_step_id
      where l.step_id = any(${steps.map((step) => step.id)}) and p.inferred and p.status = 'IN PROGRESS' limit 1)
    returning id`
  if (adopted) return adopted.id
  const id = ulid()
  const inserted = await sql`
    insert into performed_steps (id, sop_instance_uid, site_id, device_id, station_ae, status, started_at, study_uid, dataset, received_at)
    values (${id}, ${begun.sopInstanceUid}, ${await siteOf(sql, begun.stationAe, steps)},
      (select id from devices where ae_title = ${begun.stationAe}), ${begun.stationAe}, 'IN PROGRESS', ${begun.startedAt},
      ${begun.studyUid}, ${sql.json(begun.dataset as never)}, ${act.now})
    on conflict (sop_instance_uid) do nothing returning id`
  return inserted.length > 0 ? id : null
}

async function siteOf(sql: Scope['sql'], ae: string, steps: LockedStep[]): Promise<string> {
  if (steps[0]) return steps[0].site_id
  const [row] = await sql<{ site_id: string }[]>`
    select site_id from devices where ae_title = ${ae} union all (select id from sites order by id limit 1) limit 1`
  return row!.site_id
}

/**
 * N-SET: data while IN PROGRESS, or the end. Returns 'unknown' (0x0112) or 'final' (0x0110, nothing changed).
 * Naming instances (0040,0340) is evidence of completeness.
 */
export async function changePerformedStep(
  department: Department,
  act: Act,
  change: PerformedStepChange,
): Promise<'changed' | 'unknown' | 'final'> {
  return mutate(department, act, 'mpps-set', async (scope) => {
    const { sql } = scope
    const [found] = await sql<{ id: string }[]>`
      select id from performed_steps where sop_instance_uid = ${change.sopInstanceUid}`
    if (!found) return 'unknown'
    const steps = await lockStepsOf(scope, found.id)
    const status = change.status ?? 'IN PROGRESS'
    const [row] = await sql<{ id: string; study_uid: string; reason_code: string | null }[]>`
      update performed_steps set status = ${status}, dataset = dataset || ${sql.json(change.dataset as never)},
        ended_at = ${status === 'IN PROGRESS' ? null : (change.endedAt ?? act.now)},
        reason_code = coalesce(${change.reasonCode ?? null}, reason_code)
      where id = ${found.id} and status = 'IN PROGRESS' returning id, study_uid, reason_code`
    if (!row) return 'final'
    const named = await nameInstances(scope, { ...row, series: change.series })
    await announceChange(scope, { performedStepId: row.id, steps, change, status, named })
    if (status !== 'IN PROGRESS')
      await endSteps(scope, steps, { ...row, status, reasonCode: row.reason_code ?? undefined })
    return 'changed'
  })
}

async function lockStepsOf(scope: Scope, performedStepId: string): Promise<LockedStep[]> {
  const ids = await scope.sql<{ step_id: string }[]>`
    select l.step_id from performed_step_links l join steps s on s.id = l.step_id
    where l.performed_step_id = ${performedStepId} order by s.order_id, s.id`
  const steps: LockedStep[] = []
  for (const { step_id } of ids) steps.push(await lockStep(scope, step_id))
  return steps
}

async function nameInstances(
  { sql }: Scope,
  { id, study_uid, series }: { id: string; study_uid: string; series: PerformedStepChange['series'] },
): Promise<number> {
  const rows = series.flatMap(({ seriesUid, instances }) => instances.map((uid) => ({ seriesUid, uid })))
  if (rows.length === 0) return 0
  await sql`
    insert into named_instances (study_uid, sop_instance_uid, series_uid, performed_step_id)
    select ${study_uid}, uid, series_uid, ${id}
    from unnest(${rows.map((row) => row.uid)}::text[], ${rows.map((row) => row.seriesUid)}::text[]) as t(uid, series_uid)
    on conflict do nothing`
  await sql`update studies set completeness_recheck_at = ${new Date(0)} where study_uid = ${study_uid}`
  return rows.length
}

interface Announced {
  performedStepId: string
  steps: LockedStep[]
  change: PerformedStepChange
  status: string
  named: number
}

async function announceChange(
  scope: Scope,
  { performedStepId, steps, change, status, named }: Announced,
): Promise<void> {
  for (const [orderId, own] of byOrder(steps)) {
    scope.append(orderId, {
      type: status === 'IN PROGRESS' ? 'performed-step.updated' : 'performed-step.ended',
      refs: { sopInstanceUid: change.sopInstanceUid },
      data: {
        performedStepId,
        stepIds: own.map((step) => step.id),
        status,
        named,
        inferred: false,
        ...(change.reasonCode ? { reasonCode: change.reasonCode } : {}),
      },
    })
  }
}

async function endSteps(
  scope: Scope,
  steps: LockedStep[],
  ended: { id: string; study_uid: string; status: string; reasonCode?: string },
): Promise<void> {
  await scope.sql`update studies set completeness_recheck_at = ${new Date(0)} where study_uid = ${ended.study_uid}`
  for (const step of steps) {
    if (ended.status === 'COMPLETED') await departWhenDone(scope, step.order_id, step.id)
    else await stopStep(scope, step, ended)
  }
}

// 110514 "incorrect worklist entry selected" (DCM): the step was never this patient's; it goes back where it was.
async function stopStep(
  scope: Scope,
  step: LockedStep,
  ended: { id: string; study_uid: string; reasonCode?: string },
): Promise<void> {
  if (ended.reasonCode === '110514') {
    await scope.sql`update performed_steps set decision = 'wrong-entry', decided_at = ${scope.act.now} where id = ${ended.id}`
    await takeBackWrongEntry(scope, step)
    await noLongerAnothers(scope, { studyUid: step.study_uid, orderId: step.order_id })
    await raiseException(scope, {
      kind: 'unmatched-study',
      key: `study:${ended.study_uid}`,
      reasonCode: '110514',
      reason: 'The modality stopped this exam as a wrong worklist entry: its images belong to somebody else.',
      refs: { studyInstanceUid: ended.study_uid, stepId: step.id },
      orderId: step.order_id,
      siteId: step.site_id,
    })
    return
  }
  // Another of its exams may have come to its end before.
  await departWhenDone(scope, step.order_id, step.id)
  const [facts] = await scope.sql<{ isOpen: boolean; images: number; stopAsked: boolean }[]>`
    select s.status = 'started' and not exists (select 1 from performed_step_links l
        join performed_steps p on p.id = l.performed_step_id where l.step_id = s.id and p.status <> 'DISCONTINUED') as "isOpen",
      coalesce((select stored_count from studies where study_uid = ${ended.study_uid}), 0)
        + (select count(*)::int from named_instances where performed_step_id = ${ended.id}) as images,
      (select stop_asked_at is not null from orders where id = s.order_id) as "stopAsked"
    from steps s where s.id = ${step.id}`
  const reasonCode = ended.reasonCode ?? null
  // Whoever ordered it asked to stop (ORC-1 DC): without images that is what happens, whatever the scanner says why.
  const isAsked = facts!.images === 0 && facts!.stopAsked
  // With images, or for a reason that says nothing, a technologist decides: usable, book again, or end.
  if (!facts!.isOpen || !(isAsked || takenByRule({ reasonCode, storedInstances: facts!.images }))) return
  const branch = isAsked ? 'end-order' : stoppedBranch(reasonCode)
  const decision = branch === 'end-order' ? 'end-exam' : 'book-again'
  await scope.sql`
    update performed_steps set decision = ${decision}, decided_at = ${scope.act.now} where id = ${ended.id} and decision is null`
  await carryOut(scope, step, decision)
  if (branch === 'ask-placer') await askPlacer(scope, step, reasonCode!)
}

/** What was made for it under another performed step stays made; without any it stands as before its begin. */
async function takeBackWrongEntry(scope: Scope, step: LockedStep): Promise<void> {
  const { sql } = scope
  const [other] = await sql`
    select 1 from performed_step_links l join performed_steps p on p.id = l.performed_step_id
    where l.step_id = ${step.id} and p.decision is distinct from 'wrong-entry' limit 1`
  if (other) return departWhenDone(scope, step.order_id, step.id)
  const [back] = await sql<{ status: string }[]>`
    update steps set status = coalesce(status_before_begin, 'scheduled'), undone_begins = undone_begins + 1
    where id = ${step.id} and status = 'started' returning status`
  if (!back) return
  scope.append(step.order_id, {
    type: TOLD_AS[back.status] ?? 'step.scheduled',
    data: { stepId: step.id, reason: '110514' },
  })
  const [asked] = await sql`select 1 from orders where id = ${step.order_id} and stop_asked_at is not null`
  // Nothing of it was ever done, and whoever ordered it doesn't want it.
  if (asked) await endNotBegun(scope, step.order_id)
}

async function askPlacer(scope: Scope, step: LockedStep, reasonCode: string): Promise<void> {
  await raiseException(scope, {
    kind: 'conflict',
    key: `stopped:${step.id}`,
    reasonCode,
    reason:
      'The modality stopped this exam because its order looks wrong. Ask who placed it before it is booked again.',
    refs: { stepId: step.id },
    orderId: step.order_id,
    siteId: step.site_id,
  })
}

export type StoppedDecision = 'usable' | 'book-again' | 'end-exam'

/**
 * The technologist's word on a stopped exam: its images are usable, it is booked again, or it ends here.
 * @throws RadiologyError 'illegal-transition' when it was not stopped or is decided already; 'order-ended' for one that
 * is to be booked again though whoever ordered it asked to stop it
 */
export async function decideStopped(
  department: Department,
  act: Act,
  { performedStepId, decision }: { performedStepId: string; decision: StoppedDecision },
): Promise<void> {
  await mutate(department, act, 'decide-stopped', async (scope) => {
    const { sql } = scope
    const steps = await lockStepsOf(scope, performedStepId)
    if (steps.length === 0) throw new RadiologyError('not-found', { performedStepId })
    for (const step of steps) await mustBeAbleOnOrder(scope, 'decide-exam', step.order_id)
    if (decision === 'book-again') await mustBeWanted(scope, steps)
    const [decided] = await sql`
      update performed_steps set decision = ${decision}, decided_at = ${act.now}
      where id = ${performedStepId} and status = 'DISCONTINUED' and decision is null returning id`
    if (!decided) throw new RadiologyError('illegal-transition', { performedStepId, event: 'decide' })
    for (const step of steps) await carryOut(scope, step, decision)
  })
}

async function mustBeWanted({ sql }: Scope, steps: readonly LockedStep[]): Promise<void> {
  const [asked] = await sql<{ id: string }[]>`
    select id from orders where id = any(${steps.map(({ order_id }) => order_id)}) and stop_asked_at is not null`
  if (asked) throw new RadiologyError('order-ended', { orderId: asked.id, event: 'book-again' })
}

async function carryOut(scope: Scope, step: LockedStep, decision: StoppedDecision): Promise<void> {
  const { sql, act } = scope
  if (decision === 'usable') return departWhenDone(scope, step.order_id, step.id)
  await sql`update steps set status = 'discontinued' where id = ${step.id} and status in ('started', 'discontinued')`
  scope.append(step.order_id, { type: 'step.discontinued', data: { stepId: step.id, reason: decision } })
  if (decision === 'end-exam') {
    await sql`
      update procedures set end_kind = 'discontinued', ended_at = ${act.now}, end_reason = 'end-exam'
      where id = ${step.procedure_id} and end_kind is null`
    scope.append(step.order_id, {
      type: 'procedure.ended',
      data: { procedureId: step.procedure_id, end: 'discontinued', reason: 'end-exam' },
    })
    await askAboutFirstWords(scope, [step.procedure_id])
    return endNotBegun(scope, step.order_id)
  }
  await sql`
    insert into steps (id, procedure_id, order_id, step_number, status, modality, protocol_code, protocol_name, protocol_id,
      protocol_version, planned_since)
    select ${ulid()}, procedure_id, order_id, 'SPS' || lpad(nextval('step_numbers')::text, 6, '0'), 'planned', modality,
      protocol_code, protocol_name, protocol_id, protocol_version, ${act.now} from steps where id = ${step.id}`
}

async function raiseCancelledButScanned(scope: Scope, step: LockedStep): Promise<void> {
  await raiseException(scope, {
    kind: 'conflict',
    key: `cancelled-but-scanned:${step.id}`,
    reasonCode: 'order-ended',
    reason: 'A modality began an exam whose order was cancelled. The images are kept; decide what they are.',
    refs: { stepId: step.id, studyInstanceUid: step.study_uid },
    orderId: step.order_id,
    siteId: step.site_id,
  })
}

async function flagUnscheduled(scope: Scope, begun: PerformedStepBegun): Promise<void> {
  await raiseException(scope, {
    kind: 'unmatched-study',
    key: `study:${begun.studyUid}`,
    reasonCode: 'unscheduled',
    reason: 'A modality began an exam that no order asked for. Link it to its order or make one.',
    refs: { studyInstanceUid: begun.studyUid, aeTitle: begun.stationAe },
    siteId: await siteOf(scope.sql, begun.stationAe, []),
  })
}

function byOrder(steps: LockedStep[]): Map<string, LockedStep[]> {
  const orders = new Map<string, LockedStep[]>()
  for (const step of steps) orders.set(step.order_id, [...(orders.get(step.order_id) ?? []), step])
  return orders
}
