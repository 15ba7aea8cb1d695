/** Claims: a lease on a work item with a fencing token, one conditional statement each (zero rows is the refusal). */
import { RadiologyError } from '#domain/errors.ts'
import { PAUSE_REASONS } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { uuidUid } from './minting.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { pauseItem, resumeItem } from './pauses.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { besideOf, lockTogether, ordersTogether } from './reading-group.ts'

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
 * Claims one item for the actor, and with it those it is read together with: all of them or none. The holder under a
 * valid lease gets the fence already held.
 * @throws RadiologyError 'already-claimed' (refs: holder, since), 'blocked', 'not-eligible', 'illegal-transition'
 */
export async function claim(
  department: Department,
  act: Act,
  { itemId }: { itemId: string },
): Promise<Claimed> {
  return mutate(department, act, 'claim', async (scope) => {
    const item = await lockItem(scope, itemId)
    const beside = await lockTogether(scope, item)
    for (const one of [item, ...beside]) await mustBeAbleOnItem(scope, 'claim', one)
    for (const one of beside) await claimLocked(scope, one)
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
  // Whoever takes the case waits no longer.
  await resumeItem(scope, item)
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
  const [row] = await department.sql<Renewed[]>`
    update work_items set lease_until = greatest(lease_until, ${until})
    where id = ${itemId} and state = 'claimed' and holder = ${act.actor.id} and fence = ${fence}
    returning id, kind, subject_id, lease_until`
  if (row) {
    await renewBeside(department.sql, act, row, until)
    return row.lease_until
  }
  const [now] = await department.sql<{ state: string; holder: string | null }[]>`
    select state, holder from work_items where id = ${itemId}`
  if (!now) throw new RadiologyError('not-found', { itemId })
  throw new RadiologyError(now.state === 'open' ? 'lease-expired' : 'stale-fence', { itemId, fence })
}

type Renewed = Pick<ItemRow, 'id' | 'kind' | 'subject_id'> & { lease_until: Date }

/** What is read together is held together: no lease of it runs out before the others. */
export async function renewBeside(
  sql: AnySql,
  { actor }: Pick<Act, 'actor'>,
  item: Pick<ItemRow, 'id' | 'kind' | 'subject_id'>,
  until: Date,
): Promise<void> {
  const ids = (await besideOf(sql, item)).filter(({ holder }) => holder === actor.id).map(({ id }) => id)
  if (ids.length === 0) return
  await sql`
    update work_items set lease_until = greatest(lease_until, ${until})
    where id = any(${ids}) and state = 'claimed' and holder = ${actor.id}`
}

/** Gives an item back, and those it is read together with; the draft stays. Not holding it: no effect. */
export async function release(
  department: Department,
  act: Act,
  { itemId, fence }: { itemId: string; fence: number },
): Promise<void> {
  await mutate(department, act, 'release', async (scope) => {
    const item = await lockItem(scope, itemId)
    const beside = await lockTogether(scope, item)
    await openAgain(scope, item, { fence, why: 'released', reason: 'released' })
    await openBeside(scope, beside, 'released')
  })
}

/**
 * Gives an item back with a reason and keeps it off this person's "next case" for a while. What waits for somebody else
 * (`PAUSE_REASONS`) stands still for everybody until it is taken again, at the longest as the policy says.
 * @throws RadiologyError 'reason-required'; 'forbidden' or 'not-eligible' for whoever may not stop its clock
 */
export async function skip(
  department: Department,
  act: Act,
  { itemId, fence, reason }: { itemId: string; fence: number | null; reason: string },
): Promise<void> {
  if (!reason) throw new RadiologyError('reason-required', { itemId })
  await mutate(department, act, 'skip', async (scope) => {
    const item = await lockItem(scope, itemId)
    const beside = await lockTogether(scope, item)
    const policy = await policyOf(scope.sql)
    const until = new Date(act.machineNow.getTime() + policy.lease.skipMs)
    const waitsFor = PAUSE_REASONS.find((each) => each === reason)
    const isAnothers = item.state === 'claimed' && item.holder !== act.actor.id
    if (waitsFor && !isAnothers) {
      await mustBeAbleOnItem(scope, 'pause-own', item)
      for (const each of [item, ...beside]) await pauseItem(scope, each, { reason: waitsFor, policy })
    }
    for (const { id } of [item, ...beside])
      await scope.sql`
        insert into skips (item_id, user_id, until, reason) values (${id}, ${act.actor.id}, ${until}, ${reason})
        on conflict (item_id, user_id) do update set until = excluded.until, reason = excluded.reason`
    if (fence === null) return
    await openAgain(scope, item, { fence, why: 'skipped', reason: 'skipped' })
    await openBeside(scope, beside, 'skipped')
  })
}

/** Gives an item back in the caller's transaction, because somebody else must act first. @throws RadiologyError 'not-holder', 'stale-fence' */
export async function giveBack(scope: Scope, item: ItemRow, fence: number): Promise<void> {
  if (item.state !== 'claimed') throw new RadiologyError('not-holder', { itemId: item.id })
  const beside = await lockTogether(scope, item)
  await openAgain(scope, item, { fence, why: 'released', reason: 'returned' })
  await openBeside(scope, beside, 'released')
}

async function openBeside(
  scope: Scope,
  beside: readonly ItemRow[],
  why: 'released' | 'skipped',
): Promise<void> {
  for (const one of beside)
    if (one.holder === scope.act.actor.id) await openAgain(scope, one, { fence: one.fence, why, reason: why })
}

interface Reopening {
  fence: number
  why: 'released' | 'skipped' | 'expired'
  reason: string
}

export async function openAgain(
  scope: Scope,
  item: ItemRow,
  { fence, why, reason }: Reopening,
): Promise<void> {
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
    const beside = await lockTogether(scope, item)
    const { lease } = await policyOf(sql)
    await mustBeAbleOnItem(scope, 'take-over', item, {
      reason,
      mayBeTakenOver: mayBeTakenOver(item, act, lease.leaseMs),
    })
    const leaseUntil = new Date(act.machineNow.getTime() + lease.leaseMs)
    const taken = await takeFrom(scope, item, { fenceSeen, leaseUntil })
    // Whoever writes the report holds all that it is about; what lies open of it is claimed as any other.
    for (const one of beside) {
      if (one.holder === item.holder && one.state === 'claimed') {
        await mustBeAbleOnItem(scope, 'take-over', one, { reason, mayBeTakenOver: true })
        await takeFrom(scope, one, { fenceSeen: one.fence, leaseUntil })
      } else {
        await mustBeAbleOnItem(scope, 'claim', one)
        await claimLocked(scope, one)
      }
    }
    return taken
  })
}

