/** Reads that are asked for one by one and done together, none of them answered with what is older than its question. */

/** Finds what is there of all keys at once; a key that is not in the answer has nothing. */
export type ReadTogether<V> = (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>

/**
 * While one read is on its way, further questions wait for the next, which begins after they were asked: eight
 * connections then cost little more than one, and what was revoked or withdrawn before a question is never in its answer.
 */
export class Gathered<V> {
  readonly #read: ReadTogether<V>
  #asked = new Map<string, PromiseWithResolvers<V | null>>()
  #isBusy = false

  constructor(read: ReadTogether<V>) {
    this.#read = read
  }

  get(key: string): Promise<V | null> {
    const same = this.#asked.get(key)
    if (same) return same.promise
    const asked = Promise.withResolvers<V | null>()
    this.#asked.set(key, asked)
    if (!this.#isBusy) this.#begin()
    return asked.promise
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
      const found = await this.#read([...asked.keys()])
      for (const [key, { resolve }] of asked) resolve(found.get(key) ?? null)
    } catch (error) {
      for (const { reject } of asked.values()) reject(error)
    }
    this.#isBusy = false
    if (this.#asked.size > 0) this.#begin()
  }
}
