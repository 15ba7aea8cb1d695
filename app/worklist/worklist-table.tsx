/** A worklist: a real table of any length, live, worked by keys. Only what is in view is drawn. */
import { useVirtualizer } from '@tanstack/react-virtual'
import {
  type CSSProperties,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { useKeys } from '../keys/key-layer.tsx'
import { t } from '../strings/words.ts'
import { Glyph } from '../ui/glyph.tsx'
import type { Column } from './column.ts'
import { ColumnHeads } from './column-heads.tsx'
import { shownColumns } from './column-layout.ts'
import type { ListLayout } from './list-bar.ts'
import { isUnsettled, liveRows, looksAlike, receive, type ShownRow, settle } from './live-rows.ts'

export type { Column } from './column.ts'

export interface WorklistRow {
  /** The work item's id, or the order's: one row each. */
  id: string
  orderId: string
  accession: string
  isStat: boolean
  /** Somebody else has it. */
  isTaken?: boolean
}

interface WorklistTableProps<R extends WorklistRow> {
  /** Names the list, for its caption and for keeping the cursor's place. */
  name: string
  label: string
  rows: readonly R[]
  columns: readonly Column<R>[]
  cursorId: string | null
  onCursor: (id: string) => void
  onOpen: (row: R) => void
  total?: number
  rowHeight?: 28 | 32 | 48
  /** How this person has the columns; with `onLayout` they can be arranged. */
  layout?: ListLayout
  onLayout?: (layout: ListLayout) => void
  /** Less than a page lies below what is in view, and more may be asked for. */
  onNearEnd?: (() => void) | undefined
  empty: ReactNode
}

// One array for all lists without a cursor cell of their own: the gutter for cursor and news.
const GUTTER = '22px'
// Drawn as a grid, a table loses its meaning in some browsers unless it is said again.
const is = {
  table: { role: 'table' },
  rowgroup: { role: 'rowgroup' },
  row: { role: 'row' },
  columnheader: { role: 'columnheader' },
  cell: { role: 'cell' },
}
const useBeforePaint = typeof document === 'undefined' ? useEffect : useLayoutEffect

const NO_LAYOUT: ListLayout = {}
/** Pages are prefetched one ahead. */
const PAGE = 200

export function WorklistTable<R extends WorklistRow>(given: WorklistTableProps<R>) {
  const { layout = NO_LAYOUT, onLayout, onNearEnd } = given
  const columns = useMemo(() => shownColumns(given.columns, layout), [given.columns, layout])
  const rowHeight = layout.density ?? given.rowHeight ?? 32
  const props = { ...given, columns, rowHeight }
  const { rows, cursorId, onOpen, label, total = rows.length } = props
  const scroller = useRef<HTMLDivElement>(null)
  const { shown, watch } = useLiveRows(props, scroller)
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => shown[index]?.id ?? index,
    overscan: 8,
    initialRect: { width: 1_440, height: 900 },
    rangeExtractor: (range) =>
      withCursor(
        range,
        shown.findIndex(({ id }) => id === cursorId),
      ),
  })
  const lastDrawn = virtual.getVirtualItems().at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length < total && lastDrawn + PAGE >= rows.length) onNearEnd?.()
  }, [rows.length, total, lastDrawn, onNearEnd])
  useCursorKeys(props, shown, watch, (index) => virtual.scrollToIndex(index, { align: 'auto' }))
  return (
    <div
      className="worklist"
      style={
        {
          '--row': `${rowHeight}px`,
          '--worklist-columns': [GUTTER, ...columns.map((column) => column.width)].join(' '),
        } as CSSProperties
      }
    >
      <NewsAbove shown={shown} scroller={scroller} rowHeight={rowHeight} />
      <section
        ref={scroller}
        className="worklist-scroll"
        data-keys="list"
        aria-label={label}
        onPointerEnter={() => watch.pointer(true)}
        onPointerLeave={() => watch.pointer(false)}
        onFocus={() => watch.focus(true)}
        onBlur={() => watch.focus(false)}
      >
        <table {...is.table} aria-rowcount={total + 1}>
          <caption className="visually-hidden">{label}</caption>
          <thead {...is.rowgroup}>
            <tr {...is.row} aria-rowindex={1}>
              <th {...is.columnheader} scope="col">
                <span className="visually-hidden">{t('worklist.news')}</span>
              </th>
              <ColumnHeads columns={columns} layout={layout} onLayout={onLayout} />
            </tr>
          </thead>
          <tbody {...is.rowgroup} style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const row = shown[item.index]
              return row ? (
                <Row
                  key={row.id}
                  shown={row}
                  columns={columns}
                  index={item.index}
                  top={item.start}
                  isCursor={row.id === cursorId}
                  onPick={() => watch.pick(row.id)}
                  onOpen={() => onOpen(row.row)}
                />
              ) : null
            })}
          </tbody>
        </table>
        {shown.length === 0 ? props.empty : null}
      </section>
      <p className="visually-hidden" role="status">
        {newStats(shown)}
      </p>
    </div>
  )
}

