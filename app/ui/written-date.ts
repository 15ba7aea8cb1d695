/** A day as people write it here: typed in any of the ways they write it, shown as `Tue 24 Nov 2026`. The browser's language has no say. */
import { addDays } from '#domain/calendar.ts'
import { calendarDate, dayOf } from './format.ts'

const MONTHS = Array.from({ length: 12 }, (_, month) =>
  calendarDate(`2000-${String(month + 1).padStart(2, '0')}`)
    .slice(0, 3)
    .toLowerCase(),
)

/** `Tue 24 Nov 2026` of `2026-11-24`. */
export function writtenDate(day: string): string {
  const at = new Date(`${day}T12:00:00Z`)
  // Seen from a year that it isn't, so that its own always stands there: a date that was typed is read back in full.
  return dayOf(at, 'UTC', new Date(0))
}

/**
 * `2026-11-24` of `24`, `24 11`, `24.11.2026`, `24/11`, `24 nov`, `tue 24 nov 2026`, `2026-11-24`, `+3`, `today`; the day
 * stands before the month, always. Without a month or a year the next such day from today on. Null when it is no day.
 */
export function readDate(text: string, today: string): string | null {
  const typed = text.trim().toLowerCase()
  if (/^(?:t|today)$/.test(typed)) return today
  const by = /^([+-]\d{1,3})$/.exec(typed)
  if (by) return addDays(today, Number(by[1]))
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(typed)
  if (iso) return dayThatIs(iso.slice(1).map(Number))
  const [, day, month, year] =
    /^(?:[a-z]{3,9}[\s,.]+)?(\d{1,2})(?:[\s./-]+([a-z]{3,9}|\d{1,2})(?:[\s./-]+(\d{4}|\d{2}))?)?[.\s]*$/.exec(
      typed,
    ) ?? []
  return day ? nextSuch({ day: Number(day), month, year }, today) : null
}

interface Typed {
  day: number
  month: string | undefined
  year: string | undefined
}

function nextSuch({ day, month, year }: Typed, today: string): string | null {
  const [thisYear = 0, thisMonth = 1] = today.split('-').map(Number)
  if (month === undefined) {
    const here = dayThatIs([thisYear, thisMonth, day])
    if (here && here >= today) return here
    return thisMonth === 12 ? dayThatIs([thisYear + 1, 1, day]) : dayThatIs([thisYear, thisMonth + 1, day])
  }
  const named = /^\d/.test(month) ? Number(month) : MONTHS.indexOf(month.slice(0, 3)) + 1
  if (year !== undefined) return dayThatIs([Number(year) + (year.length === 2 ? 2000 : 0), named, day])
  const here = dayThatIs([thisYear, named, day])
  return here && here >= today ? here : dayThatIs([thisYear + 1, named, day])
}

/** Null for the 31st of a month that has 30 days. */
function dayThatIs([year = 0, month = 0, day = 0]: number[]): string | null {
  const at = new Date(Date.UTC(year, month - 1, day))
  const isThere = at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day
  return isThere ? at.toISOString().slice(0, 10) : null
}
