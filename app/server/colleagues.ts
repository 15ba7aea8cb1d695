/** What a lead may choose from on a row: people who could take the work, rooms where the exam could be. */
import { calendarSites, calendarStep, freeSlots } from '#db/queries/calendar.ts'
import { type Colleague, colleaguesFor } from '#db/queries/colleagues.ts'
import { MINUTE_MS } from '#domain/calendar.ts'
import { can } from '#domain/permissions.ts'
import type { SignedIn } from './guard.ts'

export interface RoomChoice {
  roomId: string
  name: string
  start: string
}

/** Nobody for an item of a site that the asker doesn't lead. */
export async function peopleFor({ person, server }: SignedIn, itemId: string): Promise<Colleague[]> {
  const { department } = server
  const [item] = await department.sql<
    { site_id: string }[]
  >`select site_id from work_items where id = ${itemId}`
  const asks = { siteId: item?.site_id ?? null, reason: 'asked' }
  if (!can(person.actor, 'reassign', asks).allowed) return []
  return colleaguesFor(department.sql, itemId, { now: await department.now(), machineNow: new Date() })
}

/** The other rooms that fit, each with its first free time: not before the booked one, unless the patient is here. */
export async function roomsFor({ person, server }: SignedIn, stepId: string): Promise<RoomChoice[]> {
  const { department } = server
  const { sql } = department
  const step = await calendarStep(sql, person.actor, stepId)
  if (!step?.roomId || !step.start || !step.end) return []
  const site = (await calendarSites(sql, person.actor)).find(({ id }) => id === step.siteId)
  if (!site) return []
  const now = await department.now()
  const from = step.status === 'scheduled' && step.start > now ? step.start : now
  const minutes = (step.end.getTime() - step.start.getTime()) / MINUTE_MS
  const found = await freeSlots(sql, site, { step: { ...step, minutes }, from, most: 60 })
  const first = new Map<string, RoomChoice>()
  for (const { roomId, roomName, start } of found)
    if (roomId !== step.roomId && !first.has(roomId))
      first.set(roomId, { roomId, name: roomName, start: start.toISOString() })
  return [...first.values()]
}
