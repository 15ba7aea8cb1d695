/** DA and TM as an instant: in the offset the object states (0008,0201), else in its site's time zone. */
import type { Dataset } from '#archive/dimse/dataset.ts'
import { instantOf } from '#domain/calendar.ts'
import { dateRange, timeRange } from './ranges.ts'

/** Null when the date is absent or no day or time that there is; a time with less precision begins its hour or minute. */
export function instantIn(
  dataset: Dataset,
  { date, time }: { date: string; time: string },
  zone: string,
): Date | null {
  const day = dateRange(dataset.text(date) ?? '')?.from
  const clock = timeRange(dataset.text(time) ?? '')
  if (!day || day < EARLIEST || clock === undefined) return null
  const parts = /^(\d{4})(..)(..)(..)(..)(..)$/.exec(day + (clock?.from ?? '000000')) ?? []
  const [year = 0, month = 0, dayOfMonth = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  const local = { year, month, day: dayOfMonth, hour, minute, second }
  const offset = /^([+-])(\d{2})(\d{2})$/.exec(dataset.text('TimezoneOffsetFromUTC') ?? '')
  if (!offset) return instantOf(zone, local)
  const minutes = (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === '-' ? -1 : 1)
  return new Date(Date.UTC(year, month - 1, dayOfMonth, hour, minute, second) - minutes * 60_000)
}

/** Clocks that were never set say less. */
const EARLIEST = '19000101'
