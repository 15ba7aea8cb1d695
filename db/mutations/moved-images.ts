/** "Wrong patient or exam": what a scanner made under one order is another's, and goes there; until a final report, back. */
import { localDate } from '#domain/calendar.ts'
import { RadiologyError } from '#domain/errors.ts'
import { shiftAt } from '#domain/handover.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import { carryCriticals, carryCriticalsBack, TOLD_BEFORE_MOVE } from './critical-moves.ts'
import { closeExceptionIn, raiseException } from './exceptions.ts'
import { seriesMadeBy, type Transferred, transferSeries } from './image-transfer.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { type StatusTold, tellStatus } from './order-status.ts'
import { mustBeAbleOnOrder } from './permission.ts'
import { tell } from './report-versions.ts'
import { type LockedStep, lockStep } from './scheduling.ts'
import { departWhenDone, startStep, takeBackBegin } from './steps.ts'

export const MOVE_REASONS = ['wrong-patient', 'wrong-exam'] as const
export type MoveReason = (typeof MOVE_REASONS)[number]

export interface MoveAsked {
  performedStepId: string
  /** The step it was made for in truth. */
  toStepId: string
  reason: MoveReason
}

/**
 * Moves a performed step that has ended, its series and its evidence to the right step; the wrong one stands again as
 * before its begin. Quality is checked anew, and reading is blocked on both until it is. Done before: no effect.
 * @throws RadiologyError 'procedure-begun' while it runs, 'report-final', 'order-ended', 'illegal-transition', 'forbidden'
 */
export async function moveImages(
  department: Department,
  act: Act,
  asked: MoveAsked,
): Promise<{ moveId: string }> {
  return mutate(department, act, 'move-images', async (scope) => {
    const exam = await examOf(scope, asked.performedStepId)
    const target = await stepUid(scope, asked.toStepId)
    await lockAll(scope, {
      uids: [exam.study_uid, target.study_uid],
      stepIds: [...exam.step_ids, asked.toStepId],
    })
    const standing = await activeMove(scope, exam.id)
    if (standing?.to_step_id === asked.toStepId) return { moveId: standing.id }
    const to = await lockStep(scope, asked.toStepId)
    const from = await stepsOf(scope, exam.step_ids)
    await mayMove(scope, {
      verb: 'move-images',
      exam,
      orderIds: ordersOf([...from, to]),
      reason: asked.reason,
    })
    await refuseMove(scope, { exam, from, to, isMoved: standing !== undefined })
    return carryOver(scope, { exam, from, to, reason: asked.reason })
  })
}

interface Exam {
  id: string
  sop_instance_uid: string
  status: string
  decision: string | null
  study_uid: string
  station_ae: string
  room_id: string | null
  started_at: Date
  step_ids: string[]
}

async function examOf({ sql }: Scope, performedStepId: string): Promise<Exam> {
  const [exam] = await sql<Exam[]>`
    select ps.id, ps.sop_instance_uid, ps.status, ps.decision, ps.study_uid, ps.station_ae, ps.started_at, d.room_id,
      array(select step_id from performed_step_links l where l.performed_step_id = ps.id order by step_id) as step_ids
    from performed_steps ps left join devices d on d.id = ps.device_id where ps.id = ${performedStepId}`
  if (!exam || exam.step_ids.length === 0) throw new RadiologyError('not-found', { performedStepId })
  return exam
}

async function stepUid({ sql }: Scope, stepId: string): Promise<{ study_uid: string }> {
  const [row] = await sql<{ study_uid: string }[]>`
    select p.study_uid from steps s join procedures p on p.id = s.procedure_id where s.id = ${stepId}`
  if (!row) throw new RadiologyError('not-found', { stepId })
  return row
}

