/** Rows of a list that changes by itself: what is new, changed or gone, and when a row may move under a reader's eye. */

export interface ShownRow<R> {
  id: string
  row: R
  newSinceMs: number | null
  inViewSinceMs: number | null
  /** Column → when its words changed. */
  changedMs: Readonly<Record<string, number>>
  goneSinceMs: number | null
  /** The cursor stood on it when it went; it leaves when the cursor does. */
  goneUnderCursor: boolean
}

export interface LiveRows<R> {
  shown: readonly ShownRow<R>[]
  /** Came, but not placed yet. */
  arriving: readonly ShownRow<R>[]
  /** The newest order of the list. */
  ranked: readonly string[]
  updatedMs: number
}

/** What the person is doing, as far as it decides whether rows may move. */
export interface Watching {
  nowMs: number
  cursorId: string | null
  /** The list has focus. */
  engaged: boolean
  lastKeyMs: number
  cursorMovedMs: number
  pointerInside: boolean
  isInView: (id: string) => boolean
}

const CHANGED_FOR_MS = 2_000
const SEEN_AFTER_MS = 2_000
const NEW_AT_MOST_MS = 60_000
const GONE_AT_MOST_MS = 10_000
/** No click on the wrong patient: what is under the pointer stays there for a moment after an update. */
const POINTER_HOLD_MS = 400
const RANK_HOLD_MS = 5_000

export function liveRows<R>(rows: readonly R[], idOf: (row: R) => string): LiveRows<R> {
  return {
    shown: rows.map((row) => ({ ...fresh(row, idOf(row)), newSinceMs: null })),
    arriving: [],
    ranked: rows.map(idOf),
    updatedMs: 0,
  }
}

/** Takes the newest rows. Words in cells change at once; places wait for `settle`. */
export function receive<R>(
  state: LiveRows<R>,
  {
    rows,
    idOf,
    wordsOf,
    nowMs,
  }: {
    rows: readonly R[]
    idOf: (row: R) => string
    wordsOf: (row: R) => Record<string, string>
    nowMs: number
  },
): LiveRows<R> {
  const next = new Map(rows.map((row) => [idOf(row), row]))
  const update = (shown: ShownRow<R>): ShownRow<R> => {
    const row = next.get(shown.id)
    if (row === undefined) return shown.goneSinceMs === null ? { ...shown, goneSinceMs: nowMs } : shown
    if (row === shown.row && shown.goneSinceMs === null) return shown
    const before = wordsOf(shown.row)
    const changedMs = { ...shown.changedMs }
    for (const [column, words] of Object.entries(wordsOf(row)))
      if (before[column] !== words) changedMs[column] = nowMs
    return { ...shown, row, changedMs, goneSinceMs: null, goneUnderCursor: false }
  }
  const known = new Set([...state.shown, ...state.arriving].map(({ id }) => id))
  const came = rows.filter((row) => !known.has(idOf(row)))
  return {
    shown: state.shown.map(update),
    arriving: [
      ...state.arriving.filter(({ id }) => next.has(id)).map(update),
      ...came.map((row) => ({ ...fresh(row, idOf(row)), newSinceMs: nowMs })),
    ],
    ranked: rows.map(idOf),
    updatedMs: nowMs,
  }
}

/** Lets rows come, go and change places as far as the person's eye, cursor and pointer allow it now. */
export function settle<R>(state: LiveRows<R>, watching: Watching): LiveRows<R> {
  const { nowMs, cursorId, pointerInside } = watching
  const shown = state.shown.map((row) => faded(touched(row, cursorId), nowMs))
  if (pointerInside && nowMs - state.updatedMs < POINTER_HOLD_MS) return { ...state, shown }
  const staying = shown.filter((row) => !mayLeave(row, nowMs, cursorId))
  const all = new Map([...staying, ...state.arriving].map((row) => [row.id, row]))
  const standing = staying.map(({ id }) => id)
  const order = mayRank(state, watching)
    ? placed(
        state.ranked.filter((id) => all.has(id)),
        standing.filter((id) => !state.ranked.includes(id)),
        standing,
      )
    : placed(
        standing,
        state.arriving.map(({ id }) => id),
        state.ranked,
      )
  return { ...state, shown: order.map((id) => seen(all.get(id) as ShownRow<R>, watching)), arriving: [] }
}

