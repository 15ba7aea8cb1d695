/** Doing something again and again until it is done, as every sender and every person does while something is down. */
import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 150_000
const PAUSE_MS = 150

/** Repeats `act` until it answers something. @throws when it has not by then, with what stood in its way last */
export async function persist<T>(
  what: string,
  act: () => Promise<T | undefined>,
  withinMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + withinMs
  let last: unknown = 'it answered nothing'
  while (Date.now() < deadline) {
    try {
      const done = await act()
      if (done !== undefined) return done
    } catch (error) {
      last = error
    }
    await sleep(PAUSE_MS)
  }
  throw new Error(`${what}: not within ${withinMs / 1000} s`, { cause: last })
}