// Orders first and in id order, then studies in theirs, as indexing does: nothing is filed between.
async function lockAll(
  scope: Scope,
  { uids, stepIds }: { uids: string[]; stepIds: readonly string[] },
): Promise<void> {
  const { sql } = scope
  const orders = await sql<{ order_id: string }[]>`
    select distinct order_id from (select order_id from steps where id = any(${stepIds as string[]})
      union select order_id from procedures where study_uid = any(${uids})
      union select p.order_id from steps s join report_procedures own on own.procedure_id = s.procedure_id
        join report_procedures rp on rp.report_id = own.report_id join procedures p on p.id = rp.procedure_id
        where s.id = any(${stepIds as string[]})
      union select l.order_id from study_links l join studies s on s.id = l.study_id
        where s.study_uid = any(${uids}) and l.undone_at is null) o order by order_id`
  for (const { order_id } of orders) await scope.lockOrder(order_id)
  for (const uid of [...new Set(uids)].sort())
    await sql`select pg_advisory_xact_lock(hashtextextended(${uid}, 1))`
}

async function activeMove(
  { sql }: Scope,
  performedStepId: string,
): Promise<{ id: string; to_step_id: string } | undefined> {
  const [move] = await sql<{ id: string; to_step_id: string }[]>`
    select id, to_step_id from moved_images where performed_step_id = ${performedStepId} and undone_at is null`
  return move
}

async function stepsOf(scope: Scope, stepIds: readonly string[]): Promise<LockedStep[]> {
  const steps: LockedStep[] = []
  for (const id of stepIds) steps.push(await lockStep(scope, id))
  return steps
}

const ordersOf = (steps: readonly LockedStep[]): string[] => [
  ...new Set(steps.map(({ order_id }) => order_id).sort()),
]

interface Asking {
  verb: 'move-images' | 'undo-move'
  exam: Exam
  orderIds: readonly string[]
  reason: string
}

async function mayMove(scope: Scope, { verb, exam, orderIds, reason }: Asking): Promise<void> {
  const ownRoomToday = await isOwnRoomToday(scope, exam)
  for (const orderId of orderIds) await mustBeAbleOnOrder(scope, verb, orderId, { reason, ownRoomToday })
}

/** A technologist's own room is the one they work in (`scanRoom`), wherever they have not said one any of their site. */
async function isOwnRoomToday({ sql, act }: Scope, exam: Exam): Promise<boolean> {
  const [row] = await sql<{ own: string | null; zone: string; room_id: string | null }[]>`
    select u.settings->>'scanRoom' as own, si.zone, coalesce(${exam.room_id}, s.room_id) as room_id
    from steps s join orders o on o.id = s.order_id join sites si on si.id = o.site_id
      left join users u on u.id = ${act.actor.id}
    where s.id = ${exam.step_ids[0]!}`
  if (!row) return false
  const isOwn = !row.own || !row.room_id || row.own === row.room_id
  if (!isOwn) return false
  // Midnight takes nothing out of the hands of a night shift.
  const { start } = shiftAt(row.zone, act.now, (await policyOf(sql)).handover)
  return exam.started_at >= start || localDate(row.zone, exam.started_at) === localDate(row.zone, act.now)
}

interface Refusable {
  exam: Exam
  from: LockedStep[]
  to: LockedStep
  isMoved: boolean
}

async function refuseMove(scope: Scope, { exam, from, to, isMoved }: Refusable): Promise<void> {
  const refs = { performedStepId: exam.id, stepId: to.id, event: 'move' }
  if (exam.status === 'IN PROGRESS') throw new RadiologyError('procedure-begun', refs)
  if (isMoved || exam.step_ids.includes(to.id)) throw new RadiologyError('illegal-transition', refs)
  const [ended] = await scope.sql`
    select 1 from procedures where id = ${to.procedure_id} and end_kind is not null`
  if (ended || to.status === 'cancelled') throw new RadiologyError('order-ended', refs)
  await refuseWhenFinal(scope, [...from, to])
}

