/** The scheduler's day: what waits for a slot, what stands in the rooms, and where room is. */
import {
  ALWAYS_OPEN,
  addDays,
  type BusinessCalendar,
  instantOf,
  localDate,
  MINUTE_MS,
  startOfDay,
  weekdayOf,
} from '#domain/calendar.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { type Actor, scopeOf } from '#domain/permissions.ts'
import type { Phase, Priority, StepStatus } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

export interface CalendarSite {
  id: string
  name: string
  calendar: BusinessCalendar
}

export interface CalendarRoom {
  id: string
  name: string
  siteId: string
  modality: string
}

export interface CalendarStep {
  stepId: string
  status: StepStatus
  siteId: string
  roomId: string | null
  start: Date | null
  end: Date | null
  wishedStart: Date | null
  /** What a slot of it takes, preparation included. */
  minutes: number
  modality: string
  noShows: number
  isRetake: boolean
  order: {
    id: string
    accession: string
    priority: Priority
    priorityWord: string | null
    phase: Phase
    location: string | null
    patientClass: string
  }
  patient: {
    name: NameSaid
    sex: string | null
    birthDate: string | null
    identifiers: { value: string; issuer: string }[]
  }
  procedure: { shortName: string; name: string; preparation: string | null }
  /** The work item that says by when it must have a slot; null once it has one. */
  item: {
    id: string
    kind: 'schedule' | 'rebook'
    dueAt: Date | null
    dueFrom: Date
    lateAt: Date | null
  } | null
}

export async function calendarSites(sql: AnySql, actor: Actor): Promise<CalendarSite[]> {
  const rows = await sql<
    { id: string; name: string; zone: string; calendar: Omit<BusinessCalendar, 'zone'> }[]
  >`
    select id, name, zone, calendar from sites s where ${siteFilter(sql, actor)} order by id`
  return rows.map(({ id, name, zone, calendar }) => ({
    id,
    name,
    calendar: { ...ALWAYS_OPEN, ...calendar, zone },
  }))
}

export async function calendarRooms(sql: AnySql, siteId: string): Promise<CalendarRoom[]> {
  return await sql<CalendarRoom[]>`
    select id, name, site_id as "siteId", modality from rooms where site_id = ${siteId} order by position, id`
}

/** What stands in a site's rooms on one local day, no-shows included. */
export async function bookedOn(sql: AnySql, site: CalendarSite, day: string): Promise<CalendarStep[]> {
  const from = startOfDay(site.calendar.zone, day)
  const to = startOfDay(site.calendar.zone, addDays(day, 1))
  return steps(
    sql,
    sql`o.site_id = ${site.id} and s.room_id is not null and s.status not in ('planned', 'cancelled')
      and s.planned_start >= ${from} and s.planned_start < ${to}`,
  )
}

/** Steps of a site without a slot that a scheduler must find one for, by deadline. */
export async function toSchedule(sql: AnySql, siteId: string): Promise<CalendarStep[]> {
  const waiting = await steps(
    sql,
    sql`o.site_id = ${siteId} and w.id is not null and s.status in ('planned', 'no-show')`,
  )
  const at = ({ item }: CalendarStep) => item?.dueAt?.getTime() ?? Number.POSITIVE_INFINITY
  return waiting.sort((a, b) => at(a) - at(b) || (a.order.accession < b.order.accession ? -1 : 1))
}

export async function calendarStep(sql: AnySql, actor: Actor, stepId: string): Promise<CalendarStep | null> {
  const scope = scopeOf(actor, 'see-order')
  const inScope =
    scope.scope === 'all'
      ? sql`true`
      : scope.scope === 'sites'
        ? sql`o.site_id = any(${[...scope.siteIds]})`
        : sql`false`
  const [found] = await steps(sql, sql`s.id = ${stepId} and ${inScope}`)
  return found ?? null
}

async function steps(sql: AnySql, where: ReturnType<AnySql>): Promise<CalendarStep[]> {
  return await sql<CalendarStep[]>`
    select s.id as "stepId", s.status, o.site_id as "siteId", s.room_id as "roomId", s.planned_start as start, s.planned_end as end,
      s.wished_start as "wishedStart", coalesce(c.slot_minutes + c.prep_minutes, 15) as minutes, s.modality,
      s.no_shows as "noShows", s.retake_of is not null as "isRetake",
      jsonb_build_object('id', o.id, 'accession', o.accession, 'priority', o.priority, 'priorityWord', o.priority_word,
        'phase', o.phase, 'location', o.location, 'patientClass', o.patient_class) as order,
      jsonb_build_object('name', pt.name, 'sex', pt.sex, 'birthDate', pt.birth_date, 'identifiers',
        (select coalesce(jsonb_agg(jsonb_build_object('value', value, 'issuer', issuer) order by issuer, value), '[]')
          from patient_identifiers where patient_id = pt.id and retired_at is null and type = 'MR')) as patient,
      jsonb_build_object('shortName', coalesce(c.short_name, p.text), 'name', coalesce(c.name, p.text),
        'preparation', c.preparation) as procedure,
      w.id as item_id, w.kind as item_kind, w.due_at, w.due_from, w.late_at
    from steps s join orders o on o.id = s.order_id join procedures p on p.id = s.procedure_id
      join patients pt on pt.id = o.patient_id
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      left join work_items w on w.subject_id = s.id and w.kind in ('schedule', 'rebook') and w.state in ('open', 'claimed')
    where ${where} order by s.planned_start nulls last, s.id`.then((rows) => rows.map(withItem))
}

