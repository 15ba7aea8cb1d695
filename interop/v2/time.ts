/** Times (HL7 2.5.1 TS and DTM): precision is data, and a time without offset belongs to the site's zone. */

export type ReadTime = {
  instant: Date
  precision: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'
  odd: boolean
}

const shape = /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,4}))?)?)?)?)?)?([+-]\d{4})?$/

/**
 * An instant; `odd` when the local time does not exist or exists twice that night (the first is taken).
 * @returns undefined when the text is no time: 24:00 and the 31st of February included
 */
export function readTime(text: string, zone: string): ReadTime | undefined {
  const match = shape.exec(text.trim())
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction, offset] = match
  const local = Date.UTC(
    Number(year),
    Number(month ?? 1) - 1,
    Number(day ?? 1),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
    fraction ? Math.round(Number(`0.${fraction}`) * 1000) : 0,
  )
  if (!isCalendarDate(Number(year), Number(month ?? 1), Number(day ?? 1))) return undefined
  if (Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) return undefined
  const precision = second
    ? 'second'
    : minute
      ? 'minute'
      : hour
        ? 'hour'
        : day
          ? 'day'
          : month
            ? 'month'
            : 'year'
  if (offset) return { instant: new Date(local - offsetMs(offset)), precision, odd: false }
  return { ...localToInstant(local, zone), precision }
}

/** A date with the precision it was sent in; the time of day of a birth is left out. */
export function readPartialDate(
  text: string,
): { value: string; precision: 'year' | 'month' | 'day' } | undefined {
  const match = shape.exec(text.trim())
  if (!match) return undefined
  const [, year, month, day] = match
  if (!isCalendarDate(Number(year), Number(month ?? 1), Number(day ?? 1))) return undefined
  if (day) return { value: `${year}-${month}-${day}`, precision: 'day' }
  return month ? { value: `${year}-${month}`, precision: 'month' } : { value: year!, precision: 'year' }
}

/** `20261122101502+0100`: seconds and offset, as every message of ours says it. */
export function writeTime(instant: Date, zone: string): string {
  const offset = zoneOffsetMs(instant.getTime(), zone)
  const local = new Date(Math.floor(instant.getTime() / 1000) * 1000 + offset).toISOString()
  const minutes = Math.abs(Math.round(offset / 60_000))
  const sign = offset < 0 ? '-' : '+'
  return (
    local.slice(0, 19).replace(/[-:T]/g, '') +
    sign +
    twoDigits(Math.floor(minutes / 60)) +
    twoDigits(minutes % 60)
  )
}

const twoDigits = (n: number) => String(n).padStart(2, '0')

function isCalendarDate(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, 0, 1))
  date.setUTCFullYear(year, month - 1, day)
  return (
    year > 0 &&
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day
  )
}

function offsetMs(offset: string): number {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3, 5))
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000
}

/** Two guesses suffice: an offset holds for hours around a change, so the one before and the one after are tried. */
function localToInstant(local: number, zone: string): { instant: Date; odd: boolean } {
  const dayMs = 86_400_000
  const before = zoneOffsetMs(local - dayMs, zone)
  const after = zoneOffsetMs(local + dayMs, zone)
  const candidates = [...new Set([before, after])]
    .map((offset) => local - offset)
    .filter((instant) => instant + zoneOffsetMs(instant, zone) === local)
    .sort((a, b) => a - b)
  const first = candidates[0]
  if (first === undefined) return { instant: new Date(local - before), odd: true }
  return { instant: new Date(first), odd: candidates.length > 1 }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function zoneOffsetMs(instant: number, zone: string): number {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
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
  const part = Object.fromEntries(
    format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
  )
  const shown = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!)
  return shown - Math.floor(instant / 1000) * 1000
}
