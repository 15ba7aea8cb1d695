/** Who has the shift of an area at a site: at one instant for the rules of reading, and as a plan for who leads. */
import type { AnySql } from '../client.ts'
import { sharedRead } from './shared-read.ts'

/** Ids of those on shift, by site and area. */
export type OnShift = (siteId: string, area: string | null) => readonly string[]

interface Slot {
  site_id: string
  area: string
  user_id: string
}

/** @param now department clock */
export async function onShiftAt(sql: AnySql, now: Date): Promise<OnShift> {
  // Everybody's lists ask at once; the plan of a minute is the same for all of them.
  const slots = await sharedRead(
    sql,
    `shifts ${now.toISOString()}`,
    () => sql<Slot[]>`
      select site_id, area, user_id from shifts where dropped_at is null and to_at > ${now} and from_at <= ${now}
      order by user_id`,
  )
  const by = Map.groupBy(slots, ({ site_id, area }) => `${site_id} ${area}`)
  return (siteId, area) => (by.get(`${siteId} ${area}`) ?? []).map(({ user_id }) => user_id)
}

export interface PlannedShift {
  id: string
  siteId: string
  area: string
  reader: { id: string; name: string }
  from: Date
  to: Date
}

/** What is on now or comes within the span, soonest first. @param sites null for all of them */
export async function plannedShifts(
  sql: AnySql,
  sites: readonly string[] | null,
  { now, until }: { now: Date; until: Date },
): Promise<PlannedShift[]> {
  return await sql<PlannedShift[]>`
    select s.id, s.site_id as "siteId", s.area, jsonb_build_object('id', u.id, 'name', u.name) as reader,
      s.from_at as "from", s.to_at as "to"
    from shifts s join users u on u.id = s.user_id
    where s.dropped_at is null and s.to_at > ${now} and s.from_at < ${until}
      and (${sites === null} or s.site_id = any(${[...(sites ?? [])]}))
    order by s.from_at, s.area, u.name, s.id`
}

export interface ShiftReader {
  id: string
  name: string
  areas: string[]
  sites: string[]
}

/** Whoever can have a shift. */
export async function shiftReaders(sql: AnySql): Promise<ShiftReader[]> {
  return await sql<ShiftReader[]>`
    select id, name, areas, sites from users
    where enabled and roles && '{radiologist,resident}' and areas <> '{}' order by name, id`
}
