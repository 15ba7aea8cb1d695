/** The keys that studies, series and instances are matched on, and how each is (PS3.4 C.2.2.2 and C.6, PS3.18 10.6). */
import { foldName } from '#domain/identity.ts'
import type { AnySql } from '../client.ts'
import type { Fragment } from './study-scope.ts'
import { countsShown, type View } from './visibility.ts'

export type Level = 'study' | 'series' | 'instance'

/** A matching key: eight hexadecimal digits, those of its sequence and a dot before them, and what was sent for it. */
export interface Match {
  tag: string
  value: string
}

/** Whether a key is matched on at a level; others are returned and not matched on. */
export function isMatched(level: Level, tag: string): boolean {
  return keysOf(level).has(tag)
}

/** How values of a key are matched; null for one that none of the levels matches on. */
export function kindOf(tag: string): KeyKind | null {
  return keysOf('instance').get(tag)?.[0] ?? null
}

export type KeyKind = 'text' | 'folded' | 'name' | 'date' | 'time' | 'uid' | 'number' | 'list' | 'held'
type Key = readonly [kind: KeyKind, expression: string]

const first = (alias: string, tag: string) => `coalesce(${alias}.attributes->'${tag}'->'Value'->>0, '')`

// Expressions of our own, never anything that came from outside.
const STUDY_KEYS: Record<string, Key> = {
  '00080020': ['date', 's.study_date'],
  '00080030': ['time', 's.study_time'],
  '00080050': ['text', 's.accession'],
  '00080061': ['list', 's.modalities'],
  '00080090': ['folded', 's.referring_physician'],
  '00081030': ['folded', 's.description'],
  '00100010': ['name', 's.patient_name_key'],
  '00100020': ['text', 's.dicom_patient_id'],
  '00100021': ['text', 's.dicom_issuer'],
  '00100030': ['date', first('s', '00100030')],
  '00100040': ['text', first('s', '00100040')],
  '0020000D': ['uid', 's.study_uid'],
  '00200010': ['text', 's.study_id'],
}

/** Items of the Request Attributes Sequence; a key names what is held in one of them. */
const REQUESTS = `e.attributes->'00400275'->'Value'`

const SERIES_KEYS: Record<string, Key> = {
  '00080021': ['date', 'e.series_date'],
  '00080031': ['time', 'e.series_time'],
  '00080060': ['text', 'e.modality'],
  '0008103E': ['folded', 'e.description'],
  '00180015': ['text', 'e.body_part'],
  '0020000E': ['uid', 'e.series_uid'],
  '00200011': ['number', 'e.series_number'],
  '00400244': ['date', first('e', '00400244')],
  '00400245': ['time', first('e', '00400245')],
  '00400275.00400009': ['held', REQUESTS],
  '00400275.00401001': ['held', REQUESTS],
}

const INSTANCE_KEYS: Record<string, Key> = {
  '00080016': ['uid', 'i.sop_class_uid'],
  '00080018': ['uid', 'i.sop_instance_uid'],
  '00200013': ['number', 'i.instance_number'],
}

const KEYS: Record<Level, Map<string, Key>> = {
  study: new Map(Object.entries(STUDY_KEYS)),
  series: new Map(Object.entries({ ...STUDY_KEYS, ...SERIES_KEYS })),
  instance: new Map(Object.entries({ ...STUDY_KEYS, ...SERIES_KEYS, ...INSTANCE_KEYS })),
}

function keysOf(level: Level): Map<string, Key> {
  return KEYS[level]
}

export interface Wanted {
  level: Level
  matches: readonly Match[]
  /** Names match as beginnings of their components, without wildcards being typed. */
  fuzzy?: boolean
  /** A range of dates and one of times are one range, from its first moment to its last (PS3.18 8.3.4.1). */
  isCombined?: boolean
  view?: View
  /** One of the values of a key, separated by backslashes, is enough (multiplevaluematching=true). */
  manyValues?: boolean
  /** Two quotation marks are met by what has no value (emptyvaluematching=true). */
  emptyValues?: boolean
}

const EMPTY = '""'

/** Modalities in Study: which those are is a matter of what of it is shown. */
const MODALITIES = '00080061'

/** A date, and the time of day that belongs to it. */
const MOMENTS = [
  ['00080020', '00080030'],
  ['00080021', '00080031'],
  ['00400244', '00400245'],
] as const