async function refuseWhenFinal({ sql }: Scope, steps: readonly LockedStep[]): Promise<void> {
  const [final] = await sql<{ report_id: string }[]>`
    select v.report_id from report_procedures rp join reports r on r.id = rp.report_id
      join report_versions v on v.report_id = rp.report_id
    where rp.procedure_id = any(${steps.map(({ procedure_id }) => procedure_id)}) and r.state <> 'CANCELLED'
      and v.kind in ('final', 'addendum', 'correction') and v.recalled_at is null limit 1`
  if (final) throw new RadiologyError('report-final', { reportId: final.report_id })
}

interface Carried {
  exam: Exam
  from: LockedStep[]
  to: LockedStep
  reason: MoveReason
}

async function carryOver(scope: Scope, { exam, from, to, reason }: Carried): Promise<{ moveId: string }> {
  const { sql, act } = scope
  const moveId = ulid()
  const evidence = await evidenceNow(scope, exam, to.study_uid)
  const seriesUids = await seriesMadeBy(scope, { performedStepId: exam.id, studyUid: exam.study_uid })
  await relink(scope, exam, { stepIds: [to.id], studyUid: to.study_uid })
  const moved = await transferSeries(scope, {
    fromStudyUid: exam.study_uid,
    toStudyUid: to.study_uid,
    seriesUids,
    toOrderId: to.order_id,
  })
  await carryEndOfExam(scope, { from: exam.study_uid, to: to.study_uid, emptied: moved.emptied })
  // The modality stopped it as a wrong entry: now it is known whose it is, and it is an exam like any other.
  await sql`
    update performed_steps set decision = case when decision = 'wrong-entry' then 'usable' else decision end
    where id = ${exam.id}`
  await sql`
    insert into moved_images (id, performed_step_id, site_id, from_order_id, to_order_id, from_step_ids, to_step_id,
      from_study_uid, to_study_uid, from_study_id, to_study_id, series_uids, instances, from_emptied, evidence, reason_code, at, by)
    values (${moveId}, ${exam.id}, ${to.site_id}, ${from[0]!.order_id}, ${to.order_id}, ${exam.step_ids}, ${to.id},
      ${exam.study_uid}, ${to.study_uid}, ${moved.fromStudyId}, ${moved.toStudyId}, ${seriesUids}, ${moved.instances},
      ${moved.emptied}, ${sql.json(evidence as never)}, ${reason}, ${act.now}, ${act.actor.id})`
  await tellMoved(scope, { moveId, exam, from, to: [to], moved, reason, undone: false })
  for (const step of from) await tellRestored(scope, step, await takeBackBegin(scope, step))
  await beginMoved(scope, exam, to)
  if (moved.instances > 0) {
    await carryCriticals(scope, {
      ...{ moveId, whole: moved.emptied },
      procedureIds: from.map(({ procedure_id }) => procedure_id),
      to: { orderId: to.order_id, procedureId: to.procedure_id },
    })
  }
  if (moved.emptied) await leaveBehind(scope, moved, from)
  await settleDoubt(scope, exam.study_uid)
  return { moveId }
}

/** What stands on the exam and on both studies before, so that an undo finds it again. */
async function evidenceNow({ sql }: Scope, exam: Exam, toStudyUid: string): Promise<Evidence> {
  const rows = await sql<{ study_uid: string; end_exam_at: Date | null }[]>`
    select study_uid, end_exam_at from studies where study_uid in (${exam.study_uid}, ${toStudyUid})`
  const endOf = (uid: string) => rows.find((row) => row.study_uid === uid)?.end_exam_at?.toISOString() ?? null
  return { fromEndExamAt: endOf(exam.study_uid), toEndExamAt: endOf(toStudyUid), decision: exam.decision }
}

interface Evidence {
  fromEndExamAt: string | null
  toEndExamAt: string | null
  decision: string | null
}

