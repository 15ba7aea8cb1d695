/** When the department's day began: midnight in its zone, also on the days when clocks change. */
import { dayKey } from './format.ts'

export function dayStart(now: Date, zone: string): Date {
  const day = dayKey(now, zone)
  // Somewhere within a day and a half before now the date changes; halving finds the minute.
  let before = now.getTime() - 36 * 3_600_000
  let after = now.getTime()
  while (after - before > 1_000) {
    const middle = (before + after) / 2
    if (dayKey(new Date(middle), zone) === day) after = middle
    else before = middle
  }
  return new Date(Math.round(after / 60_000) * 60_000)
}
