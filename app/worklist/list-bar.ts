/** What stands above a list, as its loader answers it: the views as tabs, what the shown one is narrowed to, its columns. */
import type { FilterField } from '#domain/list-filter.ts'
import { AGE_GROUPS, CLAIMS, TIMES } from '#domain/list-filter.ts'
import { AREAS, MODALITIES, PATIENT_CLASSES, PHASES, PRIORITIES } from '#domain/words.ts'
import { hasWord, t, wordFor } from '../strings/words.ts'

export interface ListTab {
  id: string
  name: string
  filter: string
  /** Who keeps it; null for a view that the list has for everybody. */
  owner: string | null
  isShared: boolean
  isMine: boolean
  count?: { count: number; late: number } | undefined
}

/** Keys of the columns in their order, widths in px, height of a row. */
export interface ListLayout {
  columns?: string[]
  widths?: Record<string, number>
  density?: 28 | 32 | 48
}

export interface ListBar {
  list: 'reading' | 'over-read' | 'sent-back' | 'late' | 'orders'
  viewId: string
  filter: string
  /** Narrowed to something else than the view was saved with. */
  isChanged: boolean
  tabs: ListTab[]
  layout: ListLayout
  sites: { id: string; name: string }[]
  /** Rows of the whole list as it is narrowed. */
  shown: number
  mayKeep: boolean
  mayShare: boolean
}

/** Every value that a chip can take, as the type-ahead offers them. */
export function filterChoices(
  fields: readonly FilterField[],
  { sites }: Pick<ListBar, 'sites'>,
): { field: FilterField; value: string; word: string }[] {
  const values: Record<FilterField, readonly string[]> = {
    area: AREAS,
    site: sites.map(({ id }) => id),
    modality: MODALITIES,
    class: PATIENT_CLASSES,
    age: AGE_GROUPS,
    priority: PRIORITIES,
    phase: PHASES,
    time: TIMES,
    claim: CLAIMS,
  }
  return fields.flatMap((field) =>
    values[field].map((value) => ({ field, value, word: filterWord(field, value, sites) })),
  )
}

export function fieldWord(field: FilterField): string {
  return t(`filter.${field}`)
}

/** A value in words; one that has none (an area of a department's own) says its id. */
export function filterWord(field: FilterField, value: string, sites: ListBar['sites']): string {
  if (field === 'site') return sites.find(({ id }) => id === value)?.name ?? value
  if (field === 'class') return wordFor('why.class', value)
  const key = `filter.${field}.${value}`
  return hasWord(key) ? t(key) : wordFor(field, value)
}
