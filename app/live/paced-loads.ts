/** When a screen loads again: one load at a time, not more often than needed, and always one that began after the last news. */

/** Between two loads of the same screen: far below the second that a change may take to be seen. */
export const AT_MOST_EVERY_MS = 250
/** While an act is on its way, it is looked again this often whether its answer has come. */
const WHILE_ACTING_MS = 50
/** After a load that failed, and for one that does not end. */
const TRY_AGAIN_MS = 2_000
const LONGEST_LOAD_MS = 20_000

interface Screen {
  /** Resolves when what was read is on the screen, rejects when it could not be read. */
  load: () => Promise<void>
  /** Somebody's act is on its way, or a page: a load that begins now would be in its way. */
  isActing?: () => boolean
  /** Between two loads. */
  everyMs?: number
}

export interface PacedLoads {
  /** News has come: what was read before now may not hold it. */
  ask(): void
  stop(): void
}

/** Nothing here asks a framework what it has drawn: that lags behind what has happened, and news in between would be lost. */
export function pacedLoads({ load, isActing = () => false, everyMs = AT_MOST_EVERY_MS }: Screen): PacedLoads {
  let isWanted = false
  let pause: ReturnType<typeof setTimeout> | undefined
  let running: symbol | undefined
  let isStopped = false

  function ask(): void {
    isWanted = true
    next()
  }
  function next(): void {
    if (!isWanted || isStopped || running || pause !== undefined) return
    if (isActing()) rest(WHILE_ACTING_MS)
    else begin()
  }
  function begin(): void {
    isWanted = false
    rest(everyMs)
    const mine = Symbol('load')
    running = mine
    const end = (isLoaded: boolean) => {
      clearTimeout(longest)
      if (running !== mine) return
      running = undefined
      if (!isLoaded) {
        isWanted = true
        rest(TRY_AGAIN_MS)
      }
      next()
    }
    const longest = setTimeout(() => end(false), LONGEST_LOAD_MS)
    load().then(
      () => end(true),
      () => end(false),
    )
  }
  function rest(ms: number): void {
    clearTimeout(pause)
    pause = setTimeout(() => {
      pause = undefined
      next()
    }, ms)
  }
  return {
    ask,
    stop() {
      isStopped = true
      clearTimeout(pause)
    },
  }
}
