/** A clock time as people write it down after a call, as the instant it must have been. */
import { addDays, instantOf, localDate } from '#domain/calendar.ts'

/** The last time up to now at which the zone's clocks showed it; null for what is no time of day. */
export function latestClockTime(text: string, zone: string, now: Date): Date | null {
  const [, hour, minute] = /^([01]?\d|2[0-3])[:.]?([0-5]\d)$/.exec(text.trim()) ?? []
  if (hour === undefined || minute === undefined) return null
  const today = localDate(zone, now)
  // Now is within its own minute.
  const until = now.getTime()
  const [latest] = [today, addDays(today, -1), addDays(today, -2)]
    .flatMap((date) => {
      const [year, month, day] = date.split('-').map(Number) as [number, number, number]
      const local = { year, month, day, hour: Number(hour), minute: Number(minute), second: 0 }
      // The night in which the clocks go back shows an hour twice.
      return [instantOf(zone, local, 'later'), instantOf(zone, local, 'earlier')]
    })
    .filter((at) => at.getTime() <= until)
  return latest ?? null
}