async function relink(
  { sql }: Scope,
  exam: Exam,
  { stepIds, studyUid }: { stepIds: readonly string[]; studyUid: string },
): Promise<void> {
  await sql`delete from performed_step_links where performed_step_id = ${exam.id}`
  for (const stepId of stepIds) await sql`insert into performed_step_links values (${exam.id}, ${stepId})`
  await sql`update performed_steps set study_uid = ${studyUid}, moves = moves + 1 where id = ${exam.id}`
  await sql`update named_instances set study_uid = ${studyUid} where performed_step_id = ${exam.id}`
}

async function carryEndOfExam(
  { sql }: Scope,
  { from, to, emptied }: { from: string; to: string; emptied: boolean },
): Promise<void> {
  if (from === to) return
  await sql`
    update studies set end_exam_at = coalesce(end_exam_at, (select end_exam_at from studies where study_uid = ${from}))
    where study_uid = ${to}`
  if (emptied) await sql`update studies set end_exam_at = null where study_uid = ${from}`
}

async function beginMoved(scope: Scope, exam: Exam, step: LockedStep): Promise<void> {
  await startStep(scope, step, { performedStepId: exam.id, inferred: false })
  await departWhenDone(scope, step.order_id, step.id)
  await tellStatus(scope, step.order_id, 'acquired')
}

const STATUS_OF: Readonly<Record<string, StatusTold>> = {
  planned: 'accepted',
  'no-show': 'scheduled',
  scheduled: 'scheduled',
  arrived: 'arrived',
  ready: 'arrived',
}

async function tellRestored(scope: Scope, step: LockedStep, standsAt: string | null): Promise<void> {
  const status = standsAt === null ? undefined : STATUS_OF[standsAt]
  if (status) await tellStatus(scope, step.order_id, status)
}

interface Told {
  moveId: string
  exam: Exam
  from: readonly LockedStep[]
  to: readonly LockedStep[]
  moved: Transferred
  reason: MoveReason
  undone: boolean
}

/** Both orders hear of it, each of its own study. */
async function tellMoved(scope: Scope, told: Told): Promise<void> {
  const { moveId, exam, from, to, moved, reason, undone } = told
  const common = {
    moveId,
    performedStepId: exam.id,
    status: exam.status,
    reasonCode: reason,
    undone,
    images: moved.instances,
    from: from.map(({ id }) => id),
    to: to.map(({ id }) => id),
    fromOrderId: from[0]!.order_id,
    toOrderId: to[0]!.order_id,
  }
  const refs = { sopInstanceUid: exam.sop_instance_uid }
  for (const orderId of ordersOf(from)) {
    const study = await counted(scope, moved.fromStudyId)
    scope.append(orderId, {
      type: 'performed-step.moved',
      refs,
      data: { ...common, side: 'from', stepIds: [], emptied: moved.emptied, ...study },
    })
  }
  for (const orderId of ordersOf(to)) {
    const study = await counted(scope, moved.toStudyId)
    scope.append(orderId, {
      type: 'performed-step.moved',
      refs,
      data: { ...common, side: 'to', stepIds: to.map(({ id }) => id), emptied: false, ...study },
    })
  }
  for (const step of new Set([from[0]!.study_uid, to[0]!.study_uid]))
    scope.audit({
      subject: `study:${step}`,
      type: undone ? 'images.moved-back' : 'images.moved',
      data: { moveId, performedStepId: exam.id, instances: moved.instances, reason },
    })
  scope.announce('archive')
}

async function counted({ sql }: Scope, studyId: string | null): Promise<Record<string, unknown>> {
  if (studyId === null) return {}
  const [row] = await sql<{ study_uid: string; total: number; visible: number }[]>`
    select study_uid, stored_count as total, instance_count - report_count as visible from studies where id = ${studyId}`
  return { studyId, studyInstanceUid: row!.study_uid, total: row!.total, visible: row!.visible }
}

