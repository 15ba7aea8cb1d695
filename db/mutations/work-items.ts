/** Claims: a lease on a work item with a fencing token, one conditional statement each (zero rows is the refusal). */
import { RadiologyError } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { uuidUid } from './minting.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'

export interface Claimed {
  itemId: string
  fence: number
  leaseUntil: Date
}

export interface ItemRow {
  id: string
  kind: string
  subject_type: string
  subject_id: string
  order_id: string | null
  site_id: string
  state: string
  holder: string | null
  fence: number
  lease_until: Date | null
  due_at: Date | null
  late_at: Date | null
  blocked_by: string | null
  priority: string
  area: string | null
  cycle: number
  audience: { roles?: string[] }
  completed_by: string | null
  /** What its completion came to. */
  result: unknown
}

/**
 * Claims one item for the actor; the holder under a valid lease gets the fence already held.
 * @throws RadiologyError 'already-claimed' (refs: holder, since), 'blocked', 'not-eligible', 'illegal-transition'
 */
export async function claim(
  department: Department,
  act: Act,
  { itemId }: { itemId: string },
): Promise<Claimed> {
  return mutate(department, act, 'claim', async (scope) => {
    const item = await lockItem(scope, itemId)
    await mustBeAbleOnItem(scope, 'claim', item)
    return claimLocked(scope, item)
  })
}

/** Claims in the caller's transaction, with the order's lock held and the right already checked. */
export async function claimLocked(scope: Scope, item: ItemRow): Promise<Claimed> {
  const { sql, act } = scope
  const me = act.actor.id
  const valid = item.state === 'claimed' && item.lease_until !== null && item.lease_until > act.machineNow
  if (valid && item.holder === me)
    return { itemId: item.id, fence: item.fence, leaseUntil: item.lease_until! }
  const { lease } = await policyOf(sql)
  const leaseUntil = new Date(act.machineNow.getTime() + lease.leaseMs)
  const [row] = await sql<{ fence: number }[]>`
    update work_items set state = 'claimed', holder = ${me}, fence = fence + 1, lease_until = ${leaseUntil},
      claimed_at = ${act.machineNow}, parked = false
    where id = ${item.id} and blocked_by is null
      and (state = 'open' or (state = 'claimed' and lease_until <= ${act.machineNow}))
    returning fence`
  if (!row) throw claimRefusal(item)
  if (item.state === 'claimed') await endTenure(scope, item, 'expired')
  await beginTenure(scope, item.id, row.fence)
  note(scope, item, 'work-item.claimed', { fence: row.fence, holder: me })
  return { itemId: item.id, fence: row.fence, leaseUntil }
}

function claimRefusal(item: ItemRow): RadiologyError {
  if (item.blocked_by) return new RadiologyError('blocked', { itemId: item.id, by: item.blocked_by })
  if (item.state === 'claimed')
    return new RadiologyError('already-claimed', { itemId: item.id, holder: item.holder ?? undefined })
  return new RadiologyError('illegal-transition', { itemId: item.id, from: item.state, event: 'claim' })
}

/**
 * Renews the lease (every 30 s from an open screen), even one just over that nobody took.
 * @throws RadiologyError 'stale-fence' when somebody else holds it, 'lease-expired' when it was opened again
 */
export async function heartbeat(
  department: Department,
  act: Act,
  { itemId, fence }: { itemId: string; fence: number },
): Promise<Date> {
  const { lease } = await policyOf(department.sql)
  const until = new Date(act.machineNow.getTime() + lease.leaseMs)
  const [row] = await department.sql<{ lease_until: Date }[]>`
    update work_items set lease_until = greatest(lease_until, ${until})
    where id = ${itemId} and state = 'claimed' and holder = ${act.actor.id} and fence = ${fence} returning lease_until`
  if (row) return row.lease_until
  const [now] = await department.sql<{ state: string; holder: string | null }[]>`
    select state, holder from work_items where id = ${itemId}`
  if (!now) throw new RadiologyError('not-found', { itemId })
  throw new RadiologyError(now.state === 'open' ? 'lease-expired' : 'stale-fence', { itemId, fence })
}

/** Gives an item back; the draft stays. Not holding it: no effect. */
export async function release(
  department: Department,
  act: Act,
  { itemId, fence }: { itemId: string; fence: number },
): Promise<void> {
  await mutate(department, act, 'release', async (scope) => {
    const item = await lockItem(scope, itemId)
    await openAgain(scope, item, { fence, why: 'released', reason: 'released' })
  })
}

