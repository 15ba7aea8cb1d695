/** Memory that a burst of objects took is given back once nothing more is coming, so that the next burst does not add to it. */

const LOOK_MS = 1_000

export interface GivingBack {
  /** Objects stored since the start. */
  stored(): number
  /** Somebody is sending, or something waits for the index. */
  isBusy(): boolean
  /** Default: V8's collector, where the process was started with `--expose-gc`. */
  collect?(): void
  everyMs?: number
}

/** Collects once after each burst. */
export function giveBackWhenQuiet({
  stored,
  isBusy,
  collect = () => globalThis.gc?.({ type: 'major', execution: 'sync' }),
  everyMs = LOOK_MS,
}: GivingBack): { stop(): void } {
  let given = stored()
  const timer = setInterval(() => {
    const now = stored()
    if (now === given || isBusy()) return
    given = now
    collect()
  }, everyMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
