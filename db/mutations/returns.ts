/** What a reader asks of a technologist: a word about the images, or some of them once more; the reading waits for it. */
import { RadiologyError } from '#domain/errors.ts'
import type { ReturnKind, ReturnReason } from '#domain/return.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { pauseItem } from './pauses.ts'
import { mustBeAbleOnItem, mustBeAbleOnOrder } from './permission.ts'
import { makeRetake } from './quality.ts'
import { lockStep } from './scheduling.ts'
import { completeBySubject, giveBack, type ItemRow, lockItem } from './work-items.ts'

export interface ReturnAsked {
  /** The reading in the reader's hands; it is given back, its draft kept. */
  itemId: string
  fence: number
  kind: ReturnKind
  reason: ReturnReason
  /** Wanted with `other`; never in an event. */
  words?: string
  /** SOP Instance UIDs the question is about; empty: the study. */
  instances: readonly string[]
}

/**
 * Asks the technologist. The reading is blocked and its clock is theirs until they have answered; a retake is a new step
 * of the procedure. Asked before: the same question.
 * @throws RadiologyError 'not-holder', 'stale-fence', 'reason-required', 'illegal-transition' while another question is open
 */
export async function askReturn(
  department: Department,
  act: Act,
  asked: ReturnAsked,
): Promise<{ returnId: string }> {
  return mutate(department, act, 'ask-return', async (scope) => {
    const item = await lockItem(scope, asked.itemId)
    if (item.kind !== 'read' || item.order_id === null)
      throw new RadiologyError('illegal-transition', { itemId: item.id, event: 'ask-return' })
    await mustBeAbleOnItem(scope, 'ask-return', item)
    if (asked.reason === 'other' && !asked.words?.trim())
      throw new RadiologyError('reason-required', { itemId: item.id })
    const open = await openReturn(scope, item.subject_id)
    if (open) return sameQuestion(open, scope, asked)
    await giveBack(scope, item, asked.fence)
    return { returnId: await ask(scope, { ...item, order_id: item.order_id }, asked) }
  })
}

interface OpenReturn {
  id: string
  kind: string
  asked_by: string
  item_id: string
}

async function openReturn({ sql }: Scope, studyId: string): Promise<OpenReturn | undefined> {
  const [open] = await sql<OpenReturn[]>`
    select id, kind, asked_by, item_id from returns where study_id = ${studyId} and answered_at is null`
  return open
}

function sameQuestion(open: OpenReturn, { act }: Scope, asked: ReturnAsked): { returnId: string } {
  const isSame = open.item_id === asked.itemId && open.kind === asked.kind && open.asked_by === act.actor.id
  if (!isSame) throw new RadiologyError('illegal-transition', { itemId: asked.itemId, event: 'ask-return' })
  return { returnId: open.id }
}

type ReadItem = ItemRow & { order_id: string }

async function ask(scope: Scope, item: ReadItem, asked: ReturnAsked): Promise<string> {
  const { sql, act } = scope
  const { kind, reason, words = '' } = asked
  const id = ulid()
  const stepId = kind === 'retake' ? await retakeOf(scope, item.subject_id) : null
  const marked = await sql<{ uid: string }[]>`
    select sop_instance_uid as uid from instances
    where study_id = ${item.subject_id} and sop_instance_uid = any(${asked.instances as string[]}) order by id`
  await sql`
    insert into returns (id, study_id, order_id, item_id, kind, reason_code, words, instances, asked_by, asked_at, step_id)
    values (${id}, ${item.subject_id}, ${item.order_id}, ${item.id}, ${kind}, ${reason}, ${words.trim() || null},
      ${marked.map(({ uid }) => uid)}, ${act.actor.id}, ${act.now}, ${stepId})`
  await sql`update work_items set blocked_by = ${kind} where id = ${item.id}`
  await pauseItem(scope, item, { reason: 'waiting-technologist', policy: await policyOf(sql) })
  scope.append(item.order_id, {
    type: 'return.asked',
    data: {
      returnId: id,
      studyId: item.subject_id,
      itemId: item.id,
      kind,
      reasonCodes: [reason],
      instances: marked.length,
      ...(stepId ? { stepId } : {}),
    },
  })
  scope.announce('returns')
  return id
}

async function retakeOf(scope: Scope, studyId: string): Promise<string> {
  const [procedure] = await scope.sql<{ id: string; order_id: string }[]>`
    select p.id, p.order_id from study_links l join procedures p on p.id = l.procedure_id
    where l.study_id = ${studyId} and l.undone_at is null and p.end_kind is null order by p.order_id, p.position limit 1`
  const stepId = procedure ? await makeRetake(scope, procedure) : null
  if (!stepId) throw new RadiologyError('illegal-transition', { studyId, event: 'retake' })
  return stepId
}

export interface ReturnAnswered {
  returnId: string
  /** `answered`: the words say it · `not-possible`: there will be no retake, and the words say why. */
  answer: 'answered' | 'not-possible'
  words: string
}

/**
 * The technologist's word. A retake is answered by being made; here it is only said that it can't be. Answered before: no effect.
 * @throws RadiologyError 'reason-required' without words, 'procedure-begun' when the retake has begun, 'not-found', 'forbidden'
 */
export async function answerReturn(
  department: Department,
  act: Act,
  { returnId, answer, words }: ReturnAnswered,
): Promise<void> {
  await mutate(department, act, 'answer-return', async (scope) => {
    const { sql } = scope
    const [asked] = await sql<AskedRow[]>`
      select id, order_id, study_id, kind, step_id from returns where id = ${returnId}`
    if (!asked) throw new RadiologyError('not-found', { returnId })
    await scope.lockOrder(asked.order_id)
    await mustBeAbleOnOrder(scope, 'clarify', asked.order_id)
    if (!words.trim()) throw new RadiologyError('reason-required', { returnId })
    if ((asked.kind === 'retake') !== (answer === 'not-possible'))
      throw new RadiologyError('illegal-transition', { returnId, event: answer })
    if (!(await close(scope, asked, { answer, words: words.trim() }))) return
    if (asked.step_id) await giveUpRetake(scope, asked.step_id)
    if (asked.kind === 'clarify')
      await completeBySubject(scope, { kind: 'clarify', subjectId: asked.study_id })
  })
}

interface AskedRow {
  id: string
  order_id: string
  study_id: string
  kind: ReturnKind
  step_id: string | null
}

async function close(
  scope: Scope,
  { id, order_id, study_id, kind }: AskedRow,
  { answer, words }: { answer: string; words: string | null },
): Promise<boolean> {
  const { sql, act } = scope
  const [row] = await sql`
    update returns set answered_at = ${act.now}, answered_by = ${act.actor.id}, answer = ${answer}, answer_words = ${words}
    where id = ${id} and answered_at is null returning id`
  if (!row) return false
  scope.append(order_id, {
    type: 'return.answered',
    data: { returnId: id, studyId: study_id, kind, answer },
  })
  scope.announce('returns')
  return true
}

async function giveUpRetake(scope: Scope, stepId: string): Promise<void> {
  const step = await lockStep(scope, stepId)
  if (step.status === 'started')
    throw new RadiologyError('procedure-begun', { stepId, event: 'not-possible' })
  const [cancelled] = await scope.sql`
    update steps set status = 'cancelled' where id = ${stepId}
      and status in ('planned', 'scheduled', 'arrived', 'ready', 'no-show') returning id`
  if (cancelled)
    scope.append(step.order_id, { type: 'step.cancelled', data: { stepId, reason: 'not-possible' } })
}