/** Gives an item back with a reason and keeps it off this person's "next case" for a while. */
export async function skip(
  department: Department,
  act: Act,
  { itemId, fence, reason }: { itemId: string; fence: number | null; reason: string },
): Promise<void> {
  if (!reason) throw new RadiologyError('reason-required', { itemId })
  await mutate(department, act, 'skip', async (scope) => {
    const item = await lockItem(scope, itemId)
    const { lease } = await policyOf(scope.sql)
    const until = new Date(act.machineNow.getTime() + lease.skipMs)
    await scope.sql`
      insert into skips (item_id, user_id, until, reason) values (${itemId}, ${act.actor.id}, ${until}, ${reason})
      on conflict (item_id, user_id) do update set until = excluded.until, reason = excluded.reason`
    if (fence !== null) await openAgain(scope, item, { fence, why: 'skipped', reason: 'skipped' })
  })
}

/** Gives an item back in the caller's transaction, because somebody else must act first. @throws RadiologyError 'not-holder', 'stale-fence' */
export async function giveBack(scope: Scope, item: ItemRow, fence: number): Promise<void> {
  if (item.state !== 'claimed') throw new RadiologyError('not-holder', { itemId: item.id })
  await openAgain(scope, item, { fence, why: 'released', reason: 'returned' })
}

interface Reopening {
  fence: number
  why: 'released' | 'skipped' | 'expired'
  reason: string
}

async function openAgain(scope: Scope, item: ItemRow, { fence, why, reason }: Reopening): Promise<void> {
  const [row] = await scope.sql`
    update work_items set state = 'open', holder = null, lease_until = null, parked = false
    where id = ${item.id} and state = 'claimed' and holder = ${scope.act.actor.id} and fence = ${fence} returning id`
  if (!row) {
    if (item.state === 'open') return
    throw new RadiologyError('stale-fence', { itemId: item.id, fence })
  }
  await endTenure(scope, item, why)
  note(scope, item, 'work-item.released', { fence, holder: scope.act.actor.id, reason })
}

/**
 * Takes an item over from somebody, with a reason and the fence that was seen on the screen.
 * @throws RadiologyError 'stale-fence' when it moved on meanwhile, 'reason-required', 'forbidden'
 */
export async function takeOver(
  department: Department,
  act: Act,
  { itemId, fenceSeen, reason }: { itemId: string; fenceSeen: number; reason: string },
): Promise<Claimed> {
  return mutate(department, act, 'take-over', async (scope) => {
    const { sql } = scope
    const item = await lockItem(scope, itemId)
    const { lease } = await policyOf(sql)
    await mustBeAbleOnItem(scope, 'take-over', item, {
      reason,
      mayBeTakenOver: mayBeTakenOver(item, act, lease.leaseMs),
    })
    const leaseUntil = new Date(act.machineNow.getTime() + lease.leaseMs)
    const [row] = await sql<{ fence: number }[]>`
      update work_items set holder = ${act.actor.id}, fence = fence + 1, lease_until = ${leaseUntil},
        claimed_at = ${act.machineNow}, parked = false
      where id = ${itemId} and state = 'claimed' and holder <> ${act.actor.id} and fence = ${fenceSeen} returning fence`
    if (!row) throw new RadiologyError('stale-fence', { itemId, fence: fenceSeen })
    await endTenure(scope, item, 'taken-over')
    await beginTenure(scope, itemId, row.fence)
    note(scope, item, 'work-item.taken-over', {
      fence: row.fence,
      holder: act.actor.id,
      reason: 'taken-over',
    })
    return { itemId, fence: row.fence, leaseUntil }
  })
}

// A colleague doesn't wait for a lease where the patient can't, nor for a screen that has gone silent.
function mayBeTakenOver(
  { priority, late_at, due_at, lease_until }: ItemRow,
  { now, machineNow }: Act,
  leaseMs: number,
): boolean {
  const isLate = late_at !== null || (due_at !== null && due_at < now)
  const leftMs = (lease_until?.getTime() ?? 0) - machineNow.getTime()
  return priority === 'stat' || isLate || leftMs < leaseMs / 2
}

