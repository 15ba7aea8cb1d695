/** How a promise stands: comfortable, soon (under a quarter or 15 minutes, whichever is less), late or paused. */
export interface Allowance {
  dueAt: string | null
  /** Since when it has been running. */
  from: string | null
  /** Set once when the promise broke; never cleared. */
  lateAt?: string | null | undefined
  /** Why its clock stands still, in words; nothing while it runs. */
  paused?: string | null | undefined
}

export interface TimeLeftState {
  state: 'comfortable' | 'soon' | 'late' | 'paused' | 'none'
  leftMs: number
  /** Share of the allowance that is used, 0 to 1. */
  usedShare: number
}

const SOON_AT_MOST_MS = 15 * 60_000
const SOON_SHARE = 0.25

export function timeLeftOf({ dueAt, from, lateAt, paused }: Allowance, now: Date): TimeLeftState {
  if (!dueAt) return { state: 'none', leftMs: 0, usedShare: 0 }
  const due = Date.parse(dueAt)
  const allowanceMs = Math.max(1, due - (from ? Date.parse(from) : due))
  const leftMs = due - now.getTime()
  const usedShare = Math.min(1, Math.max(0, 1 - leftMs / allowanceMs))
  if (lateAt) return { state: 'late', leftMs: Math.min(leftMs, 0), usedShare: 1 }
  // A clock that stands still makes nothing late.
  if (paused) return { state: 'paused', leftMs, usedShare }
  if (leftMs < 0) return { state: 'late', leftMs, usedShare: 1 }
  const soon = leftMs < Math.min(allowanceMs * SOON_SHARE, SOON_AT_MOST_MS)
  return { state: soon ? 'soon' : 'comfortable', leftMs, usedShare }
}