/** An order without images has no question about them and no draft over them; what was said already, a person takes back. */
async function leaveBehind(scope: Scope, moved: Transferred, steps: readonly LockedStep[]): Promise<void> {
  const { sql, act } = scope
  const answered = await sql<{ id: string; order_id: string; kind: string }[]>`
    update returns set answered_at = ${act.now}, answered_by = ${act.actor.id}, answer = 'moved'
    where study_id = ${moved.fromStudyId} and answered_at is null returning id, order_id, kind`
  for (const { id, order_id, kind } of answered) {
    scope.append(order_id, {
      type: 'return.answered',
      data: { returnId: id, studyId: moved.fromStudyId, kind, answer: 'moved' },
    })
  }
  const reports = await sql<{ id: string; state: string; order_id: string; site_id: string }[]>`
    select distinct on (r.id) r.id, r.state, p.order_id, r.site_id from reports r join report_procedures rp on rp.report_id = r.id
      join procedures p on p.id = rp.procedure_id
    where rp.procedure_id = any(${steps.map(({ procedure_id }) => procedure_id)}) and r.state <> 'CANCELLED'
    order by r.id, p.order_id`
  for (const report of reports) {
    if (report.state === 'DRAFT') await setDraftAside(scope, report)
    else await askToWithdraw(scope, report, 'reported-before-move')
    const [raised] = await sql`
      select 1 from critical_results where report_id = ${report.id} and state = 'closed' limit 1`
    if (raised) await askToWithdraw(scope, report, 'critical-before-move')
  }
}

interface ReportLeft {
  id: string
  order_id: string
  site_id: string
}

async function setDraftAside(scope: Scope, { id }: ReportLeft): Promise<void> {
  const { sql, act } = scope
  await sql`
    insert into stray_drafts (id, report_id, content, written_by, at, fence)
    select ${ulid()}, report_id, content, saved_by, ${act.machineNow}, fence from report_drafts where report_id = ${id}`
  await sql`delete from report_drafts where report_id = ${id}`
  await sql`update reports set state = 'CANCELLED' where id = ${id}`
  await tell(scope, id, 'report.cancelled', { reason: 'moved' })
}

const TO_WITHDRAW = {
  'reported-before-move':
    'Images were moved to another order after a first word about them had gone out here. Withdraw that word.',
  'critical-before-move': TOLD_BEFORE_MOVE,
} as const

const KEY_OF = { 'reported-before-move': 'moved', 'critical-before-move': 'moved-critical' } as const

async function askToWithdraw(
  scope: Scope,
  { id, order_id, site_id }: ReportLeft,
  why: keyof typeof TO_WITHDRAW,
): Promise<void> {
  await raiseException(scope, {
    kind: 'conflict',
    key: `${KEY_OF[why]}:${id}`,
    reasonCode: why,
    reason: TO_WITHDRAW[why],
    refs: { reportId: id },
    orderId: order_id,
    siteId: site_id,
  })
}

/** With its images back, what was said of them here is true again. */
async function settleWithdrawals(scope: Scope, steps: readonly LockedStep[]): Promise<void> {
  const open = await scope.sql<{ id: string }[]>`
    select distinct e.id from exceptions e join report_procedures rp
      on e.key = any(array['moved:' || rp.report_id, 'moved-critical:' || rp.report_id])
    where rp.procedure_id = any(${steps.map(({ procedure_id }) => procedure_id)}) and e.kind = 'conflict' and e.state = 'open'
    order by e.id`
  for (const { id } of open) await closeExceptionIn(scope, id)
}

/** Whose images they are was asked; now it is said. */
async function settleDoubt(scope: Scope, studyUid: string): Promise<void> {
  const [open] = await scope.sql<{ id: string }[]>`
    select id from exceptions where kind = 'unmatched-study' and key = ${`study:${studyUid}`} and state = 'open'
      and reason_code = '110514'`
  if (open) await closeExceptionIn(scope, open.id)
}

/**
 * Takes a move back: the exam, its images and what came of them later stand where they stood before. Done before: no effect.
 * @throws RadiologyError 'report-final' once a final version is signed over either, 'order-ended', 'not-found', 'forbidden'
 */
