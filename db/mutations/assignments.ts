/** Whose a piece of work is to be: given to somebody by the lead, before anybody has taken it. */
import { RadiologyError } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { actorOf } from '../queries/colleagues.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { type ItemRow, lockItem } from './work-items.ts'

export interface Assignment {
  itemId: string
  /** Null: nobody's again, whoever may take it. */
  userId: string | null
  reason: string
}

/**
 * Gives a piece of work to somebody who may take it; undone by giving it back to whom it belonged. It never breaks
 * a lease: what is in somebody's hands becomes the other's when it is free.
 * @returns whose it was before
 * @throws RadiologyError 'reason-required', 'not-eligible' or 'forbidden' for somebody who may not take it
 */
export async function reassign(
  department: Department,
  act: Act,
  { itemId, userId, reason }: Assignment,
): Promise<{ from: string | null }> {
  return mutate(department, act, 'reassign', async (scope) => {
    const item = await lockOpen(scope, itemId, 'reassign')
    await mustBeAbleOnItem(scope, 'reassign', item, { reason })
    const from = item.assigned_to
    if (from === userId) return { from }
    if (userId !== null) await mustBeAbleToTake(scope, item, userId)
    await scope.sql`update work_items set assigned_to = ${userId} where id = ${itemId}`
    scope.announce(`list:${item.kind}`)
    if (item.order_id)
      scope.append(item.order_id, {
        type: 'work-item.reassigned',
        data: { itemId, kind: item.kind, cycle: item.cycle, from, to: userId, reason },
      })
    return { from }
  })
}

/** @throws RadiologyError 'illegal-transition' when it is done or no longer wanted */
export async function lockOpen(scope: Scope, itemId: string, event: string): Promise<AssignableItem> {
  const item = (await lockItem(scope, itemId)) as AssignableItem
  if (item.state !== 'open' && item.state !== 'claimed')
    throw new RadiologyError('illegal-transition', { itemId, from: item.state, event })
  return item
}

export interface AssignableItem extends ItemRow {
  assigned_to: string | null
}

/** What they could claim themselves they may be given. @throws RadiologyError as `claim` does for them */
export async function mustBeAbleToTake(scope: Scope, item: ItemRow, userId: string): Promise<void> {
  const actor = await actorOf(scope.sql, userId)
  if (!actor) throw new RadiologyError('not-found', { userId })
  await mustBeAbleOnItem({ sql: scope.sql, act: { ...scope.act, actor } }, 'claim', item)
}
