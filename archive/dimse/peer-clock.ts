/** A clock on a peer, which does not run out because this process was busy. */

export type PeerClock = { stop(): void }

const LONGEST_MS = 0x7fffffff

/**
 * A timer that is overdue runs before anything that waits in a socket: so what has come meanwhile is taken in first, and
 * whoever it came from stops the clock.
 */
export function startClock(ms: number, runOut: () => void): PeerClock {
  let afterReading: NodeJS.Immediate | undefined
  const timer = setTimeout(
    () => {
      afterReading = setImmediate(runOut)
    },
    Math.min(Math.max(ms, 1), LONGEST_MS),
  )
  return {
    stop() {
      clearTimeout(timer)
      clearImmediate(afterReading)
    },
  }
}
