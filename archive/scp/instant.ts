/** DA and TM as an instant: in the offset the object states (0008,0201), else in its site's time zone. */
import type { Dataset } from '#archive/dimse/dataset.ts'
import { instantOf } from '#domain/calendar.ts'

/** Null when the date is absent or not a date; a time with less precision begins its hour or minute. */
export function instantIn(
  dataset: Dataset,
  { date, time }: { date: string; time: string },
  zone: string,
): Date | null {
  const day = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(dataset.text(date) ?? '')
  if (!day) return null
  const clock = /^(\d{2}):?(\d{2})?:?(\d{2})?/.exec(dataset.text(time) ?? '')
  const [year = 0, month = 0, dayOfMonth = 0] = day.slice(1).map(Number)
  const [hour = 0, minute = 0, second = 0] = (clock ?? []).slice(1).map((part) => Number(part ?? 0))
  const local = { year, month, day: dayOfMonth, hour, minute, second }
  const offset = /^([+-])(\d{2})(\d{2})$/.exec(dataset.text('TimezoneOffsetFromUTC') ?? '')
  if (!offset) return instantOf(zone, local)
  const minutes = (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === '-' ? -1 : 1)
  return new Date(Date.UTC(year, month - 1, dayOfMonth, hour, minute, second) - minutes * 60_000)
}
