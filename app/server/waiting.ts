/** How much waits in each place of a person's bar, counted at most once a second. */
import { worklistCounts } from '#db/queries/worklists.ts'
import type { WorkItemKind } from '#domain/words.ts'
import { type Place, placesOf } from '../places.ts'
import type { SignedIn } from './guard.ts'

export interface Waiting {
  waiting?: number
  late?: boolean
}

type Counts = Record<string, { count: number; late: number }>

const FRESH_MS = 1_000
const kept = new Map<string, { at: number; counts: Promise<Counts> }>()

/** The places of a person, each with what waits there. */
export async function placesWithCounts({
  person,
  server,
}: Pick<SignedIn, 'person' | 'server'>): Promise<(Place & Waiting)[]> {
  const places = placesOf(person.roles)
  const kinds = [...new Set(places.flatMap((place) => place.kinds ?? []))]
  const counts = kinds.length > 0 ? await countsOf({ person, server }, kinds) : {}
  return places.map((place) => ({ ...place, ...waitingIn(place, counts) }))
}

async function countsOf(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  kinds: WorkItemKind[],
): Promise<Counts> {
  const found = kept.get(person.id)
  if (found && Date.now() - found.at < FRESH_MS) return found.counts
  const { department } = server
  const counts = worklistCounts(department.sql, person.actor, kinds, await department.now())
  kept.set(person.id, { at: Date.now(), counts })
  counts.catch(() => kept.delete(person.id))
  return counts
}

function waitingIn({ kinds, countsLate }: Place, counts: Counts): Waiting {
  if (!kinds) return {}
  const own = kinds.map((kind) => counts[kind] ?? { count: 0, late: 0 })
  const late = own.reduce((sum, each) => sum + each.late, 0)
  return { waiting: countsLate ? late : own.reduce((sum, each) => sum + each.count, 0), late: late > 0 }
}
