/** How fast the simulated department lives: orders by the hour of its day, and how long each act takes. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Orders in an hour, by the hour of the department's day: nights are quiet, mornings are not. */
const ORDERS_BY_HOUR = [
  8, 8, 6, 6, 6, 8, 12, 20, 30, 36, 36, 34, 28, 30, 34, 32, 28, 24, 18, 16, 14, 12, 10, 8,
] as const

export function ordersPerHour(hour: number): number {
  return ORDERS_BY_HOUR[hour] ?? ORDERS_BY_HOUR[0]
}

/** Minutes on the table, which is less than the slot: dressing, positioning and cleaning fill the rest. */
export const TABLE_MINUTES: Readonly<Record<string, number>> = {
  CT: 1.5,
  MR: 4,
  DX: 0.5,
  US: 3,
  MG: 2,
  PT: 15,
}

/** Minutes a radiologist looks at a study and writes. */
export const READING_MINUTES: Readonly<Record<string, number>> = {
  CT: 2,
  MR: 2.5,
  DX: 0.7,
  US: 1.5,
  MG: 1.5,
  PT: 4,
}

export interface Pace {
  /** Times real time. */
  readonly speed: number
  /** Machine milliseconds of some department minutes. */
  minutes(count: number): number
  /** Waits, unless the department closes first. @throws AbortError when it closes */
  wait(machineMs: number): Promise<void>
  readonly closing: AbortSignal
}

/** However fast the clock, nobody acts in less than this: the department is driven, not flooded. */
const SHORTEST_MS = 250

export function paceOf(speed: number, closing: AbortSignal): Pace {
  return {
    speed,
    closing,
    minutes: (count) => Math.max(SHORTEST_MS, (count * 60_000) / speed),
    async wait(machineMs) {
      await sleep(machineMs, undefined, { signal: closing })
    },
  }
}

/**
 * Repeats an act until the department closes. What it talks to may be away, restarting or refusing: it waits,
 * longer each time up to half a minute, and tries again for ever.
 */
export async function keepDoing(
  pace: Pace,
  act: () => Promise<unknown>,
  onTrouble: (error: unknown) => void,
): Promise<void> {
  let failures = 0
  while (!pace.closing.aborted) {
    try {
      await act()
      failures = 0
    } catch (error) {
      if (pace.closing.aborted) return
      onTrouble(error)
      failures += 1
      await pace.wait(Math.min(30_000, 500 * 2 ** failures)).catch(() => {}) // closing: the loop ends
    }
  }
}
