/** A load that failed while its screen kept standing: whoever asked for it asks once more, and the frame says how old the screen is. */
let hasFailed = false
let failures = 0
/** On the workstation's clock: when what stands there was read, and whether it could not be read since. */
let readMs = 0
let isOld = false
const watchers = new Set<() => void>()

export function noteFailedLoad(): void {
  hasFailed = true
  failures += 1
  tell(true)
}

/** @param before how many had failed when it began: one that failed meanwhile is no good one */
export function noteGoodLoad(before: number): void {
  if (failures !== before) return
  readMs = Date.now()
  tell(false)
}

export function failedLoads(): number {
  return failures
}

/** True once for each failure. */
export function tookFailedLoad(): boolean {
  const failed = hasFailed
  hasFailed = false
  return failed
}

/** For `useSyncExternalStore`. */
export function watchLoads(watch: () => void): () => void {
  if (readMs === 0) readMs = Date.now()
  watchers.add(watch)
  return () => watchers.delete(watch)
}

/** When what stands on the screen was read, once it could not be read again; null while it is fresh. */
export function oldSinceMs(): number | null {
  return isOld ? readMs : null
}

function tell(old: boolean): void {
  if (old === isOld) return
  isOld = old
  for (const watch of [...watchers]) watch()
}
