/** Handing over: a line is written down, taken over by name, and settled; what the facts say needs no writing down. */
import { RadiologyError } from '#domain/errors.ts'
import { type HandoverKind, shiftTakingOver, type WaitingFor } from '#domain/handover.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { handover } from '../queries/handover.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

/** Live topic of every handover on a screen. */
export const HANDOVER = 'handover'

export interface AddedLine {
  siteId: string
  kind: HandoverKind
  /** With kind `waiting`, and only with it. */
  waitingFor: WaitingFor | null
  words: string
  /** The order it is about, by its accession number. */
  accession: string | null
  roomId: string | null
}

/**
 * Writes a line down for the next shift; the same once more by the same person: no effect.
 * @throws RadiologyError 'invalid-message' for no words, or a waiting line that doesn't say for what; 'not-found'
 */
export async function addHandoverLine(
  department: Department,
  act: Act,
  line: AddedLine,
): Promise<{ lineId: string }> {
  const { siteId, kind, waitingFor, words } = line
  if (words.length === 0 || words.length > 300)
    throw new RadiologyError('invalid-message', { field: 'words' })
  if ((kind === 'waiting') !== (waitingFor !== null))
    throw new RadiologyError('invalid-message', { field: 'waitingFor' })
  return mutate(department, act, 'add-handover-line', async (scope) => {
    mustBeAble(act.actor, 'hand-over', { siteId })
    const orderId = await orderAt(scope, line)
    const roomId = await roomAt(scope, line)
    const [same] = await scope.sql<{ id: string }[]>`
      select id from handover_lines where site_id = ${siteId} and kind = ${kind} and words = ${words}
        and order_id is not distinct from ${orderId} and added_by = ${act.actor.id} and settled_at is null`
    if (same) return { lineId: same.id }
    const lineId = ulid()
    await scope.sql`
      insert into handover_lines (id, site_id, kind, waiting_for, words, order_id, room_id, added_by, added_at)
      values (${lineId}, ${siteId}, ${kind}, ${waitingFor}, ${words}, ${orderId}, ${roomId}, ${act.actor.id}, ${act.now})`
    note(scope, siteId, 'handover.added', { lineId, kind })
    return { lineId }
  })
}

async function orderAt({ sql }: Scope, { accession, siteId }: AddedLine): Promise<string | null> {
  if (!accession) return null
  const [order] = await sql<{ id: string }[]>`
    select id from orders where accession = ${accession} and site_id = ${siteId}`
  if (!order) throw new RadiologyError('unknown-order', { siteId })
  return order.id
}

async function roomAt({ sql }: Scope, { roomId, siteId }: AddedLine): Promise<string | null> {
  if (!roomId) return null
  const [room] = await sql<
    { id: string }[]
  >`select id from rooms where id = ${roomId} and site_id = ${siteId}`
  if (!room) throw new RadiologyError('not-found', { roomId })
  return room.id
}

/**
 * Takes a line over by name, for the shift that runs or is about to begin. Once more by the same person: no effect.
 * @throws RadiologyError 'not-found' when it is settled meanwhile; 'second-person-required' for one's own line
 */
export async function acknowledgeHandover(
  department: Department,
  act: Act,
  { key }: { key: string },
): Promise<void> {
  await mutate(department, act, 'acknowledge-handover', async (scope) => {
    const { sql } = scope
    const { lines } = await handover(sql, act.actor, act.now)
    const line = lines.find((each) => each.key === key)
    if (!line) throw new RadiologyError('not-found', { key })
    mustBeAble(act.actor, 'hand-over', { siteId: line.siteId })
    if (line.added?.byId === act.actor.id) throw new RadiologyError('second-person-required', { key })
    const [site] = await sql<{ zone: string }[]>`select zone from sites where id = ${line.siteId}`
    const { start } = shiftTakingOver(site!.zone, act.now, (await policyOf(sql)).handover)
    const [row] = await sql`
      insert into handover_acknowledgements (line_key, site_id, by, at, shift_start)
      values (${key}, ${line.siteId}, ${act.actor.id}, ${act.now}, ${start}) on conflict do nothing returning at`
    if (row) note(scope, line.siteId, 'handover.acknowledged', { key, shiftStart: start.toISOString() })
  })
}

/** An added line is settled, or stands again. So already: no effect. @throws RadiologyError 'not-found' */
export async function settleHandoverLine(
  department: Department,
  act: Act,
  { lineId, isSettled }: { lineId: string; isSettled: boolean },
): Promise<void> {
  await mutate(department, act, 'settle-handover-line', async (scope) => {
    const [line] = await scope.sql<{ site_id: string; settled_at: Date | null }[]>`
      select site_id, settled_at from handover_lines where id = ${lineId} for update`
    if (!line) throw new RadiologyError('not-found', { lineId })
    mustBeAble(act.actor, 'hand-over', { siteId: line.site_id })
    if ((line.settled_at !== null) === isSettled) return
    const [by, at] = isSettled ? [act.actor.id, act.now] : [null, null]
    await scope.sql`update handover_lines set settled_by = ${by}, settled_at = ${at} where id = ${lineId}`
    note(scope, line.site_id, isSettled ? 'handover.settled' : 'handover.reopened', { lineId })
  })
}

function note(scope: Scope, siteId: string, type: string, data: Record<string, unknown>): void {
  scope.audit({ subject: `site:${siteId}`, type, data })
  scope.announce(HANDOVER)
}