/** What rows have to meet; `s`, `e` and `i` name studies, series and instances. */
export function conditions(sql: AnySql, asked: Wanted): Fragment[] {
  const keys = keysOf(asked.level)
  const narrowing = asked.matches.filter(isNarrowing)
  return narrowing.flatMap((match) => {
    const key = keys.get(match.tag)
    if (!key) return []
    const column = match.tag === MODALITIES ? countsShown(sql, asked.view).modalities : columnOf(sql, key)
    const [kind] = key
    const inner = match.tag.split('.').at(-1)!
    const met = (value: string) => condition(sql, { kind, column, value, inner, fuzzy: asked.fuzzy ?? false })
    if (asked.emptyValues && match.value === EMPTY) return [isEmpty(sql, { kind, column, inner })]
    if (asked.manyValues && match.value.includes('\\')) return [anyOf(sql, match.value.split('\\').map(met))]
    const date = asked.isCombined ? dateOf(narrowing, match) : undefined
    if (date)
      return edges(sql, {
        column,
        value: match.value,
        date: columnOf(sql, keys.get(date.tag)!),
        days: date.value,
      })
    return [met(match.value)]
  })
}

const anyOf = (sql: AnySql, either: readonly Fragment[]): Fragment =>
  sql`(${either.reduce((so, one) => sql`${so} or ${one}`)})`

function isEmpty(
  sql: AnySql,
  { kind, column, inner }: Pick<Condition, 'kind' | 'column' | 'inner'>,
): Fragment {
  if (kind === 'number') return sql`${column} is null`
  if (kind === 'held') return sql`not ${holds(sql, { column, inner }, sql`true`)}`
  return kind === 'list' ? sql`cardinality(${column}) = 0` : sql`${column} = ''`
}

const columnOf = (sql: AnySql, [, expression]: Key) => sql.unsafe(expression) as unknown as Fragment

/** The range of days that a range of times is to be read with. */
function dateOf(matches: readonly Match[], { tag, value }: Match): Match | undefined {
  const pair = MOMENTS.find(([, time]) => time === tag)
  const date = pair && matches.find((one) => one.tag === pair[0])
  return date && value.includes('-') && date.value.includes('-') ? date : undefined
}

/** Nothing before the time on the first day, and nothing after it on the last; which days is a condition of its own. */
function edges(
  sql: AnySql,
  { column, value, date, days }: { column: Fragment; value: string; date: Fragment; days: string },
): Fragment[] {
  const [from = '', to = ''] = value.replaceAll(':', '').split('-')
  const [first = '', last = ''] = days.split('-')
  return [
    ...(from && first ? [sql`(${date} > ${first} or ${column} >= ${from})`] : []),
    ...(to && last ? [sql`(${date} < ${last} or (${column} <> '' and ${column} <= ${`${to}~`}))`] : []),
  ]
}

const PATIENT_NAME = '00100010'

/** An empty key, or a lone asterisk, is universal matching; so is a name of nothing but empty components. */
export const isNarrowing = ({ tag, value }: Match): boolean =>
  value !== '' && !/^\*+$/.test(value) && !(tag === PATIENT_NAME && /^[\^=]+$/.test(value))

interface Condition {
  kind: KeyKind
  column: Fragment
  value: string
  /** Of a sequence, the attribute in its items. */
  inner: string
  fuzzy: boolean
}

function condition(sql: AnySql, { kind, column, value, inner, fuzzy }: Condition): Fragment {
  switch (kind) {
    case 'uid':
      return sql`${column} = any(${value.split(/[\\,]/).map((uid) => uid.trim())})`
    case 'number':
      return /^[+-]?\d{1,9}$/.test(value.trim()) ? sql`${column} = ${Number(value)}` : sql`false`
    case 'date':
      return range(sql, { column, value, last: '' })
    // A time without its seconds begins its minute as well as ends it: 12 to 13 includes 13:59:59.
    case 'time':
      return range(sql, { column, value: value.replaceAll(':', ''), last: '~' })
    case 'list':
      return hasAny(sql, column, value)
    case 'held':
      return hasWildcard(value)
        ? holds(sql, { column, inner }, sql`v #>> '{}' like ${likePattern(value)}`)
        : sql`${column} @> ${sql.json([{ [inner]: { Value: [value] } }])}`
    case 'name':
      // What has no letter in it is nobody's name, and not the lack of one.
      return !/[\p{L}\p{M}\p{N}*?]/u.test(value)
        ? sql`false`
        : likeAny(sql, column, namePatterns(value, fuzzy))
    case 'folded':
      return text(sql, sql`lower(${column})`, value.toLowerCase())
    case 'text':
      return text(sql, column, value)
  }
}

/** Whether an item holds a value that meets a condition on `v`. */
function holds(sql: AnySql, { column, inner }: Pick<Condition, 'column' | 'inner'>, is: Fragment): Fragment {
  const path = sql.unsafe(`'$[*]."${inner}".Value[*]'`) as unknown as Fragment
  return sql`exists (select 1 from jsonb_path_query(${column}, ${path}) v where ${is})`
}

