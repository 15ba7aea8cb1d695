/** Tells a wristband scanner from a person: it is a keyboard that types faster than anybody can. */

export const SCAN_GAP_MS = 35
export const SCAN_LENGTH = 6
/** How long a single letter waits on a screen that scanners can reach, to see whether a burst follows it. */
export const QUIET_MS = 60

export interface ScanBurst {
  /** Takes each keydown; answers the scanned text when this key ends a burst. */
  take(key: string, atMs: number): string | null
  /** Characters taken so far as one possible scan. */
  readonly length: number
}

export function scanBurst(): ScanBurst {
  let text = ''
  let lastMs = Number.NEGATIVE_INFINITY
  return {
    get length() {
      return text.length
    },
    take(key, atMs) {
      const inTime = atMs - lastMs < SCAN_GAP_MS
      if (key.length === 1) {
        text = inTime ? text + key : key
        lastMs = atMs
        return null
      }
      // Scanners send Shift before capitals; it neither continues nor breaks a burst.
      if (key === 'Shift') return null
      const scanned = inTime && text.length >= SCAN_LENGTH && (key === 'Enter' || key === 'Tab') ? text : null
      text = ''
      return scanned
    },
  }
}
