/** What a list is narrowed by: one chip per field, ids alone, so that an address may carry it and a colleague may share it. */
import { yearsBetween } from './calendar.ts'
import type { PatientClass, Phase, Priority } from './words.ts'

export const FILTER_FIELDS = [
  'area',
  'site',
  'modality',
  'class',
  'age',
  'priority',
  'phase',
  'time',
  'claim',
] as const
export type FilterField = (typeof FILTER_FIELDS)[number]

/** Full years on the day the list is read; who has no known birth date is of no group. */
export const AGE_GROUPS = ['infant', 'child', 'adult', 'senior'] as const
export type AgeGroup = (typeof AGE_GROUPS)[number]
export const AGES_FROM: Readonly<Record<AgeGroup, number>> = { infant: 0, child: 2, adult: 18, senior: 65 }

/** Past its due time, or within the hour. */
export const TIMES = ['late', 'soon'] as const
export const CLAIMS = ['mine', 'free', 'taken'] as const

/** A row passes when each field that is named holds one of its values. */
export type ListFilter = { readonly [field in FilterField]?: readonly string[] }

/** What a row of a list is, as far as a filter asks. */
export interface Facets {
  area: string | null
  siteId: string
  modality: string | null
  patientClass: PatientClass | null
  /** YYYY-MM-DD, or less where less is known. */
  birthDate: string | null
  priority: Priority
  phase: Phase | null
  dueAt: Date | null
  holderId: string | null
}

export interface Asking {
  userId: string
  now: Date
  /** Local date of the department. */
  today: string
}

/** What is due within it is soon late. */
export const SOON_MS = 3_600_000
/** What an id may look like: nothing that a person's name or number could hide in. */
const VALUE = /^[\w-]{1,32}$/
const MOST_VALUES = 40

/** `area:neuro,chest;modality:CT`: fields and values in one order, so that the same filter is the same text. */
export function writeFilter(filter: ListFilter): string {
  return FILTER_FIELDS.flatMap((field) => {
    const values = [...new Set(filter[field] ?? [])].sort()
    return values.length > 0 ? [`${field}:${values.join(',')}`] : []
  }).join(';')
}

/** What is no field or no id is left out: a link that somebody mistyped still shows a list. */
export function readFilter(text: string): ListFilter {
  const found: Partial<Record<FilterField, string[]>> = {}
  for (const part of text.split(';')) {
    const [name, values = ''] = part.split(':')
    const field = FILTER_FIELDS.find((each) => each === name)
    const ids = values.split(',').filter((value) => VALUE.test(value))
    if (field && ids.length > 0)
      found[field] = [...new Set([...(found[field] ?? []), ...ids])].slice(0, MOST_VALUES)
  }
  return found
}

export function fitsFilter(row: Facets, filter: ListFilter, asking: Asking): boolean {
  for (const field of FILTER_FIELDS) {
    const wanted = filter[field]
    if (wanted?.length && !VALUES_OF[field](row, asking).some((value) => wanted.includes(value))) return false
  }
  return true
}

/** One value more, or one less. */
export function toggled(filter: ListFilter, field: FilterField, value: string): ListFilter {
  const before = filter[field] ?? []
  const after = before.includes(value) ? before.filter((each) => each !== value) : [...before, value]
  const { [field]: _, ...others } = filter
  return after.length > 0 ? { ...others, [field]: after } : others
}

export function withoutField(filter: ListFilter, field: FilterField): ListFilter {
  const { [field]: _, ...others } = filter
  return others
}

const VALUES_OF: Readonly<Record<FilterField, (row: Facets, asking: Asking) => readonly string[]>> = {
  area: ({ area }) => known(area),
  site: ({ siteId }) => [siteId],
  modality: ({ modality }) => known(modality),
  class: ({ patientClass }) => known(patientClass),
  age: ({ birthDate }, { today }) => known(ageGroup(birthDate, today)),
  priority: ({ priority }) => [priority],
  phase: ({ phase }) => known(phase),
  time: ({ dueAt }, { now }) => timesOf(dueAt, now),
  claim: ({ holderId }, { userId }) => claimsOf(holderId, userId),
}

function known(value: string | null): string[] {
  return value === null ? [] : [value]
}

/** Null when the birth date is not known to the day. */
export function ageGroup(birthDate: string | null, today: string): AgeGroup | null {
  if (birthDate?.length !== 10) return null
  const years = yearsBetween(birthDate, today)
  return AGE_GROUPS.findLast((group) => years >= AGES_FROM[group]) ?? null
}

function timesOf(dueAt: Date | null, now: Date): string[] {
  if (dueAt === null) return []
  if (dueAt < now) return ['late']
  return dueAt.getTime() - now.getTime() < SOON_MS ? ['soon'] : []
}

function claimsOf(holderId: string | null, userId: string): string[] {
  if (holderId === null) return ['free']
  return [holderId === userId ? 'mine' : 'taken']
}
