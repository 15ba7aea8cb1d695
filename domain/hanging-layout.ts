/** How images are hung: a grid, and for each of its viewports which study and series stand there, and in which plane. */

export const PLANES = ['stack', 'axial', 'sagittal', 'coronal'] as const
export type Plane = (typeof PLANES)[number]

/** Beside the report, or in a window of its own, which has more room. */
export const VIEWER_PLACES = ['beside', 'own-window'] as const
export type ViewerPlace = (typeof VIEWER_PLACES)[number]

export interface HungViewport {
  study: 'current' | 'prior'
  /** Words of the Series Description (0008,103E); empty: any series. */
  series: string
  /** Which of the series that match, from 0. */
  nth: number
  plane: Plane
}

export interface HangingLayout {
  rows: number
  columns: number
  /** Row by row, one for each cell. */
  viewports: readonly HungViewport[]
}

const MOST_ROWS = 3
const MOST_COLUMNS = 4
/** Long String of DICOM (PS3.5 section 6.2). */
const LONGEST_SERIES = 64

/** What came from outside, as a layout; null when it is none. */
export function readLayout(value: unknown): HangingLayout | null {
  const { rows, columns, viewports } = (value ?? {}) as Record<string, unknown>
  if (!isBetween(rows, 1, MOST_ROWS) || !isBetween(columns, 1, MOST_COLUMNS)) return null
  if (!Array.isArray(viewports) || viewports.length !== rows * columns) return null
  const read = viewports.map(readViewport)
  return read.every((viewport) => viewport !== null) ? { rows, columns, viewports: read } : null
}

function readViewport(value: unknown): HungViewport | null {
  const { study, series, nth, plane } = (value ?? {}) as Record<string, unknown>
  const isPlane = PLANES.includes(plane as Plane)
  if ((study !== 'current' && study !== 'prior') || !isPlane || !isBetween(nth, 0, 99)) return null
  if (typeof series !== 'string' || series.length > LONGEST_SERIES || !isPlainText(series)) return null
  return { study, series: series.trim(), nth, plane: plane as Plane }
}

/** No control characters and no halves of a character: neither a data set nor the database has them. */
const isPlainText = (text: string) => text.isWellFormed() && !/\p{Cc}/u.test(text)

function isBetween(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}

/** Another grid with what fits of the old one; new cells show the current study's next series. */
export function resized(layout: HangingLayout, rows: number, columns: number): HangingLayout {
  const viewports = Array.from({ length: rows * columns }, (_, cell) => {
    const [row, column] = [Math.floor(cell / columns), cell % columns]
    const kept = column < layout.columns ? layout.viewports[row * layout.columns + column] : undefined
    return kept ?? { study: 'current' as const, series: '', nth: Math.min(cell, 99), plane: 'stack' as const }
  })
  return { rows, columns, viewports }
}
