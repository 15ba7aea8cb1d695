/** Shifts: who reads which area at a site from when to when; who leads sets them. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate } from './mutate.ts'

export interface NewShift {
  siteId: string
  area: string
  userId: string
  /** Department clock. */
  from: Date
  to: Date
}

/** What a shift may last: longer is a slip of the date. */
const LONGEST_MS = 7 * 86_400_000

/**
 * Keyed on site, area, person and begin: set again it ends when the newest says.
 * @throws RadiologyError 'not-eligible' for somebody who does not read that area there; 'invalid-message' for no span
 */
export async function setShift(
  department: Department,
  act: Act,
  shift: NewShift,
): Promise<{ shiftId: string }> {
  const { siteId, area, userId, from, to } = shift
  mustBeAble(act.actor, 'plan-shifts', { siteId })
  const lastsMs = to.getTime() - from.getTime()
  if (!(lastsMs > 0 && lastsMs <= LONGEST_MS)) throw new RadiologyError('invalid-message', { field: 'to' })
  return mutate(department, act, 'set-shift', async (scope) => {
    const [reader] = await scope.sql`
      select id from users where id = ${userId} and enabled and areas @> ${[area]} and sites && ${[siteId, '*']}
        and roles && '{radiologist,resident}'`
    if (!reader) throw new RadiologyError('not-eligible', { userId })
    const [row] = await scope.sql<{ id: string }[]>`
      insert into shifts (id, site_id, area, user_id, from_at, to_at, set_by)
      values (${ulid()}, ${siteId}, ${area}, ${userId}, ${from}, ${to}, ${act.actor.id})
      on conflict (site_id, area, user_id, from_at) where dropped_at is null do update
        set to_at = excluded.to_at, set_by = excluded.set_by where shifts.to_at <> excluded.to_at
      returning id`
    if (row) {
      scope.audit({
        subject: `user:${userId}`,
        type: 'shift.set',
        data: { shiftId: row.id, siteId, area, from, to },
      })
      scope.announce('shifts', 'list:read')
    }
    const [set] = await scope.sql<{ id: string }[]>`
      select id from shifts where site_id = ${siteId} and area = ${area} and user_id = ${userId} and from_at = ${from}
        and dropped_at is null`
    return { shiftId: set!.id }
  })
}

/** Takes a shift off the plan, from now on. Done again it does nothing. */
export async function dropShift(
  department: Department,
  act: Act,
  { shiftId }: { shiftId: string },
): Promise<void> {
  await mutate(department, act, 'drop-shift', async (scope) => {
    const [shift] = await scope.sql<{ site_id: string; user_id: string }[]>`
      select site_id, user_id from shifts where id = ${shiftId} for update`
    if (!shift) throw new RadiologyError('not-found', { shiftId })
    mustBeAble(act.actor, 'plan-shifts', { siteId: shift.site_id })
    const [row] = await scope.sql`
      update shifts set dropped_at = ${act.now} where id = ${shiftId} and dropped_at is null returning id`
    if (!row) return
    scope.audit({ subject: `user:${shift.user_id}`, type: 'shift.dropped', data: { shiftId } })
    scope.announce('shifts', 'list:read')
  })
}
