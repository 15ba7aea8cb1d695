/** Date and time keys of a query as their first and last moment (PS3.4 C.2.2.2.5, PS3.5 section 6.2). */

/** Both ends inclusive; null: open. */
export type KeyRange = { readonly from: string | null; readonly to: string | null; readonly isRange: boolean }

const DATE = /^(\d{4})\.?(\d{2})\.?(\d{2})$/
const TIME = /^(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.\d{1,6})?)?)?$/

/** DA or DA-DA as YYYYMMDD; null when every date matches, undefined when the key is neither. */
export function dateRange(key: string): KeyRange | null | undefined {
  return rangeOf(key, (one) => {
    const [, year, month, day] = DATE.exec(one) ?? []
    const text = `${year}-${month}-${day}`
    const isDate = year && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text)
    return isDate ? { first: `${year}${month}${day}`, last: `${year}${month}${day}` } : undefined
  })
}

/** TM or TM-TM as HHMMSS: a time without its seconds is the whole of its minute. */
export function timeRange(key: string): KeyRange | null | undefined {
  return rangeOf(key, (one) => {
    const [, hour, minute, second] = TIME.exec(one) ?? []
    if (!hour || Number(hour) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 60) return undefined
    return {
      first: hour + (minute ?? '00') + (second ?? '00'),
      last: hour + (minute ?? '59') + (second ?? '59'),
    }
  })
}

function rangeOf(
  key: string,
  read: (one: string) => { first: string; last: string } | undefined,
): KeyRange | null | undefined {
  const text = key.trim()
  if (text === '' || text === '*' || text === '-') return null
  const dash = text.indexOf('-')
  const [from, to] = dash < 0 ? [text, text] : [text.slice(0, dash).trim(), text.slice(dash + 1).trim()]
  const begin = from === '' ? null : read(from)?.first
  const end = to === '' ? null : read(to)?.last
  return begin === undefined || end === undefined ? undefined : { from: begin, to: end, isRange: dash >= 0 }
}
