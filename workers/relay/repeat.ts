/** Something done again and again, never twice at once, and at once when nudged. */
import type { Log } from '../log.ts'

export interface Repeated {
  nudge(): void
  stop(): Promise<void>
}

/** A failed turn is logged and the next one comes as usual: nothing here may end the process. */
export function repeat(name: string, everyMs: number, log: Log, turn: () => Promise<void>): Repeated {
  let timer: NodeJS.Timeout | undefined
  let current: Promise<void> | undefined
  let nudged = false
  let stopped = false

  function run(): void {
    clearTimeout(timer)
    nudged = false
    current = turn()
      .catch((error) => log.warn({ err: error }, `${name} failed`))
      .finally(() => {
        current = undefined
        if (!stopped) timer = setTimeout(run, nudged ? 0 : everyMs)
      })
  }

  run()
  return {
    nudge() {
      nudged = true
      if (current === undefined && !stopped) run()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await current
    },
  }
}