/** Opens every item whose lease is over (sweep, every 10 s); drafts stay. Returns how many. */
export async function expireLeases(department: Department, act: Act): Promise<number> {
  const over = await department.sql<{ id: string; order_id: string | null }[]>`
    select id, order_id from work_items where state = 'claimed' and lease_until <= ${act.machineNow} limit 200`
  let expired = 0
  for (const { id } of over) {
    expired += await mutate(department, act, 'expire-lease', async (scope) => {
      const item = await lockItem(scope, id)
      const [row] = await scope.sql`
        update work_items set state = 'open', holder = null, lease_until = null, parked = false
        where id = ${id} and state = 'claimed' and lease_until <= ${act.machineNow} returning id`
      if (!row) return 0
      await endTenure(scope, item, 'expired')
      note(scope, item, 'work-item.expired', { fence: item.fence, holder: item.holder })
      return 1
    })
  }
  return expired
}

/**
 * Completes the item that the actor holds under this fence; part of the decision's own transaction.
 * @throws RadiologyError 'not-holder' for an unclaimed item, 'stale-fence' for another's fence
 */
export async function completeHeld(
  scope: Scope,
  item: ItemRow,
  fence: number,
  result: Record<string, unknown>,
): Promise<void> {
  const { sql, act } = scope
  const [row] = await sql`
    update work_items set state = 'completed', holder = null, lease_until = null, completed_at = ${act.now},
      completed_by = ${act.actor.id}, result = ${sql.json(result as never)}
    where id = ${item.id} and state = 'claimed' and holder = ${act.actor.id} and fence = ${fence} returning id`
  if (!row)
    throw new RadiologyError(item.state === 'open' ? 'not-holder' : 'stale-fence', { itemId: item.id, fence })
  await endTenure(scope, item, 'completed')
  note(scope, item, 'work-item.completed', { fence, holder: act.actor.id })
}

/** Completes the live item about a subject, held by anybody or nobody: the decision was made where no claim is asked. */
export async function completeBySubject(
  scope: Scope,
  { kind, subjectId }: { kind: string; subjectId: string },
): Promise<void> {
  const { sql, act } = scope
  const [item] = await sql<ItemRow[]>`
    select * from work_items where kind = ${kind} and subject_id = ${subjectId} and state in ('open', 'claimed') for update`
  if (!item) return
  await sql`
    update work_items set state = 'completed', holder = null, lease_until = null, completed_at = ${act.now},
      completed_by = ${act.actor.id} where id = ${item.id}`
  if (item.state === 'claimed') await endTenure(scope, item, 'completed')
  note(scope, item, 'work-item.completed', { holder: item.holder })
}

/** Cancels an item nobody wants any more; a holder is told by its event, a draft stays. */
export async function cancelItem(scope: Scope, item: ItemRow, reason: string): Promise<void> {
  const [row] = await scope.sql`
    update work_items set state = 'cancelled', holder = null, lease_until = null, completed_at = ${scope.act.now}, cancel_reason = ${reason}
    where id = ${item.id} and state in ('open', 'claimed') returning id`
  if (!row) return
  if (item.state === 'claimed') await endTenure(scope, item, 'cancelled')
  note(scope, item, 'work-item.cancelled', { holder: item.holder, reason })
}

/** Takes the order's lock, then reads the item: the order of locks that every mutation keeps. */
export async function lockItem(scope: Scope, itemId: string): Promise<ItemRow> {
  const [found] = await scope.sql<
    { order_id: string | null }[]
  >`select order_id from work_items where id = ${itemId}`
  if (!found) throw new RadiologyError('not-found', { itemId })
  if (found.order_id) await scope.lockOrder(found.order_id)
  const [item] = await scope.sql<ItemRow[]>`select * from work_items where id = ${itemId} for update`
  return item!
}

async function beginTenure({ sql, act }: Scope, itemId: string, fence: number): Promise<void> {
  await sql`
    insert into tenures (item_id, fence, holder, claimed_at, ups_uid)
    values (${itemId}, ${fence}, ${act.actor.id}, ${act.machineNow}, ${uuidUid()})`
}

async function endTenure({ sql, act }: Scope, item: ItemRow, by: string): Promise<void> {
  await sql`
    update tenures set ended_at = ${act.machineNow}, ended_by = ${by}
    where item_id = ${item.id} and fence = ${item.fence} and ended_at is null`
}

function note(
  scope: Scope,
  item: ItemRow,
  type:
    | 'work-item.claimed'
    | 'work-item.released'
    | 'work-item.taken-over'
    | 'work-item.expired'
    | 'work-item.completed'
    | 'work-item.cancelled',
  data: Record<string, unknown>,
): void {
  scope.announce(`list:${item.kind}`)
  if (!item.order_id) return
  scope.append(item.order_id, {
    type,
    data: { itemId: item.id, kind: item.kind, cycle: item.cycle, ...data },
  })
}
