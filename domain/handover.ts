/** What one shift hands to the next: which shift an instant belongs to, and who has to take a line over. */
import { addDays, instantOf, localDate } from './calendar.ts'
import type { Policy } from './policy.ts'

export const HANDOVER_KINDS = ['table', 'promised', 'waiting', 'broken'] as const
export type HandoverKind = (typeof HANDOVER_KINDS)[number]

export const WAITING_FOR = ['transport', 'lab', 'patient'] as const
export type WaitingFor = (typeof WAITING_FOR)[number]

export interface Shift {
  start: Date
  end: Date
}

/** The shift that runs at an instant, by the clocks of the site. */
export function shiftAt(zone: string, now: Date, { shiftStarts }: Policy['handover']): Shift {
  const today = localDate(zone, now)
  const starts = [-1, 0, 1, 2]
    .flatMap((days) => shiftStarts.map((time) => localInstant(zone, addDays(today, days), time)))
    .sort((a, b) => a.getTime() - b.getTime())
  const next = starts.findIndex((start) => start > now)
  return { start: starts[next - 1]!, end: starts[next]! }
}

function localInstant(zone: string, date: string, time: string): Date {
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number)
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return instantOf(zone, { year, month, day, hour, minute, second: 0 })
}

/** For which shift somebody takes over who says so now: who comes a little early takes over for the one that begins. */
export function shiftTakingOver(zone: string, now: Date, policy: Policy['handover']): Shift {
  const running = shiftAt(zone, now, policy)
  const isEarly = running.end.getTime() - now.getTime() <= policy.earlyMs
  return isEarly ? shiftAt(zone, running.end, policy) : running
}

/**
 * `acknowledged` by somebody of this shift · `wanted`: it came from an earlier shift, or a colleague wrote it down ·
 * `new`: the facts brought it during this shift, which knows of it.
 */
export type HandoverState = 'acknowledged' | 'wanted' | 'new'

export interface HandedLine {
  /** Null: nobody knows since when. */
  since: Date | null
  isAdded: boolean
  /** Starts of the shifts that took it over. */
  takenOverFor: readonly Date[]
}

export function handoverState({ since, isAdded, takenOverFor }: HandedLine, shift: Shift): HandoverState {
  if (takenOverFor.some((start) => start >= shift.start)) return 'acknowledged'
  return !isAdded && since !== null && since >= shift.start ? 'new' : 'wanted'
}
