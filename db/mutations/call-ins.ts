/** Calling somebody in to a piece of work: asked on every screen of theirs, answered in one press, on the record. */
import { RadiologyError } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { lockOpen, mustBeAbleToTake } from './assignments.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'

export interface CallIn {
  itemId: string
  userId: string
  reason: string
}

export type CallAnswer = 'coming' | 'cannot'

/** Live topic of everybody's own calls. */
export const CALLS = 'call-ins'

/**
 * Calls somebody in who may take the work, on shift or not. Called already and not answered: no effect.
 * @throws RadiologyError 'reason-required', 'not-eligible' or 'forbidden' for somebody who may not take it
 */
export async function callIn(
  department: Department,
  act: Act,
  { itemId, userId, reason }: CallIn,
): Promise<{ callId: string }> {
  return mutate(department, act, 'call-in', async (scope) => {
    const item = await lockOpen(scope, itemId, 'call-in')
    await mustBeAbleOnItem(scope, 'call-in', item, { reason })
    await mustBeAbleToTake(scope, item, userId)
    const [open] = await scope.sql<{ id: string }[]>`
      select id from call_ins where item_id = ${itemId} and user_id = ${userId} and answered_at is null and withdrawn_at is null`
    if (open) return { callId: open.id }
    const callId = ulid()
    await scope.sql`
      insert into call_ins (id, item_id, user_id, asked_by, asked_at, reason)
      values (${callId}, ${itemId}, ${userId}, ${act.actor.id}, ${act.now}, ${reason})`
    tell(scope, item, 'work-item.called-in', { callId, to: userId, reason })
    return { callId }
  })
}

/** The answer of the person called. The same once more: no effect; another one stands beside the first as news. */
export async function answerCall(
  department: Department,
  act: Act,
  { callId, answer }: { callId: string; answer: CallAnswer },
): Promise<void> {
  await mutate(department, act, 'answer-call', async (scope) => {
    const call = await lockCall(scope, callId)
    if (call.user_id !== act.actor.id) throw new RadiologyError('not-found', { callId })
    if (call.withdrawn_at) throw new RadiologyError('illegal-transition', { callId, event: 'answer-call' })
    if (call.answer === answer) return
    await scope.sql`update call_ins set answer = ${answer}, answered_at = ${act.now} where id = ${callId}`
    tell(scope, call.item, 'work-item.call-answered', { callId, answer })
  })
}

/** Takes a call back that nobody has answered yet. */
export async function withdrawCall(
  department: Department,
  act: Act,
  { callId, reason }: { callId: string; reason: string },
): Promise<void> {
  await mutate(department, act, 'withdraw-call', async (scope) => {
    const call = await lockCall(scope, callId)
    await mustBeAbleOnItem(scope, 'call-in', call.item, { reason })
    if (call.withdrawn_at) return
    if (call.answer) throw new RadiologyError('illegal-transition', { callId, event: 'withdraw-call' })
    await scope.sql`update call_ins set withdrawn_at = ${act.now} where id = ${callId}`
    tell(scope, call.item, 'work-item.call-withdrawn', { callId })
  })
}

interface CalledItem {
  id: string
  kind: string
  cycle: number
  subject_id: string
  order_id: string | null
  site_id: string
  holder: string | null
}

interface Call {
  user_id: string
  answer: CallAnswer | null
  withdrawn_at: Date | null
  item: CalledItem
}

async function lockCall(scope: Scope, callId: string): Promise<Call> {
  const [found] = await scope.sql<{ order_id: string | null }[]>`
    select w.order_id from call_ins c join work_items w on w.id = c.item_id where c.id = ${callId}`
  if (!found) throw new RadiologyError('not-found', { callId })
  if (found.order_id) await scope.lockOrder(found.order_id)
  const [call] = await scope.sql<Omit<Call, 'item'>[]>`
    select user_id, answer, withdrawn_at from call_ins where id = ${callId} for update`
  const [item] = await scope.sql<CalledItem[]>`
    select w.* from work_items w join call_ins c on c.item_id = w.id where c.id = ${callId}`
  return { ...call!, item: item! }
}

function tell(
  scope: Scope,
  { id, kind, cycle, order_id }: Pick<CalledItem, 'id' | 'kind' | 'cycle' | 'order_id'>,
  type: 'work-item.called-in' | 'work-item.call-answered' | 'work-item.call-withdrawn',
  data: Record<string, unknown>,
): void {
  scope.announce(CALLS, `list:${kind}`)
  if (order_id) scope.append(order_id, { type, data: { itemId: id, kind, cycle, ...data } })
}