interface RowProps<R extends WorklistRow> {
  shown: ShownRow<R>
  columns: readonly Column<R>[]
  index: number
  top: number
  isCursor: boolean
  onPick: () => void
  onOpen: () => void
}

// Placed by transform: a row that changes places is then no layout shift, and focus stays where it is.
function Row<R extends WorklistRow>({ shown, columns, index, top, isCursor, onPick, onOpen }: RowProps<R>) {
  const { row, changedMs, newSinceMs, goneSinceMs } = shown
  const state = goneSinceMs !== null ? 'gone' : newSinceMs !== null ? 'new' : ''
  return (
    <tr
      {...is.row}
      aria-rowindex={index + 2}
      aria-current={isCursor || undefined}
      className={`${state} ${row.isTaken ? 'taken' : ''}`}
      tabIndex={isCursor ? 0 : -1}
      data-order={row.orderId}
      data-accession={row.accession}
      data-item={row.id}
      data-gone={goneSinceMs !== null || undefined}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onPick}
      onDoubleClick={onOpen}
    >
      <Cells
        row={row}
        columns={columns}
        state={state}
        isCursor={isCursor}
        changed={Object.keys(changedMs).join(' ')}
      />
    </tr>
  )
}

interface CellsProps<R extends WorklistRow> {
  row: R
  columns: readonly Column<R>[]
  state: 'gone' | 'new' | ''
  isCursor: boolean
  /** The keys of the columns whose words changed a moment ago. */
  changed: string
}

// Most rows of a list that changes say what they said, wherever they stand now.
const Cells = memo(function Cells<R extends WorklistRow>(props: CellsProps<R>) {
  const { row, columns, state, isCursor, changed } = props
  const isChanged = new Set(changed.split(' '))
  return (
    <>
      <td {...is.cell}>
        {state === 'gone' ? <span className="visually-hidden">{t('worklist.gone')}</span> : null}
        {state === 'new' ? (
          <>
            <span className="dot" />
            <span className="visually-hidden">{t('worklist.new')}</span>
          </>
        ) : null}
        {isCursor && state === '' ? <Glyph name="chevron" /> : null}
      </td>
      {columns.map(({ key, align, cell }) => (
        <td key={key} {...is.cell} className={`${align ?? ''} ${isChanged.has(key) ? 'changed' : ''}`}>
          {cell(row)}
        </td>
      ))}
    </>
  )
}) as <R extends WorklistRow>(props: CellsProps<R>) => ReactNode

/** New rows above what is in view: said at the top edge, and one press goes there. */
function NewsAbove<R extends WorklistRow>({ shown, scroller, rowHeight }: NewsAboveProps<R>) {
  const top = scroller.current?.scrollTop ?? 0
  const above = shown.filter(
    ({ newSinceMs }, index) => newSinceMs !== null && (index + 0.5) * rowHeight < top,
  )
  const stat = above.filter(({ row }) => row.isStat).length
  if (above.length === 0) return null
  return (
    <button type="button" className="news-above" onClick={() => scroller.current?.scrollTo({ top: 0 })}>
      {stat
        ? t('worklist.new-above-stat', { n: above.length, stat })
        : t('worklist.new-above', { n: above.length })}
    </button>
  )
}

interface NewsAboveProps<R> {
  shown: readonly ShownRow<R>[]
  scroller: { readonly current: HTMLDivElement | null }
  rowHeight: number
}

interface Watch {
  pointer: (inside: boolean) => void
  focus: (inside: boolean) => void
  key: () => void
  pick: (id: string) => void
}

/** The rows as they stand, and what the person does that decides when they may move. */
function useLiveRows<R extends WorklistRow>(
  { rows, columns, cursorId, onCursor, rowHeight = 32, name }: WorklistTableProps<R>,
  scroller: { readonly current: HTMLDivElement | null },
) {
  const [state, setState] = useState(() => liveRows(rows, idOf))
  const person = useRef({ engaged: false, pointerInside: false, lastKeyMs: 0, cursorMovedMs: 0 })
  const latest = useRef({ columns, cursorId })
  latest.current = { columns, cursorId }

  const step = useCallback(
    (change: (before: typeof state) => typeof state) =>
      setState((before) => {
        const changed = change(before)
        const visible = viewOf(scroller.current, rowHeight)
        const after = settle(changed, {
          ...person.current,
          nowMs: Date.now(),
          cursorId: latest.current.cursorId,
          isInView: (id) => visible(changed.shown.findIndex((row) => row.id === id)),
        })
        return looksAlike(before, after) ? before : after
      }),
    [rowHeight, scroller],
  )

  const given = useRef(rows)
  useEffect(() => {
    if (given.current === rows) return
    given.current = rows
    const wordsOf = (row: R) =>
      Object.fromEntries(
        latest.current.columns.flatMap(({ key, words }) => (words ? [[key, words(row)]] : [])),
      )
    step((before) => receive(before, { rows, idOf, wordsOf, nowMs: Date.now() }))
  }, [rows, step])

  useEffect(() => {
    if (!isUnsettled(state)) return
    const timer = setInterval(() => step((before) => before), 200)
    return () => clearInterval(timer)
  }, [state, step])

  // Another list under the same table (a tab) starts from its own rows, without news.
  const [listName, setListName] = useState(name)
  if (listName !== name) {
    setListName(name)
    given.current = rows
    setState(liveRows(rows, idOf))
  }

  useAnchor(state.shown, { scroller, rowHeight, cursorId, isEngaged: () => person.current.engaged })

  const watch: Watch = {
    pointer(inside) {
      person.current.pointerInside = inside
    },
    focus(inside) {
      person.current.engaged = inside
      if (inside) person.current.lastKeyMs = Date.now()
    },
    key() {
      person.current.lastKeyMs = Date.now()
    },
    pick(id) {
      person.current.lastKeyMs = Date.now()
      if (id !== cursorId) person.current.cursorMovedMs = Date.now()
      onCursor(id)
      rowElement(scroller.current, id)?.focus({ preventScroll: true })
    },
  }
  return { shown: state.shown, watch }
}