// biome-ignore lint/suspicious/noExplicitAny: the row's last five columns become one object
function withItem({ item_id, item_kind, due_at, due_from, late_at, ...step }: any): CalendarStep {
  const item = item_id
    ? { id: item_id, kind: item_kind, dueAt: due_at, dueFrom: due_from, lateAt: late_at }
    : null
  return { ...step, item }
}

export interface FreeSlot {
  roomId: string
  roomName: string
  start: Date
  end: Date
}

/** A slot begins on these minutes of the hour. */
const GRID_MS = 5 * MINUTE_MS
const DAYS_AHEAD = 10

/**
 * The first free times for a step, soonest first, at most one per room and half hour: in opening hours, or at any
 * hour for what can't wait for them.
 */
export async function freeSlots(
  sql: AnySql,
  site: CalendarSite,
  { step, from, most = 6 }: { step: CalendarStep; from: Date; most?: number },
): Promise<FreeSlot[]> {
  const rooms = (await calendarRooms(sql, site.id)).filter((room) => fitsRoom(step.modality, room.modality))
  const until = new Date(from.getTime() + DAYS_AHEAD * 24 * 60 * MINUTE_MS)
  const taken = await sql<{ room_id: string; planned_start: Date; planned_end: Date }[]>`
    select room_id, planned_start, planned_end from steps
    where room_id = any(${rooms.map(({ id }) => id)}) and status in ('scheduled', 'arrived', 'ready', 'started')
      and planned_end > ${from} and planned_start < ${until} and id <> ${step.stepId} order by planned_start`
  // Only routine work keeps to opening hours.
  const anyHour = step.order.priority !== 'routine' || step.order.patientClass === 'emergency'
  const found = rooms.flatMap((room) =>
    freeIn({
      room,
      taken: taken.filter(({ room_id }) => room_id === room.id),
      windows: anyHour ? [{ start: from, end: until }] : openings(site.calendar, from, until),
      minutes: step.minutes,
      most,
    }),
  )
  return found
    .sort((a, b) => a.start.getTime() - b.start.getTime() || (a.roomName < b.roomName ? -1 : 1))
    .slice(0, most)
}

/** Projection radiography is ordered as DX or CR and done in the same rooms. */
export function fitsRoom(stepModality: string, roomModality: string): boolean {
  const projection = ['DX', 'CR', 'XR']
  return (
    stepModality === roomModality || (projection.includes(stepModality) && projection.includes(roomModality))
  )
}

interface Span {
  start: Date
  end: Date
}

function freeIn({ room, taken, windows, minutes, most }: Search): FreeSlot[] {
  const lengthMs = minutes * MINUTE_MS
  const slots: FreeSlot[] = []
  for (const window of windows) {
    let at = onGrid(window.start.getTime())
    while (at + lengthMs <= window.end.getTime() && slots.length < most) {
      const inTheWay = taken.find(
        ({ planned_start, planned_end }) =>
          planned_start.getTime() < at + lengthMs && planned_end.getTime() > at,
      )
      if (inTheWay) {
        at = onGrid(inTheWay.planned_end.getTime())
        continue
      }
      slots.push({ roomId: room.id, roomName: room.name, start: new Date(at), end: new Date(at + lengthMs) })
      at += Math.max(lengthMs, 30 * MINUTE_MS)
    }
  }
  return slots
}

interface Search {
  room: CalendarRoom
  taken: { planned_start: Date; planned_end: Date }[]
  windows: Span[]
  minutes: number
  most: number
}

const onGrid = (ms: number) => Math.ceil(ms / GRID_MS) * GRID_MS

/** The site's opening hours from now on, as instants. */
function openings(calendar: BusinessCalendar, from: Date, until: Date): Span[] {
  const spans: Span[] = []
  for (
    let day = localDate(calendar.zone, from);
    startOfDay(calendar.zone, day) < until;
    day = addDays(day, 1)
  ) {
    if (calendar.holidays.includes(day)) continue
    for (const window of calendar.windows) {
      if (window.weekday !== weekdayOf(day)) continue
      const start = localInstant(calendar.zone, day, window.opens)
      const end = localInstant(calendar.zone, day, window.closes)
      if (end > from) spans.push({ start: start < from ? from : start, end })
    }
  }
  return spans
}

/** `2026-03-12` and `14:02`, as the site's clocks show it. */
export function localInstant(zone: string, day: string, time: string): Date {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number)
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return instantOf(zone, { year, month, day: date, hour, minute, second: 0 })
}

export interface SlotHolder {
  name: NameSaid
  accession: string
  start: Date
  end: Date
}

/** Who stands in a room at a time, when somebody does. */
export async function slotHolder(
  sql: AnySql,
  { roomId, start, minutes, stepId }: { roomId: string; start: Date; minutes: number; stepId: string },
): Promise<SlotHolder | null> {
  const end = new Date(start.getTime() + minutes * MINUTE_MS)
  const [row] = await sql<SlotHolder[]>`
    select p.name, o.accession, s.planned_start as start, s.planned_end as end
    from steps s join orders o on o.id = s.order_id join patients p on p.id = o.patient_id
    where s.room_id = ${roomId} and s.status in ('scheduled', 'arrived', 'ready') and s.id <> ${stepId}
      and s.planned_start < ${end} and s.planned_end > ${start} order by s.planned_start limit 1`
  return row ?? null
}

function siteFilter(sql: AnySql, actor: Actor) {
  const scope = scopeOf(actor, 'see-order')
  if (scope.scope === 'all') return sql`true`
  return scope.scope === 'sites' ? sql`s.id = any(${[...scope.siteIds]})` : sql`false`
}
