/** Business time at a site: weekly opening windows and holidays in an IANA zone, and arithmetic that survives DST. */

/** One opening window of a weekday, in local time HH:MM; ISO weekday 1 = Monday … 7 = Sunday. */
export type BusinessWindow = { weekday: number; opens: string; closes: string }

export type BusinessCalendar = {
  /** IANA time zone of the site. */
  zone: string
  windows: readonly BusinessWindow[]
  /** Local dates (YYYY-MM-DD) on which no window opens. */
  holidays: readonly string[]
}

/** Day and night: the hours of a site that says nothing of its hours. */
export const ALWAYS_OPEN: Omit<BusinessCalendar, 'zone'> = {
  windows: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, opens: '00:00', closes: '24:00' })),
  holidays: [],
}

/** Why no due date could be counted by these hours; null: it can. */
export function calendarProblem({ zone, windows, holidays }: BusinessCalendar): string | null {
  if (!isZone(zone)) return `there is no time zone ${zone}`
  if (!Array.isArray(windows) || windows.length === 0) return 'a site is open at some time of the week'
  const wrong = windows.find(
    ({ weekday, opens, closes }) =>
      !(weekday >= 1 && weekday <= 7) || !isTime(opens) || !isTime(closes, '24:00'),
  )
  if (wrong) return `no opening window: ${JSON.stringify(wrong)}`
  const day = Array.isArray(holidays) ? holidays.find((date) => !/^\d{4}-\d\d-\d\d$/.test(date)) : 'none'
  return day === undefined ? null : `no holiday: ${day}`
}

function isZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}

const isTime = (time: string, also?: string): boolean =>
  /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(time) || (also !== undefined && time === also)

/** A wall-clock reading: the parts of an instant as a clock at the site shows them. */
export type LocalTime = {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
/** One business day is a full window of the seed calendar: twelve hours. */
export const BUSINESS_DAY_MS = 12 * HOUR_MS

/** A calendar without any window would never reach a due date; a year of looking is enough to say so. */
const HORIZON_DAYS = 400

/**
 * Earliest instant with as much business time behind it as the allowance.
 * A start outside the windows counts from the next opening.
 * @throws RangeError when the calendar has no opening within a year
 */
export function addBusinessTime(calendar: BusinessCalendar, start: Date, allowanceMs: number): Date {
  let leftMs = allowanceMs
  for (const window of windowsFrom(calendar, start)) {
    const fromMs = Math.max(window.from, start.getTime())
    const openMs = window.to - fromMs
    if (openMs <= 0) continue
    if (leftMs <= openMs) return new Date(fromMs + leftMs)
    leftMs -= openMs
  }
  throw new RangeError(`no opening in ${HORIZON_DAYS} days`)
}

/** Business time between two instants, in milliseconds; 0 when the second is not after the first. */
export function businessMsBetween(calendar: BusinessCalendar, from: Date, to: Date): number {
  if (to <= from) return 0
  let sumMs = 0
  let day = addDays(localDate(calendar.zone, from), -1)
  const lastDay = localDate(calendar.zone, to)
  while (day <= lastDay) {
    for (const window of windowsOn(calendar, day)) {
      sumMs += Math.max(0, Math.min(window.to, to.getTime()) - Math.max(window.from, from.getTime()))
    }
    day = addDays(day, 1)
  }
  return sumMs
}

/** Local date (YYYY-MM-DD) of an instant in a zone. */
export function localDate(zone: string, instant: Date): string {
  const { year, month, day } = localTime(zone, instant)
  return isoDate(year, month, day)
}

export function localTime(zone: string, instant: Date): LocalTime {
  const known = localTimes.get(zone)?.get(instant.getTime())
  return known ? { ...known } : { ...readLocalTime(zone, instant) }
}

/** A list of hundreds asks for the same due times at every look, and formatting is what ranking it costs. */
const localTimes = new Map<string, Map<number, LocalTime>>()
const LOCAL_TIMES_KEPT = 20_000

function readLocalTime(zone: string, instant: Date): LocalTime {
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(instant)) parts[type] = Number(value)
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
  const local = { year, month, day, hour, minute, second }
  const times = localTimes.get(zone) ?? new Map<number, LocalTime>()
  localTimes.set(zone, times)
  if (times.size >= LOCAL_TIMES_KEPT) times.clear()
  times.set(instant.getTime(), local)
  return local
}

/**
 * The instant at which a clock in the zone shows this local time.
 * A time in a spring gap is the first instant after it; a doubled autumn time is the earlier or, for a closing
 * time, the later of the two.
 */
