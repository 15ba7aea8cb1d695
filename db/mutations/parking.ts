/** A case set aside for a moment and brought back: the claim is kept, and with it where the reader was. */
import { RadiologyError } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { type Claimed, type ItemRow, lockItem, renewBeside } from './work-items.ts'

/** Where somebody was: offsets into a section's text, and the viewer's own word for what it showed. */
export interface DeskPlace {
  cursor: { section: string; from: number; to: number } | null
  layout: Readonly<Record<string, unknown>> | null
}

interface Held {
  itemId: string
  fence: number
}

/**
 * Keeps the claim for half an hour without a heartbeat. Parked once more, the newer place counts.
 * @throws RadiologyError 'too-many-parked', 'stale-fence' for another's fence, 'illegal-transition' when nobody holds it
 */
export async function park(
  department: Department,
  act: Act,
  { itemId, fence, place }: Held & { place: DeskPlace },
): Promise<{ leaseUntil: Date }> {
  return mutate(department, act, 'park', async (scope) => {
    const { sql } = scope
    const item = await lockItem(scope, itemId)
    await mustBeAbleOnItem(scope, 'park', item)
    const { lease } = await policyOf(sql)
    await mustHaveRoom(scope, itemId, lease.maxParkedPerPerson)
    const until = new Date(act.machineNow.getTime() + lease.parkedMs)
    const [row] = await sql<{ lease_until: Date }[]>`
      update work_items set parked = true, lease_until = greatest(lease_until, ${until})
      where id = ${itemId} and state = 'claimed' and holder = ${act.actor.id} and fence = ${fence} returning lease_until`
    if (!row) throw refusalOf(item, fence)
    await renewBeside(sql, act, item, until)
    await sql`
      insert into parked_cases (item_id, fence, user_id, parked_at, place)
      values (${itemId}, ${fence}, ${act.actor.id}, ${act.machineNow}, ${sql.json(place as never)})
      on conflict (item_id, fence) do update set parked_at = excluded.parked_at, place = excluded.place, returned_at = null`
    const wasParked = (item as ItemRow & { parked: boolean }).parked
    scope.announce(`list:${item.kind}`)
    if (item.order_id && !wasParked)
      scope.append(item.order_id, {
        type: 'work-item.parked',
        data: { itemId, kind: item.kind, cycle: item.cycle, fence, holder: act.actor.id },
      })
    return { leaseUntil: row.lease_until }
  })
}

/**
 * Takes a parked case up again under the claim that was kept, with the place that was left; safe to repeat.
 * @throws RadiologyError 'lease-expired' once the half hour is over, 'stale-fence' when somebody took it over
 */
export async function bringBack(
  department: Department,
  act: Act,
  { itemId }: { itemId: string },
): Promise<Claimed & { place: DeskPlace }> {
  return mutate(department, act, 'bring-back', async (scope) => {
    const { sql } = scope
    const item = await lockItem(scope, itemId)
    await mustBeAbleOnItem(scope, 'park', item)
    const { lease } = await policyOf(sql)
    const leaseUntil = new Date(act.machineNow.getTime() + lease.leaseMs)
    const [row] = await sql<{ fence: number }[]>`
      update work_items set parked = false, lease_until = ${leaseUntil}
      where id = ${itemId} and state = 'claimed' and holder = ${act.actor.id} and lease_until > ${act.machineNow}
        and exists (select 1 from parked_cases c where c.item_id = work_items.id and c.fence = work_items.fence)
      returning fence`
    if (!row) throw item.holder === act.actor.id ? lapsed(item) : refusalOf(item, item.fence)
    await renewBeside(sql, act, item, leaseUntil)
    const [left] = await sql<{ place: DeskPlace }[]>`
      update parked_cases set returned_at = ${act.machineNow}
      where item_id = ${itemId} and fence = ${row.fence} returning place`
    scope.announce(`list:${item.kind}`)
    if (item.order_id) scope.announce(`order:${item.order_id}`)
    return { itemId, fence: row.fence, leaseUntil, place: left!.place }
  })
}

// One at a time for one person: two presses in two windows must not both find the last room free.
async function mustHaveRoom({ sql, act }: Scope, itemId: string, most: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${act.actor.id}, 24))`
  const [parked] = await sql<{ count: number }[]>`
    select count(*)::int as count from work_items
    where holder = ${act.actor.id} and state = 'claimed' and parked and lease_until > ${act.machineNow} and id <> ${itemId}`
  if (parked!.count >= most) throw new RadiologyError('too-many-parked', { most })
}

function refusalOf({ id, state }: ItemRow, fence: number): RadiologyError {
  if (state === 'claimed') return new RadiologyError('stale-fence', { itemId: id, fence })
  return new RadiologyError(state === 'open' ? 'lease-expired' : 'illegal-transition', { itemId: id })
}

const lapsed = ({ id, fence }: ItemRow) => new RadiologyError('lease-expired', { itemId: id, fence })
