/** The heads of a list's columns: widths and places by drag or by keys, one stop on the way of Tab. */
import { type DragEvent, type KeyboardEvent, type PointerEvent, useRef, useState } from 'react'
import { Glyph } from '../ui/glyph.tsx'
import type { Column } from './column.ts'
import { moved, placedAt, WIDTH_STEP, widened } from './column-layout.ts'
import type { ListLayout } from './list-bar.ts'

interface ColumnHeadsProps<R> {
  columns: readonly Column<R>[]
  layout: ListLayout
  /** Left out where nobody arranges them. */
  onLayout?: ((layout: ListLayout) => void) | undefined
}

/** Pixels of the widest words of a column, as they are drawn now: what a double press on its edge fits it to. */
function fittingPx(head: HTMLElement, index: number): number {
  const table = head.closest('table')
  const cells = table?.querySelectorAll<HTMLElement>(`tbody td:nth-child(${index + 2})`) ?? []
  const words = [head, ...cells].map((cell) => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return range.getBoundingClientRect().width
  })
  return Math.max(...words) + 18
}

export function ColumnHeads<R>({ columns, layout, onLayout }: ColumnHeadsProps<R>) {
  const [at, setAt] = useState(0)
  const dragged = useRef<string | null>(null)
  const keys = columns.map(({ key }) => key)
  const heads = useRef(new Map<string, HTMLTableCellElement>())

  function widen(key: string, px: number): void {
    onLayout?.(widened(layout, key, px))
  }
  function press(event: KeyboardEvent<HTMLTableCellElement>, index: number): void {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    const key = keys[index]
    if (by === 0 || key === undefined || event.altKey || event.metaKey) return
    event.preventDefault()
    event.stopPropagation()
    if (event.shiftKey && event.ctrlKey) onLayout?.({ ...layout, columns: moved(keys, key, by) })
    else if (event.shiftKey) widen(key, event.currentTarget.getBoundingClientRect().width + by * WIDTH_STEP)
    else heads.current.get(keys[index + by] ?? '')?.focus()
  }
  function drag(event: PointerEvent<HTMLSpanElement>, key: string): void {
    event.preventDefault()
    event.stopPropagation()
    const from = event.clientX
    const width = heads.current.get(key)?.getBoundingClientRect().width ?? 0
    const edge = event.currentTarget
    edge.setPointerCapture(event.pointerId)
    const move = (next: globalThis.PointerEvent) => widen(key, width + next.clientX - from)
    edge.addEventListener('pointermove', move)
    edge.addEventListener('lostpointercapture', () => edge.removeEventListener('pointermove', move), {
      once: true,
    })
  }
  function drop(event: DragEvent<HTMLTableCellElement>, target: string): void {
    event.preventDefault()
    if (dragged.current) onLayout?.({ ...layout, columns: placedAt(keys, dragged.current, target) })
    dragged.current = null
  }
  return columns.map((column, index) => (
    <th
      key={column.key}
      ref={(head) => {
        if (head) heads.current.set(column.key, head)
        else heads.current.delete(column.key)
      }}
      // biome-ignore lint/a11y/noRedundantRoles: drawn as a grid, a table loses its meaning in some browsers unless it is said again
      role="columnheader"
      scope="col"
      className={column.align}
      aria-sort={column.sorted}
      data-column={column.key}
      {...(onLayout && {
        tabIndex: index === Math.min(at, columns.length - 1) ? 0 : -1,
        draggable: true,
        onFocus: () => setAt(index),
        onKeyDown: (event) => press(event, index),
        onDragStart: () => {
          dragged.current = column.key
        },
        onDragOver: (event) => event.preventDefault(),
        onDrop: (event) => drop(event, column.key),
      })}
    >
      {column.head}
      {column.sorted ? <Glyph name={column.sorted === 'ascending' ? 'sort-up' : 'sort-down'} /> : null}
      {onLayout ? (
        <span
          className="column-edge"
          aria-hidden="true"
          onPointerDown={(event) => drag(event, column.key)}
          onDoubleClick={() => {
            const head = heads.current.get(column.key)
            if (head) widen(column.key, fittingPx(head, index))
          }}
        />
      ) : null}
    </th>
  ))
}
