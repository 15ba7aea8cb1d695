/** How somebody has the columns of a list: which, in which order, how wide. */
import type { ListLayout } from './list-bar.ts'

const NARROWEST = 32
const WIDEST = 900
/** A press of an arrow key. */
export const WIDTH_STEP = 16

interface Sized {
  key: string
  width: string
}

/** The columns as they are shown; one that the layout does not know (it came later) is hidden only if it was hidden. */
export function shownColumns<C extends Sized>(
  columns: readonly C[],
  { columns: keys, widths = {} }: ListLayout,
): C[] {
  const known = keys?.flatMap((key) => columns.find((column) => column.key === key) ?? [])
  const shown = known?.length ? known : [...columns]
  const sized = shown.map((column) => {
    const width = widths[column.key]
    return width === undefined ? column : { ...column, width: `${width}px` }
  })
  // One column takes the rest: without one the last does, or rows would end before the list does.
  if (sized.some(({ width }) => width.includes('fr'))) return sized
  return sized.map((column, index) =>
    index === sized.length - 1 ? { ...column, width: `minmax(${column.width}, 1fr)` } : column,
  )
}

/** Keys with one of them a place further. */
export function moved(keys: readonly string[], key: string, by: number): string[] {
  const from = keys.indexOf(key)
  const to = Math.max(0, Math.min(keys.length - 1, from + by))
  if (from < 0 || to === from) return [...keys]
  const others = keys.filter((each) => each !== key)
  return [...others.slice(0, to), key, ...others.slice(to)]
}

/** Keys with one of them where another is. */
export function placedAt(keys: readonly string[], key: string, target: string): string[] {
  return moved(keys, key, keys.indexOf(target) - keys.indexOf(key))
}

export function widened(layout: ListLayout, key: string, px: number): ListLayout {
  const width = Math.round(Math.max(NARROWEST, Math.min(WIDEST, px)))
  return { ...layout, widths: { ...layout.widths, [key]: width } }
}

/** Is it anything but the list's own? */
export function arranged({ columns, widths = {}, density }: ListLayout): boolean {
  return columns !== undefined || density !== undefined || Object.keys(widths).length > 0
}