export async function undoMove(
  department: Department,
  act: Act,
  { moveId }: { moveId: string },
): Promise<void> {
  await mutate(department, act, 'undo-move', async (scope) => {
    const { sql } = scope
    const [move] = await sql<MoveRow[]>`select * from moved_images where id = ${moveId}`
    if (!move) throw new RadiologyError('not-found', { moveId })
    await lockAll(scope, {
      uids: [move.from_study_uid, move.to_study_uid],
      stepIds: [...move.from_step_ids, move.to_step_id],
    })
    const exam = await examOf(scope, move.performed_step_id)
    const back = await stepsOf(scope, move.from_step_ids)
    const away = await lockStep(scope, move.to_step_id)
    await mayMove(scope, { verb: 'undo-move', exam, orderIds: ordersOf([...back, away]), reason: 'undo' })
    const [undone] = await sql`
      update moved_images set undone_at = ${act.now}, undone_by = ${act.actor.id}
      where id = ${moveId} and undone_at is null returning id`
    if (!undone) return
    await refuseUndo(scope, back, away)
    await carryBack(scope, { move, exam, back, away })
  })
}

interface MoveRow {
  id: string
  performed_step_id: string
  from_order_id: string
  from_step_ids: string[]
  to_step_id: string
  from_study_uid: string
  to_study_uid: string
  series_uids: string[]
  evidence: Evidence
  reason_code: MoveReason
}

async function refuseUndo(scope: Scope, back: LockedStep[], away: LockedStep): Promise<void> {
  await refuseWhenFinal(scope, [...back, away])
  const gone = back.find(({ status }) => status === 'cancelled')
  if (gone) throw new RadiologyError('order-ended', { stepId: gone.id, event: 'undo-move' })
}

interface Undoing {
  move: MoveRow
  exam: Exam
  back: LockedStep[]
  away: LockedStep
}

async function carryBack(scope: Scope, { move, exam, back, away }: Undoing): Promise<void> {
  const { sql } = scope
  const later = await seriesMadeBy(scope, { performedStepId: exam.id, studyUid: move.to_study_uid })
  const seriesUids = [...new Set([...move.series_uids, ...later])]
  await relink(scope, exam, { stepIds: move.from_step_ids, studyUid: move.from_study_uid })
  const moved = await transferSeries(scope, {
    fromStudyUid: move.to_study_uid,
    toStudyUid: move.from_study_uid,
    seriesUids,
    toOrderId: move.from_order_id,
  })
  const { evidence } = move
  await sql`update studies set end_exam_at = ${evidence.fromEndExamAt} where study_uid = ${move.from_study_uid}`
  if (move.from_study_uid !== move.to_study_uid)
    await sql`update studies set end_exam_at = ${evidence.toEndExamAt} where study_uid = ${move.to_study_uid}`
  await sql`update performed_steps set decision = ${evidence.decision} where id = ${exam.id}`
  await sql`
    update moved_images set to_emptied = ${moved.emptied}, from_study_id = coalesce(from_study_id, ${moved.toStudyId}),
      to_study_id = coalesce(to_study_id, ${moved.fromStudyId}) where id = ${move.id}`
  const reason = move.reason_code
  await tellMoved(scope, { moveId: move.id, exam, from: [away], to: back, moved, reason, undone: true })
  await tellRestored(scope, away, await takeBackBegin(scope, away))
  for (const step of back) await beginMoved(scope, exam, step)
  await carryCriticalsBack(scope, move.id)
  // What was raised over them where they were by mistake goes with them too.
  if (moved.instances > 0) {
    await carryCriticals(scope, {
      ...{ moveId: move.id, whole: moved.emptied, procedureIds: [away.procedure_id] },
      to: { orderId: back[0]!.order_id, procedureId: back[0]!.procedure_id },
    })
  }
  await settleWithdrawals(scope, back)
  if (moved.emptied) await leaveBehind(scope, moved, [away])
}
