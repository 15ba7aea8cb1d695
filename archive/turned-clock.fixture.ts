/** Loaded before a process of ours (`--import`): what it does a minute or more from now, it does a hundred times sooner. */
const MINUTE_MS = 60_000

const inTime = globalThis.setTimeout
const sooner = (ms = 0) => (ms >= MINUTE_MS ? ms / 100 : ms)
globalThis.setTimeout = Object.assign(
  (done: () => void, ms?: number, ...given: []) => inTime(done, sooner(ms), ...given),
  inTime,
) as typeof inTime