interface AnchorOptions {
  scroller: { readonly current: HTMLDivElement | null }
  rowHeight: number
  cursorId: string | null
  isEngaged: () => boolean
}

/** What the eye rests on keeps its height on the screen: the cursor's row, else the first row in view. */
function useAnchor<R>(
  shown: readonly ShownRow<R>[],
  { scroller, rowHeight, cursorId, isEngaged }: AnchorOptions,
) {
  const before = useRef(shown)
  useBeforePaint(() => {
    const was = before.current
    before.current = shown
    const element = scroller.current
    if (!element || was === shown) return
    const firstInView = was[Math.round(element.scrollTop / rowHeight)]?.id
    const anchor = isEngaged() && cursorId ? cursorId : element.scrollTop > 0 ? firstInView : undefined
    if (!anchor) return
    const from = was.findIndex(({ id }) => id === anchor)
    const to = shown.findIndex(({ id }) => id === anchor)
    if (from >= 0 && to >= 0 && from !== to) element.scrollTop += (to - from) * rowHeight
  }, [shown])
}

function useCursorKeys<R extends WorklistRow>(
  { cursorId, onCursor, onOpen, rowHeight = 32 }: WorklistTableProps<R>,
  shown: readonly ShownRow<R>[],
  watch: Watch,
  scrollTo: (index: number) => void,
) {
  const at = shown.findIndex(({ id }) => id === cursorId)
  const wantsFocus = useRef(false)
  function go(index: number): void {
    watch.key()
    const target = shown[Math.max(0, Math.min(shown.length - 1, index))]
    if (!target) return
    scrollTo(shown.indexOf(target))
    wantsFocus.current = true
    if (target.id === cursorId) watch.pick(target.id)
    else {
      watch.pick(target.id)
      onCursor(target.id)
    }
  }
  // The row may have to be drawn first.
  useEffect(() => {
    if (!wantsFocus.current || !cursorId) return
    wantsFocus.current = false
    rowElement(document, cursorId)?.focus({ preventScroll: true })
  }, [cursorId])
  const page = Math.max(1, Math.floor(600 / rowHeight))
  const inList = { where: 'list' as const, word: t('keys.move') }
  useKeys([
    { chord: 'ArrowDown', ...inList, run: () => go(at + 1) },
    { chord: 'ArrowUp', ...inList, run: () => go(at - 1) },
    { chord: 'PageDown', ...inList, run: () => go(at + page) },
    { chord: 'PageUp', ...inList, run: () => go(at - page) },
    { chord: 'Home', ...inList, run: () => go(0) },
    { chord: 'End', ...inList, run: () => go(shown.length - 1) },
    {
      chord: 'Enter',
      where: 'list',
      word: t('keys.open'),
      run: () => {
        const row = shown[at]
        if (row && row.goneSinceMs === null) onOpen(row.row)
      },
    },
  ])
}

function rowElement(within: ParentNode | null, id: string): HTMLElement | null {
  return within?.querySelector<HTMLElement>(`tr[data-item="${CSS.escape(id)}"]`) ?? null
}

function withCursor(
  range: { startIndex: number; endIndex: number; overscan: number; count: number },
  cursor: number,
) {
  const from = Math.max(0, range.startIndex - range.overscan)
  const to = Math.min(range.count - 1, range.endIndex + range.overscan)
  const drawn = Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n)
  if (cursor < 0 || cursor >= range.count || (cursor >= from && cursor <= to)) return drawn
  // The cursor's row is always drawn: a row that isn't would lose the focus.
  return cursor < from ? [cursor, ...drawn] : [...drawn, cursor]
}

function viewOf(scroller: HTMLDivElement | null, rowHeight: number): (index: number) => boolean {
  const top = scroller?.scrollTop ?? 0
  const bottom = top + (scroller?.clientHeight ?? 0) - 28
  return (index) => index >= 0 && index * rowHeight >= top - 4 && (index + 1) * rowHeight <= bottom + 4
}

function newStats<R extends WorklistRow>(shown: readonly ShownRow<R>[]): string {
  const n = shown.filter(({ newSinceMs, row }) => newSinceMs !== null && row.isStat).length
  return n ? t('worklist.new-stat', { n }) : ''
}

const idOf = <R extends WorklistRow>(row: R) => row.id
