/** What the event stream says: which topics changed, and what time it is. Never what changed: screens ask for that. */

/** Every topic: said after a gap, when nobody knows what was missed. */
export const EVERYTHING = '*'

export interface LiveMessage {
  /** Empty in a heartbeat. `reading`, `scan`, `quality`, `order:<id>` …; `*` after a gap. */
  topics: string[]
  /** The server's machine time. */
  at: string
  departmentNow: string
  /** Department seconds in one second. */
  rate: number
}

/** What the one connection of a browser tells its pages. */
export type LiveNews =
  /** `heardMs` on the browser's own clock. */
  { kind: 'message'; message: LiveMessage; heardMs: number } | { kind: 'state'; open: boolean }

/** No page takes longer from asking for its rows to listening for their changes. */
export const REMEMBERED_MS = 60_000

export function concerns(message: LiveMessage, topics: readonly string[]): boolean {
  return message.topics.includes(EVERYTHING) || message.topics.some((topic) => topics.includes(topic))
}

export const HEARTBEAT_MS = 5_000