async function takeFrom(
  scope: Scope,
  item: ItemRow,
  { fenceSeen, leaseUntil }: { fenceSeen: number; leaseUntil: Date },
): Promise<Claimed> {
  const { sql, act } = scope
  const [row] = await sql<{ fence: number }[]>`
    update work_items set holder = ${act.actor.id}, fence = fence + 1, lease_until = ${leaseUntil},
      claimed_at = ${act.machineNow}, parked = false
    where id = ${item.id} and state = 'claimed' and holder <> ${act.actor.id} and fence = ${fenceSeen} returning fence`
  if (!row) throw new RadiologyError('stale-fence', { itemId: item.id, fence: fenceSeen })
  await endTenure(scope, item, 'taken-over')
  await beginTenure(scope, item.id, row.fence)
  note(scope, item, 'work-item.taken-over', {
    fence: row.fence,
    holder: act.actor.id,
    reason: 'taken-over',
  })
  return { itemId: item.id, fence: row.fence, leaseUntil }
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

/**
 * Takes the order's lock, then reads the item: the order of locks that every mutation keeps. Where exams are read
 * together, the locks of all their orders.
 */
export async function lockItem(scope: Scope, itemId: string): Promise<ItemRow> {
  const orders = await ordersTogether(scope.sql, itemId)
  if (!orders) throw new RadiologyError('not-found', { itemId })
  for (const orderId of orders) await scope.lockOrder(orderId)
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
