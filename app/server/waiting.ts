/** How much waits in each place of a person's bar: as many as its list shows, counted once for all who ask at the same time. */
import { openCriticals } from '#db/queries/critical-results.ts'
import { policyOf } from '#db/queries/policy.ts'
import { looksSince } from '#db/queries/repeats.ts'
import { countReturns } from '#db/queries/returns.ts'
import { worklistCounts } from '#db/queries/worklists.ts'
import { DAY_MS } from '#domain/calendar.ts'
import { scopeOf } from '#domain/permissions.ts'
import { repeatAlarms } from '#domain/repeats.ts'
import { type Place, placesOf } from '../places.ts'
import type { SignedIn } from './guard.ts'

export interface Waiting {
  waiting?: number
  late?: boolean
}

type Counts = Record<string, { count: number; late: number }>
type Asking = Pick<SignedIn, 'person' | 'server'>

/** The places of a person, each with what waits there. */
export async function placesWithCounts(asking: Asking): Promise<(Place & Waiting)[]> {
  const { person, server } = asking
  const places = placesOf(person.roles)
  const kinds = [...new Set(places.flatMap((place) => place.kinds ?? []))]
  const { department } = server
  const now = await department.now()
  const [counts, listed] = await Promise.all([
    kinds.length > 0 ? worklistCounts(department.sql, person.actor, kinds, now) : {},
    Promise.all(places.map(({ counted }) => (counted ? COUNTED[counted](asking, now) : null))),
  ])
  return places.map((place, index) => ({ ...place, ...(listed[index] ?? waitingIn(place, counts)) }))
}

function waitingIn({ kinds, countsLate }: Place, counts: Counts): Waiting {
  if (!kinds) return {}
  const own = kinds.map((kind) => counts[kind] ?? { count: 0, late: 0 })
  const late = own.reduce((sum, each) => sum + each.late, 0)
  return { waiting: countsLate ? late : own.reduce((sum, each) => sum + each.count, 0), late: late > 0 }
}

const COUNTED: Readonly<
  Record<NonNullable<Place['counted']>, (asking: Asking, now: Date) => Promise<Waiting>>
> = {
  returns: async ({ person, server }, now) =>
    waits(await countReturns(server.department.sql, person.actor, now)),
  critical: async ({ person, server }, now) =>
    waits(await openCriticals(server.department.sql, person.actor, now)),
  repeats: alarmsNow,
}

function waits({ count, late }: { count: number; late: number }): Waiting {
  return { waiting: count, late: late > 0 }
}

/** Four weeks of looks age slowly; a decision since then is another look, and is counted at once. */
const ALARMS_FRESH_MS = 120_000
const ALARM_DAYS = 28
const kept = new WeakMap<object, Map<string, { at: number; alarms: Promise<Waiting> }>>()

/** Rooms, projections and sequences over the target; red once one is worse than where the department began. */
async function alarmsNow({ person, server: { department } }: Asking, now: Date): Promise<Waiting> {
  const [newest] = await department.sql<{ id: string | null }[]>`select max(id) as id from quality_decisions`
  const key = JSON.stringify([newest!.id, scopeOf(person.actor, 'see-repeats')])
  const ours = kept.get(department) ?? new Map<string, { at: number; alarms: Promise<Waiting> }>()
  kept.set(department, ours)
  const known = ours.get(key)
  if (known && Date.now() - known.at < ALARMS_FRESH_MS) return known.alarms
  const alarms = Promise.all([
    policyOf(department.sql),
    looksSince(department.sql, person.actor, new Date(now.getTime() - ALARM_DAYS * DAY_MS)),
  ]).then(([{ repeats }, looks]) => {
    const found = repeatAlarms(looks, repeats)
    return { waiting: found.length, late: found.some(({ rate }) => rate.state === 'over-baseline') }
  })
  for (const [old, { at }] of ours) if (Date.now() - at >= ALARMS_FRESH_MS) ours.delete(old)
  ours.set(key, { at: Date.now(), alarms })
  alarms.catch(() => ours.delete(key))
  return alarms
}
