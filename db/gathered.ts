/** Reads that are asked for one by one and done together, and whose answers stand for a moment. */

/** Finds what is there of all keys at once; a key that is not in the answer has nothing. */
export type ReadTogether<V> = (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>

/**
 * How long what a request was allowed by may be used for the next: a frame a millisecond then costs forty reads a
 * second, and whatever is revoked, ended or withdrawn is so before anybody could look whether it is.
 */
export const STANDS_FOR_MS = 25

/**
 * While one read is on its way, further questions wait for the next, which begins after they were asked. What is found
 * stands for so long from the beginning of its read; what is not there is asked for anew.
 */
export class Gathered<V> {
  readonly #read: ReadTogether<V>
  readonly #standsForMs: number
  readonly #kept = new Map<string, { value: V; until: number }>()
  #asked = new Map<string, PromiseWithResolvers<V | null>>()
  #isBusy = false
  #forgotten = 0

  constructor(read: ReadTogether<V>, { standsForMs = 0 }: { standsForMs?: number } = {}) {
    this.#read = read
    this.#standsForMs = standsForMs
  }

  get(key: string): Promise<V | null> {
    const kept = this.#kept.get(key)
    if (kept && kept.until > performance.now()) return Promise.resolve(kept.value)
    const same = this.#asked.get(key)
    if (same) return same.promise
    const asked = Promise.withResolvers<V | null>()
    this.#asked.set(key, asked)
    if (!this.#isBusy) this.#begin()
    return asked.promise
  }

  /** Something has changed here and now: nothing that was read before stands any longer. */
  forget(): void {
    this.#forgotten += 1
    this.#kept.clear()
  }

  // At the end of this turn of the event loop: what came in by other sockets in the same turn comes along.
  #begin(): void {
    this.#isBusy = true
    setImmediate(() => void this.#answer())
  }

  async #answer(): Promise<void> {
    const asked = this.#asked
    this.#asked = new Map()
    try {
      const [until, forgotten] = [performance.now() + this.#standsForMs, this.#forgotten]
      const found = await this.#read([...asked.keys()])
      if (forgotten === this.#forgotten) this.#keep(found, until)
      for (const [key, { resolve }] of asked) resolve(found.get(key) ?? null)
    } catch (error) {
      for (const { reject } of asked.values()) reject(error)
    }
    this.#isBusy = false
    if (this.#asked.size > 0) this.#begin()
  }

  #keep(found: ReadonlyMap<string, V>, until: number): void {
    if (this.#standsForMs === 0) return
    const now = performance.now()
    for (const [key, kept] of this.#kept) if (kept.until <= now) this.#kept.delete(key)
    for (const [key, value] of found) this.#kept.set(key, { value, until })
  }
}
