/** The department's figures, computed once for everybody who asks within a moment. */
import { type DepartmentFigures, departmentFigures } from '#db/queries/today.ts'
import type { SignedIn } from './guard.ts'

/** A day is cheap; four weeks are a hundred thousand events, and do not change by the second. */
const FRESH_MS = { 1: 1_000, 7: 30_000, 28: 120_000 } as const
export type Days = keyof typeof FRESH_MS

const kept = new Map<string, { at: number; figures: Promise<DepartmentFigures> }>()

export async function figures(
  { person, server }: SignedIn,
  days: Days,
  { now, dayStart }: { now: Date; dayStart: Date },
): Promise<DepartmentFigures> {
  const key = `${days} ${[...person.sites].sort().join()} ${[...person.roles].sort().join()}`
  const found = kept.get(key)
  if (found && Date.now() - found.at < FRESH_MS[days]) return found.figures
  const since = days === 1 ? dayStart : new Date(now.getTime() - days * 86_400_000)
  const made = departmentFigures(server.department.sql, person.actor, { since, now, dayStart })
  kept.set(key, { at: Date.now(), figures: made })
  // A failed computation must not be what everybody gets for the next minutes.
  made.catch(() => kept.delete(key))
  return made
}
