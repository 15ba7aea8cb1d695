/** The department's figures, computed once for everybody who asks within a moment. */
import { type DepartmentFigures, departmentFigures, type Population } from '#db/queries/today.ts'
import { addDays, localDate, startOfDay } from '#domain/calendar.ts'
import { HOURS, MARKS, type Mark } from '#domain/segments.ts'
import { MODALITIES, PATIENT_CLASSES } from '#domain/words.ts'
import type { SignedIn } from './guard.ts'

/** A day is cheap; four weeks are a hundred thousand events, and do not change by the second. */
const FRESH_MS = { 1: 1_000, 7: 30_000, 28: 120_000 } as const
export type Days = keyof typeof FRESH_MS

const kept = new Map<string, { at: number; freshMs: number; figures: Promise<DepartmentFigures> }>()

export async function figures(
  { person, server }: SignedIn,
  days: Days,
  { now, zone, of }: { now: Date; zone: string; of: Population },
): Promise<DepartmentFigures> {
  const key = `${days} ${JSON.stringify(of)} ${[...person.sites].sort().join()} ${[...person.roles].sort().join()}`
  // Of four weeks the values behind the numbers are many: what is not fresh is not held on to.
  for (const [each, { at, freshMs }] of kept) if (Date.now() - at >= freshMs) kept.delete(each)
  const found = kept.get(key)
  if (found) return found.figures
  const today = localDate(zone, now)
  const [dayStart, since] = [today, addDays(today, 1 - days)].map((date) => startOfDay(zone, date))
  const made = departmentFigures(server.department.sql, person.actor, {
    ...{ since: since!, dayStart: dayStart!, zone, now, of },
  })
  kept.set(key, { at: Date.now(), freshMs: FRESH_MS[days], figures: made })
  // A failed computation must not be what everybody gets for the next minutes.
  made.catch(() => kept.delete(key))
  return made
}

/** Of an address: `modality`, `class` and `site`; what is no modality or class of ours narrows nothing. */
export function populationOf(search: URLSearchParams, sites: readonly { id: string }[]): Population {
  const modality = MODALITIES.find((each) => each === search.get('modality'))
  const patientClass = PATIENT_CLASSES.find((each) => each === search.get('class'))
  const site = sites.find(({ id }) => id === search.get('site'))?.id
  return { ...(modality && { modality }), ...(patientClass && { patientClass }), ...(site && { site }) }
}

/** Of an address: `hour`, 0 to 23; anything else is every hour. */
export function hourOf(search: URLSearchParams): number | null {
  return HOURS.find((hour) => String(hour) === search.get('hour')) ?? null
}

/** Of an address: two marks, `from~to`. */
export function segmentAsked(text: string | null): { from: Mark; to: Mark } | null {
  const [from, to] = (text ?? '').split('~').map((word) => MARKS.find((mark) => mark === word))
  return from && to ? { from, to } : null
}