/** True when time alone will still change something, so that a timer is worth its while. */
export function isUnsettled<R>({ shown, arriving, ranked }: LiveRows<R>): boolean {
  return (
    arriving.length > 0 ||
    shown.some(
      (row, index) =>
        row.newSinceMs !== null ||
        row.goneSinceMs !== null ||
        row.id !== ranked[index] ||
        Object.keys(row.changedMs).length > 0,
    )
  )
}

// While a list has focus, ranks wait until the cursor moves or nobody has pressed a key for five seconds.
function mayRank<R>(state: LiveRows<R>, { engaged, nowMs, lastKeyMs, cursorMovedMs }: Watching): boolean {
  return !engaged || nowMs - lastKeyMs >= RANK_HOLD_MS || cursorMovedMs > state.updatedMs
}

function mayLeave<R>(row: ShownRow<R>, nowMs: number, cursorId: string | null): boolean {
  if (row.goneSinceMs === null) return false
  return nowMs - row.goneSinceMs >= GONE_AT_MOST_MS || (row.goneUnderCursor && row.id !== cursorId)
}

function touched<R>(row: ShownRow<R>, cursorId: string | null): ShownRow<R> {
  const isLeft = row.goneSinceMs === null || row.id !== cursorId || row.goneUnderCursor
  return isLeft ? row : { ...row, goneUnderCursor: true }
}

// What is no news any more leaves the row, so that a row without news is the same row again.
function faded<R>(row: ShownRow<R>, nowMs: number): ShownRow<R> {
  const changes = Object.entries(row.changedMs)
  const recent = changes.filter(([, ms]) => nowMs - ms < CHANGED_FOR_MS)
  return recent.length === changes.length ? row : { ...row, changedMs: Object.fromEntries(recent) }
}

/** Whether two states look alike, so that nothing needs to be drawn. */
export function looksAlike<R>(one: LiveRows<R>, other: LiveRows<R>): boolean {
  return (
    one.ranked === other.ranked &&
    one.arriving.length === other.arriving.length &&
    one.shown.length === other.shown.length &&
    one.shown.every((row, index) => row === other.shown[index])
  )
}

function seen<R>(row: ShownRow<R>, { nowMs, isInView }: Watching): ShownRow<R> {
  if (row.newSinceMs === null) return row
  const inViewSinceMs = isInView(row.id) ? (row.inViewSinceMs ?? nowMs) : null
  const longEnough = inViewSinceMs !== null && nowMs - inViewSinceMs >= SEEN_AFTER_MS
  if (longEnough || nowMs - row.newSinceMs >= NEW_AT_MOST_MS)
    return { ...row, newSinceMs: null, inViewSinceMs: null }
  return inViewSinceMs === row.inViewSinceMs ? row : { ...row, inViewSinceMs }
}

/** `base` with each of `extra` put after the one that precedes it in `reference` (at the front when none does). */
function placed(base: readonly string[], extra: readonly string[], reference: readonly string[]): string[] {
  const order = [...base]
  const wanted = new Set(extra)
  for (const [at, id] of reference.entries()) {
    if (!wanted.has(id)) continue
    let before = at - 1
    while (before >= 0 && !order.includes(reference[before] as string)) before -= 1
    order.splice(before < 0 ? 0 : order.indexOf(reference[before] as string) + 1, 0, id)
  }
  return order
}

function fresh<R>(row: R, id: string): ShownRow<R> {
  return {
    id,
    row,
    newSinceMs: null,
    inViewSinceMs: null,
    changedMs: {},
    goneSinceMs: null,
    goneUnderCursor: false,
  }
}