export function instantOf(zone: string, local: LocalTime, doubled: 'earlier' | 'later' = 'earlier'): Date {
  const wanted = asUtc(local)
  const fits = offsetsAround(zone, wanted)
    .map((offsetMs) => wanted - offsetMs)
    .filter((instantMs) => asUtc(localTime(zone, new Date(instantMs))) === wanted)
    .sort((a, b) => a - b)
  const found = doubled === 'earlier' ? fits.at(0) : fits.at(-1)
  return new Date(found ?? endOfGap(zone, wanted))
}

/** Midnight at the start of a local date, or the first instant of it where midnight falls in a gap. */
export function startOfDay(zone: string, date: string): Date {
  return instantOf(zone, { ...partsOf(date), hour: 0, minute: 0, second: 0 })
}

/** Calendar arithmetic on a date alone; no zone has a say in it. */
export function addDays(date: string, days: number): string {
  const { year, month, day } = partsOf(date)
  const moved = new Date(Date.UTC(year, month - 1, day + days))
  return isoDate(moved.getUTCFullYear(), moved.getUTCMonth() + 1, moved.getUTCDate())
}

/** 29 February plus n years is 28 February where there is none. */
export function addYears(date: string, years: number): string {
  const { year, month, day } = partsOf(date)
  const lastDay = new Date(Date.UTC(year + years, month, 0)).getUTCDate()
  return isoDate(year + years, month, Math.min(day, lastDay))
}

/** Whole years between two local dates, as a birthday counts them. */
export function yearsBetween(from: string, to: string): number {
  const start = partsOf(from)
  const end = partsOf(to)
  const birthdayPassed = end.month > start.month || (end.month === start.month && end.day >= start.day)
  return end.year - start.year - (birthdayPassed ? 0 : 1)
}

type Interval = { from: number; to: number }

function* windowsFrom(calendar: BusinessCalendar, start: Date): Generator<Interval> {
  // A window that crosses midnight belongs to the day before.
  let day = addDays(localDate(calendar.zone, start), -1)
  for (let looked = 0; looked < HORIZON_DAYS; looked += 1) {
    yield* windowsOn(calendar, day)
    day = addDays(day, 1)
  }
}

/** Windows become instants first and are subtracted after: a 24-hour day has 23 or 25 hours twice a year. */
function windowsOn(calendar: BusinessCalendar, date: string): Interval[] {
  if (calendar.holidays.includes(date)) return []
  const weekday = weekdayOf(date)
  return calendar.windows
    .filter((window) => window.weekday === weekday)
    .map((window) => ({
      from: instantOf(calendar.zone, at(date, window.opens), 'earlier').getTime(),
      to: instantOf(calendar.zone, closingOf(date, window), 'later').getTime(),
    }))
    .sort((a, b) => a.from - b.from)
}

/** A window that closes at or before it opens closes on the next day; 24:00 is next midnight. */
function closingOf(date: string, window: BusinessWindow): LocalTime {
  if (window.closes === '24:00') return at(addDays(date, 1), '00:00')
  return window.closes > window.opens ? at(date, window.closes) : at(addDays(date, 1), window.closes)
}

function at(date: string, time: string): LocalTime {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return { ...partsOf(date), hour, minute, second: 0 }
}

/** ISO weekday of a date: 1 = Monday … 7 = Sunday. */
export function weekdayOf(date: string): number {
  const { year, month, day } = partsOf(date)
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay() || 7
}

function partsOf(date: string): { year: number; month: number; day: number } {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number)
  return { year, month, day }
}

function isoDate(year: number, month: number, day: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}

function asUtc(local: LocalTime): number {
  return Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute, local.second)
}

/** Offsets in force a day before and after: no zone changes twice in two days. */
function offsetsAround(zone: string, utcMs: number): number[] {
  const offsets = [offsetMs(zone, utcMs - DAY_MS), offsetMs(zone, utcMs + DAY_MS)]
  return [...new Set(offsets)]
}

function offsetMs(zone: string, instantMs: number): number {
  return asUtc(localTime(zone, new Date(instantMs))) - instantMs
}

/** The moment the clock jumps, found by halving: the two offsets around it differ. */
function endOfGap(zone: string, wantedUtcMs: number): number {
  let before = wantedUtcMs - DAY_MS
  let after = wantedUtcMs + DAY_MS
  const offsetBefore = offsetMs(zone, before)
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2000) * 1000
    if (middle === before) break
    if (offsetMs(zone, middle) === offsetBefore) before = middle
    else after = middle
  }
  return after
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making a formatter costs a hundred times what using it does. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB-u-ca-gregory', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}
