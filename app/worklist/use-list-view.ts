/** The view of a list that is shown: the address names it and what it is changed to, the server keeps it. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { useFetcher, useSearchParams } from 'react-router'
import {
  type FilterField,
  type ListFilter,
  readFilter,
  toggled,
  withoutField,
  writeFilter,
} from '#domain/list-filter.ts'
import type { ListBar, ListLayout } from './list-bar.ts'

export interface ListView {
  bar: ListBar
  filter: ListFilter
  /** Names this very list, for the table and its cursor. */
  name: string
  layout: ListLayout
  setLayout(layout: ListLayout): void
  show(viewId: string): void
  /** The next tab, or the one before. */
  step(by: 1 | -1): void
  toggle(field: FilterField, value: string): void
  drop(field: FilterField): void
  revert(): void
  save(): void
  saveAs(name: string, shared: boolean): void
  share(shared: boolean): void
  retire(): void
  /** Why the last press did nothing; null when it did. */
  refused: string | null
}

type Saved = { ok: true; viewId: string } | { ok: false; sentence: string }
const KEPT_AFTER_MS = 400

export function useListView(bar: ListBar): ListView {
  const [search, setSearch] = useSearchParams()
  const saving = useFetcher<Saved>()
  const filter = useMemo(() => readFilter(bar.filter), [bar.filter])
  const [layout, setLayout] = useLayout(bar)
  // Whoever presses three times before the list has come narrows it by all three.
  const pressed = useRef<ListFilter | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list has come
  useEffect(() => {
    pressed.current = null
  }, [bar.viewId, bar.filter])
  const narrowedTo = () => pressed.current ?? filter
  const address = (viewId: string, changed: string | null) => {
    pressed.current = null
    const next = new URLSearchParams(search)
    for (const name of ['view', 'filter', 'only', 'phase', 'after']) next.delete(name)
    // Another view is of all there is, whatever folder was open.
    if (changed === null) next.delete('folder')
    if (viewId !== 'all') next.set('view', viewId)
    if (changed !== null) next.set('filter', changed)
    setSearch(next, { replace: true, preventScrollReset: true })
  }
  const narrow = (next: ListFilter) => {
    const text = writeFilter(next)
    address(bar.viewId, text === tabOf(bar)?.filter ? null : text)
    pressed.current = next
  }
  const press = (fields: Record<string, string>) =>
    void saving.submit({ ...fields, list: bar.list }, { method: 'post', action: '/views' })

  // What was saved is shown as the view that it is now.
  const shownAfter = useRef<Saved | undefined>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each answer
  useEffect(() => {
    if (!saving.data || saving.data === shownAfter.current) return
    shownAfter.current = saving.data
    if (saving.data.ok) address(saving.data.viewId, null)
  }, [saving.data])

  return {
    bar,
    filter,
    name: `${bar.list}:${bar.viewId}:${bar.filter}`,
    layout,
    setLayout,
    show: (viewId) => address(viewId, null),
    step(by) {
      const at = bar.tabs.findIndex(({ id }) => id === bar.viewId)
      const next = bar.tabs[(at + by + bar.tabs.length) % bar.tabs.length]
      if (next) address(next.id, null)
    },
    toggle: (field, value) => narrow(toggled(narrowedTo(), field, value)),
    drop: (field) => narrow(withoutField(narrowedTo(), field)),
    revert: () => address(bar.viewId, null),
    save: () => press({ intent: 'change', viewId: bar.viewId, filter: bar.filter }),
    saveAs: (name, shared) => press({ intent: 'save', name, filter: bar.filter, shared: String(shared) }),
    share: (shared) => press({ intent: 'change', viewId: bar.viewId, shared: String(shared) }),
    retire: () => press({ intent: 'retire', viewId: bar.viewId }),
    refused: saving.state === 'idle' && saving.data && !saving.data.ok ? saving.data.sentence : null,
  }
}

export function tabOf(bar: ListBar) {
  return bar.tabs.find(({ id }) => id === bar.viewId)
}

/** At once on the screen, and a moment later on the server: dragging an edge is many widths. */
function useLayout({ list, viewId, layout }: ListBar): [ListLayout, (layout: ListLayout) => void] {
  const [own, setOwn] = useState<{ viewId: string; layout: ListLayout } | null>(null)
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const shown = own?.viewId === viewId ? own.layout : layout
  return [
    shown,
    (next) => {
      setOwn({ viewId, layout: next })
      clearTimeout(waiting.current)
      waiting.current = setTimeout(() => {
        const body = new URLSearchParams({
          intent: 'layout',
          list,
          view: viewId,
          layout: JSON.stringify(next),
        })
        // Without the router: nothing on the screen changes by it. A layout that is lost is set again.
        void fetch('/views', { method: 'POST', body }).catch(() => {})
      }, KEPT_AFTER_MS)
    },
  ]
}
