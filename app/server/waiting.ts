/** How much waits in each place of a person's bar, counted once for all who ask at the same time. */
import { worklistCounts } from '#db/queries/worklists.ts'
import { type Place, placesOf } from '../places.ts'
import type { SignedIn } from './guard.ts'

export interface Waiting {
  waiting?: number
  late?: boolean
}

type Counts = Record<string, { count: number; late: number }>

/** The places of a person, each with what waits there. */
export async function placesWithCounts({
  person,
  server,
}: Pick<SignedIn, 'person' | 'server'>): Promise<(Place & Waiting)[]> {
  const places = placesOf(person.roles)
  const kinds = [...new Set(places.flatMap((place) => place.kinds ?? []))]
  const { department } = server
  const counts: Counts =
    kinds.length > 0 ? await worklistCounts(department.sql, person.actor, kinds, await department.now()) : {}
  return places.map((place) => ({ ...place, ...waitingIn(place, counts) }))
}

function waitingIn({ kinds, countsLate }: Place, counts: Counts): Waiting {
  if (!kinds) return {}
  const own = kinds.map((kind) => counts[kind] ?? { count: 0, late: 0 })
  const late = own.reduce((sum, each) => sum + each.late, 0)
  return { waiting: countsLate ? late : own.reduce((sum, each) => sum + each.count, 0), late: late > 0 }
}
