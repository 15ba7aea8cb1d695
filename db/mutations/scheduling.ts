/** Booking: a scheduled procedure step gets a room and a time, never two patients at once in one room. */
import { RadiologyError } from '#domain/errors.ts'
import type { TransactionSql } from '../client.ts'
import type { Department } from '../department.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnOrder } from './permission.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export interface Booking {
  orderId: string
  stepId: string
  siteId: string
  modality: string
  start: Date
  minutes: number
  /** Room id, room name or AE title as the sender said it; null: any room of the modality. */
  room: string | null
}

/**
 * Books the named room, else the first free one of the modality; when none is free, or the date is long past,
 * the step stays planned with its wish and the scheduler's list shows it.
 */
export async function bookWhereFree(scope: Scope, booking: Booking): Promise<boolean> {
  if (booking.start.getTime() < scope.act.now.getTime() - DAY_MS) return false
  for (const { id: roomId } of await candidateRooms(scope, booking)) {
    if (await tryBook(scope, booking, roomId)) return true
  }
  return false
}

async function candidateRooms(
  { sql }: Scope,
  { siteId, modality, room }: Booking,
): Promise<{ id: string }[]> {
  return await sql<{ id: string }[]>`
    select r.id from rooms r left join devices d on d.room_id = r.id
    where r.site_id = ${siteId} and r.modality = any(${sameRoom(modality)})
    group by r.id, r.name, r.position
    order by (r.id = ${room} or r.name = ${room} or coalesce(bool_or(d.ae_title = ${room}), false)) desc nulls last, r.position`
}

// Projection radiography is ordered as DX or CR and done in the same rooms.
function sameRoom(modality: string): string[] {
  return modality === 'DX' || modality === 'CR' || modality === 'XR' ? ['DX', 'CR', 'XR'] : [modality]
}

async function tryBook(scope: Scope, booking: Booking, roomId: string): Promise<boolean> {
  const end = new Date(booking.start.getTime() + booking.minutes * MINUTE_MS)
  const isBooked = await inFreeSlot(
    scope,
    (sql) => sql`
      update steps set status = 'scheduled', room_id = ${roomId}, planned_start = ${booking.start}, planned_end = ${end},
        bookings = bookings + 1, booked_at = ${scope.act.now}
      where id = ${booking.stepId} and status in ('planned', 'scheduled', 'no-show')`,
  )
  if (!isBooked) return false
  scope.append(booking.orderId, {
    type: 'step.scheduled',
    data: { stepId: booking.stepId, roomId, plannedAt: booking.start.toISOString() },
  })
  return true
}

/** False when another patient has the room then: the exclusion constraint says so, and the transaction goes on. */
async function inFreeSlot(
  { sql }: Scope,
  write: (sql: TransactionSql) => Promise<unknown>,
): Promise<boolean> {
  try {
    await sql.savepoint((inner) => write(inner as TransactionSql))
    return true
  } catch (error) {
    if ((error as { code?: string }).code === '23P01') return false
    throw error
  }
}

/**
 * Books or moves one step (scheduler, lead, technologist). Where it stands already: no effect.
 * @throws RadiologyError 'slot-taken' when the room is not free then; 'illegal-transition' when the step has begun
 */
export async function bookStep(
  department: Department,
  act: Act,
  { stepId, roomId, start, minutes }: { stepId: string; roomId: string; start: Date; minutes?: number },
): Promise<void> {
  await mutate(department, act, 'book-step', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 'book-step', step.order_id)
    if (!['planned', 'scheduled', 'no-show'].includes(step.status)) {
      throw new RadiologyError('illegal-transition', { stepId, from: step.status, event: 'book' })
    }
    const booking: Booking = {
      orderId: step.order_id,
      stepId,
      siteId: step.site_id,
      modality: step.modality,
      start,
      minutes: minutes ?? step.slot_minutes,
      room: roomId,
    }
    if (standsThere(step, booking)) return
    const booked = await tryBook(scope, booking, roomId)
    if (!booked) throw new RadiologyError('slot-taken', { stepId, roomId })
  })
}

/**
 * A step that became another exam keeps its slot where that fits: the same kind of room, free for as long as it takes now
 * (null: as long as before). Else the slot is freed; who is here already stays here and waits for any room of the kind.
 */
export async function fitSlot(
  scope: Scope,
  { stepId, modality, minutes }: { stepId: string; modality: string; minutes: number | null },
): Promise<void> {
  const { sql, act } = scope
  const [step] = await sql<{ order_id: string; status: string; room_modality: string | null }[]>`
    select s.order_id, s.status, r.modality as room_modality from steps s left join rooms r on r.id = s.room_id
    where s.id = ${stepId} and (s.room_id is not null or s.planned_start is not null)`
  if (!step) return
  const isItsRoom = step.room_modality !== null && sameRoom(modality).includes(step.room_modality)
  const fits =
    isItsRoom &&
    (await inFreeSlot(
      scope,
      (inner) => inner`
        update steps set planned_end = case when planned_end is null or ${minutes}::integer is null then planned_end
          else planned_start + ${minutes ?? 0} * interval '1 minute' end where id = ${stepId}`,
    ))
  if (fits) return
  const isHere = step.status === 'arrived' || step.status === 'ready'
  await sql`
    update steps set status = case when ${isHere} then status else 'planned' end, room_id = null, planned_start = null,
      planned_end = null, planned_since = ${act.now} where id = ${stepId}`
  const data = { stepId, reason: 'order-changed' }
  scope.append(step.order_id, { type: 'step.unscheduled', data })
  if (isHere)
    scope.append(step.order_id, { type: step.status === 'ready' ? 'step.ready' : 'step.arrived', data })
}

