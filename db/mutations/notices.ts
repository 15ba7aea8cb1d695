/** Notices: who hears of a rung of the ladder, each person once per item, and that they have seen it. */
import { ineligible } from '#domain/eligibility.ts'
import { type Actor, inAudience } from '#domain/permissions.ts'
import type { LadderRung } from '#domain/policy.ts'
import type { Department } from '../department.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { itemFacts, readingCase, reviveAudience } from './permission.ts'

/** Live topic of one person's notices. */
export const noticesOf = (userId: string): string => `notices:${userId}`

export interface ClimbedRung {
  itemId: string
  rung: LadderRung
  lateByMs: number
}

/**
 * Tells whom the rung concerns: the holder, else (of a check) the technologists of the site, or the readers on shift who may take the case (all who may, where nobody
 * has the shift); with "reassign" again those; then the leads and then the heads of the site. A higher rung is told in
 * the place of a lower one, so that what an outage kept back is one notice to each person.
 */
export async function noticeRung(scope: Scope, { itemId, rung, lateByMs }: ClimbedRung): Promise<void> {
  const { sql, act } = scope
  const people =
    rung === 'lead' || rung === 'head' ? await inCharge(scope, itemId, rung) : await readers(scope, itemId)
  for (const userId of people) {
    await sql`
      insert into notices (user_id, item_id, rung, at, late_by_ms)
      values (${userId}, ${itemId}, ${rung}, ${act.now}, ${lateByMs})
      on conflict (user_id, item_id) do update
        set rung = excluded.rung, at = excluded.at, late_by_ms = excluded.late_by_ms, seen_at = null`
    scope.announce(noticesOf(userId))
  }
}

/** The person has seen these; the rows stay. Seen already, or somebody else's: no effect. */
export async function seeNotices(
  department: Department,
  act: Act,
  { itemIds }: { itemIds: readonly string[] },
): Promise<void> {
  await mutate(department, act, 'see-notices', async (scope) => {
    await scope.sql`
      update notices set seen_at = ${act.now}
      where user_id = ${act.actor.id} and item_id = any(${[...itemIds]}) and seen_at is null`
    scope.announce(noticesOf(act.actor.id))
  })
}

export async function inCharge({ sql }: Scope, itemId: string, role: 'lead' | 'head'): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select u.id from users u join work_items w on w.id = ${itemId}
    where u.enabled and ${role} = any(u.roles) and u.sites && array['*', w.site_id] order by u.id`
  return rows.map(({ id }) => id)
}

/** The holder, else the readers on shift who may take it, else all who may. */
export async function readers({ sql, act }: Scope, itemId: string): Promise<string[]> {
  const item = await itemFacts({ sql, act }, itemId)
  if (!item) return []
  if (item.holder !== null) return [item.holder]
  const people = await sql<Omit<Actor, 'kind'>[]>`
    select id, roles, sites, areas, credentials from users
    where enabled and roles && ${item.kind === 'quality' ? ['technologist'] : ['radiologist', 'resident']} and sites && array['*', ${item.site_id}] order by id`
  const audience = reviveAudience(item.audience)
  const able = people
    .map((person): Actor => ({ kind: 'user', ...person }))
    .filter((person) => inAudience(person, audience, act.now))
    .filter(
      (person) =>
        item.kind === 'quality' || ineligible(person, readingCase(item, act.now), item.today) === null,
    )
    .map(({ id }) => id)
  const onShift = able.filter((id) => item.on_shift.includes(id))
  return onShift.length > 0 ? onShift : able
}
