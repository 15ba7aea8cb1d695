/** Times, durations, numbers and ages as people read them: the department's zone always, never a workstation's. */
const LOCALE = 'en-GB'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Between a number and its unit. */
export const THIN_SPACE = '\u2009'
/** "None"; a zero is written only for a true zero. */
export const NONE = '–'

/** `10:42`; with seconds where their order matters: `10:42:07`. */
export function clockTime(at: Date, zone: string, { seconds = false } = {}): string {
  return formatter(zone, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(seconds && { second: '2-digit' }),
  }).format(at)
}

/** `08–09`: an hour of the day. */
export function hourWords(hour: number): string {
  return `${two(hour)}–${two((hour + 1) % 24)}`
}

/** `Thu 12 Mar`; with the year when it isn't this one: `Thu 12 Mar 2025`. */
export function dayOf(at: Date, zone: string, now: Date): string {
  const { weekday, day, month, year } = dateParts(at, zone)
  const short = `${weekday} ${day} ${month}`
  return year === dateParts(now, zone).year ? short : `${short} ${year}`
}

/** `10:42` today, `Wed 11 Mar 10:42` on any other day. */
export function timeOrDay(at: Date, zone: string, now: Date): string {
  const sameDay = dayOf(at, zone, at) === dayOf(now, zone, at)
  return sameDay ? clockTime(at, zone) : `${dayOf(at, zone, now)} ${clockTime(at, zone)}`
}

/** `CET`: only beside times of another site's zone, and where a list says once which zone it keeps. */
export function zoneName(at: Date, zone: string): string {
  const parts = formatter(zone, { timeZoneName: 'short' }).formatToParts(at)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone
}

/** A date without a time, as precise as it is known: `4 Jan 1955`, `Jan 1955`, `1955`. Never 04/01/55. */
export function calendarDate(date: string | null | undefined): string {
  const [, year, month, day] = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$/.exec(date ?? '') ?? []
  if (!year) return NONE
  if (!month) return year
  const name = formatter('UTC', { month: 'short' }).format(new Date(`${year}-${month}-01T00:00:00Z`))
  return day ? `${Number(day)} ${name} ${year}` : `${name} ${year}`
}

/** Under a day `1:04` (hours and minutes), from a day on `2 d 4 h`. Whole minutes, rounded down. */
export function duration(milliseconds: number): string {
  const span = Math.abs(milliseconds)
  if (span >= DAY) {
    const hours = Math.floor((span % DAY) / HOUR)
    return hours ? `${Math.floor(span / DAY)} d ${hours} h` : `${Math.floor(span / DAY)} d`
  }
  return `${Math.floor(span / HOUR)}:${two(Math.floor((span % HOUR) / MINUTE))}`
}

/** In words where seconds matter, under an hour: `3 min 46 s`, `12 s`; longer as `duration`. */
export function spanInWords(milliseconds: number): string {
  if (milliseconds >= HOUR) return duration(milliseconds)
  const seconds = Math.round(milliseconds / 1000)
  const inMinutes = Math.floor(seconds / 60)
  const rest = `${seconds % 60}${THIN_SPACE}s`
  return inMinutes > 0 ? `${inMinutes}${THIN_SPACE}min ${rest}` : rest
}

/** Minutes and seconds `12:27`: only for the time on the table, and only under a label that says so. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`
}

/** `1,204`; `–` when there is no number. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? NONE : n.toLocaleString(LOCALE)
}

/** On a badge: nothing longer than `999+`. */
export function badgeCount(n: number): string {
  return n > 999 ? '999+' : String(n)
}

/** Beyond 10,000 a list doesn't count on: `10,000+`. */
export function listCount(n: number): string {
  return n > 10_000 ? `${count(10_000)}+` : count(n)
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}${THIN_SPACE}%`
}

/** Minutes without decimals from one minute on, with one below. */
export function minutes(milliseconds: number): string {
  const value = milliseconds / MINUTE
  return value >= 1 ? count(Math.round(value)) : value.toFixed(1)
}

/**
 * `71 y`; under 2 years in months, under 2 months in days (under 28 days with "newborn"), `–` when unknown.
 * @param on the department's day, `YYYY-MM-DD`
 */
export function age(birthDate: string | null | undefined, on: string): string {
  const birth = partsOf(birthDate)
  const today = partsOf(on)
  if (!birth || !today) return NONE
  const months =
    (today.year - birth.year) * 12 + (today.month - birth.month) - (today.day < birth.day ? 1 : 0)
  if (months >= 24) return `${Math.floor(months / 12)}${THIN_SPACE}y`
  if (months >= 2) return `${months}${THIN_SPACE}mo`
  const days = Math.floor(
    (Date.UTC(today.year, today.month - 1, today.day) - Date.UTC(birth.year, birth.month - 1, birth.day)) /
      DAY,
  )
  if (days < 0) return NONE
  return days < 28 ? `${days}${THIN_SPACE}d newborn` : `${days}${THIN_SPACE}d`
}

/** How old a prior is, in the largest unit: `7 months`. */
export function ageOfPrior(at: Date, now: Date): string {
  const days = Math.max(0, Math.floor((now.getTime() - at.getTime()) / DAY))
  const [n, unit] =
    days >= 730
      ? [Math.floor(days / 365.25), 'year']
      : days >= 61
        ? [Math.floor(days / 30.44), 'month']
        : [days, 'day']
  return new Intl.NumberFormat(LOCALE, { style: 'unit', unit: unit as string, unitDisplay: 'long' }).format(
    n as number,
  )
}

/** The department's calendar day of an instant, `YYYY-MM-DD`. */
export function dayKey(at: Date, zone: string): string {
  const parts = formatter(zone, { year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(at)
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')}`
}

function dateParts(at: Date, zone: string): { weekday: string; day: string; month: string; year: string } {
  const parts = formatter(zone, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  }).formatToParts(at)
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? ''
  return { weekday: part('weekday'), day: part('day'), month: part('month'), year: part('year') }
}

// The day of a birth known only by its year or month counts as the first, so that an age is never overstated by a day.
function partsOf(date: string | null | undefined): { year: number; month: number; day: number } | null {
  const [, year, month, day] = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?/.exec(date ?? '') ?? []
  return year ? { year: Number(year), month: Number(month ?? 1), day: Number(day ?? 1) } : null
}

const two = (n: number) => String(n).padStart(2, '0')

// Making a DateTimeFormat costs about 50 µs; a list draws hundreds of times.
const formatters = new Map<string, Intl.DateTimeFormat>()
function formatter(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options)
  let found = formatters.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, ...options })
    formatters.set(key, found)
  }
  return found
}