// Booked once more it would count as moved, and the work at the scanner would be another piece of work.
function standsThere(step: LockedStep, { start, minutes, room }: Booking): boolean {
  const end = start.getTime() + minutes * MINUTE_MS
  const isSameTime = step.planned_start?.getTime() === start.getTime() && step.planned_end?.getTime() === end
  return step.status === 'scheduled' && step.room_id === room && isSameTime
}

export interface ReRoom {
  stepId: string
  roomId: string
  start: Date
  reason: string
}

/**
 * Moves a booked patient to another room, also one who is here already: they stay arrived, and only where and when
 * changes. Back to the room and time of before is how it is undone.
 * @returns where the step stood before
 * @throws RadiologyError 'slot-taken', 'procedure-begun'; 'illegal-transition' for a step without a slot
 */
export async function reRoom(
  department: Department,
  act: Act,
  { stepId, roomId, start, reason }: ReRoom,
): Promise<{ roomId: string; start: string }> {
  return mutate(department, act, 're-room', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 're-room', step.order_id, { reason })
    if (step.status === 'started') throw new RadiologyError('procedure-begun', { stepId, event: 're-room' })
    const { room_id, planned_start, planned_end } = step
    if (
      !['scheduled', 'arrived', 'ready'].includes(step.status) ||
      !room_id ||
      !planned_start ||
      !planned_end
    )
      throw new RadiologyError('illegal-transition', { stepId, from: step.status, event: 're-room' })
    const before = { roomId: room_id, start: planned_start.toISOString() }
    if (room_id === roomId && planned_start.getTime() === start.getTime()) return before
    await mustFit(scope, step, roomId)
    const end = new Date(start.getTime() + planned_end.getTime() - planned_start.getTime())
    const isMoved = await inFreeSlot(
      scope,
      (sql) => sql`
        update steps s set room_id = ${roomId}, planned_start = ${start}, planned_end = ${end},
          -- Another day is another piece of work at the scanner, unless who it is about is here.
          bookings = bookings + case when s.status = 'scheduled' and (s.planned_start at time zone si.zone)::date
            <> (${start}::timestamptz at time zone si.zone)::date then 1 else 0 end
        from orders o join sites si on si.id = o.site_id where s.id = ${stepId} and o.id = s.order_id`,
    )
    if (!isMoved) throw new RadiologyError('slot-taken', { stepId, roomId })
    scope.append(step.order_id, {
      type: 'step.scheduled',
      data: { stepId, roomId, plannedAt: start.toISOString(), fromRoomId: room_id, reason },
    })
    return before
  })
}

// A room of another kind has no scanner for it, and one of another site no patient.
async function mustFit({ sql }: Scope, step: LockedStep, roomId: string): Promise<void> {
  const [room] = await sql`
    select 1 from rooms where id = ${roomId} and site_id = ${step.site_id} and modality = any(${sameRoom(step.modality)})`
  if (!room) throw new RadiologyError('not-found', { roomId })
}

/** Takes a step off its slot; it waits on the scheduler's list again. */
export async function unbookStep(
  department: Department,
  act: Act,
  { stepId }: { stepId: string },
): Promise<void> {
  await mutate(department, act, 'unbook-step', async (scope) => {
    const step = await lockStep(scope, stepId)
    await mustBeAbleOnOrder(scope, 'unbook-step', step.order_id)
    if (step.status === 'planned') return
    if (!['scheduled', 'no-show'].includes(step.status)) {
      throw new RadiologyError(step.status === 'started' ? 'procedure-begun' : 'illegal-transition', {
        stepId,
        from: step.status,
      })
    }
    await scope.sql`
      update steps set status = 'planned', room_id = null, planned_start = null, planned_end = null, planned_since = ${act.now}
      where id = ${stepId}`
    scope.append(step.order_id, { type: 'step.unscheduled', data: { stepId } })
  })
}

export interface LockedStep {
  id: string
  order_id: string
  procedure_id: string
  site_id: string
  status: string
  modality: string
  room_id: string | null
  planned_start: Date | null
  planned_end: Date | null
  status_before_begin: string | null
  study_uid: string
  slot_minutes: number
}

/** Takes the order's lock and reads the step under it. */
export async function lockStep(scope: Scope, stepId: string): Promise<LockedStep> {
  const [found] = await scope.sql<{ order_id: string }[]>`select order_id from steps where id = ${stepId}`
  if (!found) throw new RadiologyError('not-found', { stepId })
  await scope.lockOrder(found.order_id)
  const [step] = await scope.sql<LockedStep[]>`
    select s.*, o.site_id, p.study_uid, coalesce(c.slot_minutes + c.prep_minutes, 15) as slot_minutes
    from steps s join orders o on o.id = s.order_id join procedures p on p.id = s.procedure_id
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
    where s.id = ${stepId}`
  return step!
}