// An equality leaves the rows behind it in the order of their index.
function text(sql: AnySql, column: Fragment, value: string): Fragment {
  return hasWildcard(value) ? sql`${column} like ${likePattern(value)}` : sql`${column} = ${value}`
}

/** Whether a column that is a list has one of the values of a key. */
export function hasAny(sql: AnySql, column: Fragment, value: string): Fragment {
  return hasWildcard(value)
    ? sql`exists (select 1 from unnest(${column}) m where m like any(${listOf(value).map(likePattern)}))`
    : sql`${column} && ${listOf(value)}`
}

const listOf = (value: string): string[] => value.split(/[\\,]/).map((one) => one.trim())

/**
 * Any of the patterns. What all of them have in common is looked up once; each is then held against what was found, within a
 * `case`, since looked up one by one they cost a bitmap each and the rows of the table.
 */
function likeAny(sql: AnySql, column: Fragment, patterns: readonly string[]): Fragment {
  const either = patterns
    .map((pattern) => sql`${column} like ${pattern}`)
    .reduce((so, one) => sql`${so} or ${one}`)
  const common = inCommon(patterns)
  if (patterns.length === 1 || common === null) return sql`(${either})`
  return sql`(${column} like ${common} and case when ${either} then true end)`
}

/** A pattern that whatever meets one of the patterns meets too: their beginning, or a stretch that the first begins with. */
function inCommon([first = '', ...others]: readonly string[]): string | null {
  const parts = literals(first)
  const end = parts.findIndex((part, at) => others.some((other) => literals(other)[at] !== part))
  const beginning = parts.slice(0, end < 0 ? undefined : end).join('')
  if (beginning !== '') return `${beginning}%`
  const stretch = parts.join('')
  // Shorter ones have no trigram.
  return parts.length >= 3 && others.every((other) => other.includes(stretch)) ? `%${stretch}%` : null
}

/** The characters before the first wildcard of a pattern, escapes together with what they escape. */
function literals(pattern: string): string[] {
  const parts = pattern.match(/\\?./gsu) ?? []
  const end = parts.findIndex((part) => part === '%' || part === '_')
  return end < 0 ? parts : parts.slice(0, end)
}

// PS3.4 C.2.2.2.5: from-to, each end may be open; DA and TM sort as text.
function range(
  sql: AnySql,
  { column, value, last }: { column: Fragment; value: string; last: string },
): Fragment {
  const dash = value.indexOf('-')
  if (/^\d{8}$/.test(value)) return sql`${column} = ${value}`
  if (dash < 0) return sql`${column} like ${`${escaped(value)}%`}`
  const [from, to] = [value.slice(0, dash), value.slice(dash + 1)]
  return sql`${column} <> '' ${from === '' ? sql`` : sql`and ${column} >= ${from}`}
    ${to === '' ? sql`` : sql`and ${column} <= ${to + last}`}`
}

export const hasWildcard = (value: string): boolean => /[*?]/.test(value)

const escaped = (value: string): string => value.replace(/[\\%_]/g, '\\$&')

function likePattern(value: string): string {
  return escaped(value).replaceAll('*', '%').replaceAll('?', '_')
}

/**
 * Patterns over the folded name. A name without a wildcard matches whole or with further components after it, because
 * a requestor who types DOE^JOHN means DOE^JOHN^Q too; fuzzy matches the beginning of any component.
 */
function namePatterns(value: string, fuzzy: boolean): string[] {
  const folded = likePattern(foldKeepingWildcards(value))
  if (fuzzy) return [`${folded}%`, `%^${folded}%`, `% ${folded}%`]
  const whole = folded.endsWith('%') ? [folded] : [folded, `${folded}^%`, `${folded}=%`]
  // A key that names a later group alone, or one in another script, stands behind the Latin letters of the name.
  if (folded.startsWith('='))
    return whole.map((pattern) => pattern.replace(/^=+/, (groups) => groups.replaceAll('=', '%=')))
  return /[^ -~]/.test(folded) ? [...whole, ...whole.map((pattern) => `%=${pattern}`)] : whole
}

// The fold drops what is not a letter; the wildcards and carets between the letters are ours to keep.
function foldKeepingWildcards(value: string): string {
  const component = (text: string) =>
    text
      .split(/([*?])/)
      .map((part) => (part === '*' || part === '?' ? part : foldName(part)))
      .join('')
  const group = (text: string) =>
    text.split('^').slice(0, 3).map(component).join('^').replace(/\^+$/, '').replace(EMPTY_COMPONENT, '*')
  return value.split('=').map(group).join('=').replace(/=+$/, '')
}

/** One that others follow: it matches whatever stands there. */
const EMPTY_COMPONENT = /(?<=^|\^)(?=\^)/g
