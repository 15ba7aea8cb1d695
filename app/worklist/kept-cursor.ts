/** The cursor of a list: an id, not a place. It is kept for the tab, so that coming back finds the same row. */
import { useEffect, useRef, useState } from 'react'

/** A row that has left stands struck through for as long; then the cursor goes on. */
const GONE_MS = 10_000
/** What has not left by then stayed: an act of this person's was refused. */
const OWN_ACT_MS = 5_000

interface Row {
  id: string
}

export interface KeptCursor<R> {
  id: string | null
  /** The row under it; undefined once that has left: keys then act on nothing, never on another patient. */
  current: R | undefined
  /** That row, or the last one that stood there: what is drawn of it stays. */
  shown: R | undefined
  move(id: string): void
  /** What stands there is about to leave by this person's own act: the cursor goes on as soon as it has. */
  letGo(): void
}

export function useKeptCursor<R extends Row>(name: string, rows: readonly R[]): KeptCursor<R> {
  const key = `cursor:${name}`
  // On the server and while waking up it is the first row; what was kept is only known to the browser.
  const [id, setId] = useState<string | null>(rows[0]?.id ?? null)
  const current = rows.find((row) => row.id === id)
  /** The list when the row was last among it. */
  const stood = useRef<{ rows: readonly R[]; row: R | undefined }>({ rows, row: current })
  const newest = useRef(rows)
  newest.current = rows
  if (current) stood.current = { rows, row: current }
  const letGo = useRef<{ id: string | null; untilMs: number }>({ id: null, untilMs: 0 })
  function go(to: string | null): void {
    if (to !== null) sessionStorage.setItem(key, to)
    setId(to)
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: read once per list, not at every change of its rows
  useEffect(() => {
    const kept = sessionStorage.getItem(key)
    go(kept !== null && rows.some((row) => row.id === kept) ? kept : (rows[0]?.id ?? null))
  }, [key])

  const isGone = id !== null && !current
  const isUnset = id === null && rows.length > 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time runs from when the row left, whatever comes meanwhile
  useEffect(() => {
    const goOn = () => go(afterGone(stood.current.rows, id, newest.current))
    const isOwnAct = letGo.current.id === id && Date.now() < letGo.current.untilMs
    if (isUnset || (isGone && isOwnAct)) goOn()
    if (!isGone) return
    const timer = setTimeout(goOn, GONE_MS)
    return () => clearTimeout(timer)
  }, [id, isGone, isUnset])

  return {
    id,
    current,
    shown: current ?? (id === null ? undefined : stood.current.row),
    move: go,
    letGo() {
      letGo.current = { id, untilMs: Date.now() + OWN_ACT_MS }
    },
  }
}

/** The row that stood next below and is there still, else the next above, else the first. */
export function afterGone(before: readonly Row[], id: string | null, rows: readonly Row[]): string | null {
  const there = new Set(rows.map((row) => row.id))
  const at = before.findIndex((row) => row.id === id)
  const near = at < 0 ? [] : [...before.slice(at + 1), ...before.slice(0, at).reverse()]
  return near.find((row) => there.has(row.id))?.id ?? rows[0]?.id ?? null
}
