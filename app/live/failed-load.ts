/** A load that failed while its screen kept standing: whoever asked for it asks once more. */
let hasFailed = false

export function noteFailedLoad(): void {
  hasFailed = true
}

/** True once for each failure. */
export function tookFailedLoad(): boolean {
  const failed = hasFailed
  hasFailed = false
  return failed
}
