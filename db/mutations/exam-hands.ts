/** In whose hands an exam is, between technologists: taken, passed to a colleague, put back. */
import { RadiologyError } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { lockOpen, mustBeAbleToTake } from './assignments.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnOrder } from './permission.ts'

export interface Passing {
  stepId: string
  /** Null: in nobody's hands again. */
  userId: string | null
  /** In whose hands the screen showed it. */
  seen: string | null
}

/**
 * Takes an exam, or passes it to a colleague of the site. In their hands already: no effect.
 * @throws RadiologyError 'already-claimed' when it is in other hands than the screen showed, 'illegal-transition' when it
 * is done or not of today, 'forbidden' for somebody who may not do it
 */
export async function passExam(
  department: Department,
  act: Act,
  { stepId, userId, seen }: Passing,
): Promise<void> {
  await mutate(department, act, 'pass-exam', async (scope) => {
    const found = await performing(scope, stepId)
    if (!found) throw new RadiologyError('illegal-transition', { stepId, event: 'pass' })
    const item = await lockOpen(scope, found.id, 'pass')
    await mustBeAbleOnOrder(scope, 'pass-exam', found.order_id)
    const from = item.assigned_to
    if (from === userId) return
    if (from !== seen) throw new RadiologyError('already-claimed', { stepId, holder: from ?? undefined })
    if (userId !== null) await mustBeAbleToTake(scope, item, userId)
    await scope.sql`update work_items set assigned_to = ${userId} where id = ${item.id}`
    scope.announce(`list:${item.kind}`)
    scope.append(found.order_id, {
      type: 'work-item.reassigned',
      data: { itemId: item.id, kind: item.kind, cycle: item.cycle, from, to: userId, reason: 'passed' },
    })
  })
}

async function performing(
  { sql }: Scope,
  stepId: string,
): Promise<{ id: string; order_id: string } | undefined> {
  const [item] = await sql<{ id: string; order_id: string }[]>`
    select id, order_id from work_items where subject_type = 'step' and subject_id = ${stepId} and kind = 'perform'
      and state in ('open', 'claimed') and order_id is not null`
  return item
}

/** Whoever begins an exam that nobody has taken has it. */
export async function takeWithBegin({ sql, act, announce }: Scope, stepId: string): Promise<void> {
  if (act.actor.kind !== 'user' || !act.actor.roles.includes('technologist')) return
  await sql`
    update work_items set assigned_to = ${act.actor.id} where subject_type = 'step' and subject_id = ${stepId}
      and kind = 'perform' and state in ('open', 'claimed') and assigned_to is null`
  announce('list:perform')
}
