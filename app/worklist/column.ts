/** A column of a worklist: its words, its width, and what stands in its cells. */
import type { ReactNode } from 'react'

export interface Column<R> {
  key: string
  head: string
  /** `84px`, or `minmax(120px, 1fr)` for the one that takes the rest. */
  width: string
  align?: 'right'
  sorted?: 'ascending' | 'descending'
  cell: (row: R) => ReactNode
  /** The words whose change is shown for two seconds; columns that tick by themselves have none. */
  words?: (row: R) => string
}
