/** What was made or read a short while ago: kept within a weight, the longest unused going first. */
export class Recent<V> {
  readonly #most: number
  readonly #weigh: (value: V) => number
  readonly #kept = new Map<string, V>()
  #weight = 0

  constructor({ most, weigh = () => 1 }: { most: number; weigh?: (value: V) => number }) {
    this.#most = most
    this.#weigh = weigh
  }

  get(key: string): V | undefined {
    const value = this.#kept.get(key)
    if (value === undefined) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.delete(key)
    if (this.#weigh(value) > this.#most) return
    this.#kept.set(key, value)
    this.#weight += this.#weigh(value)
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#most) return
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const value = this.#kept.get(key)
    if (value === undefined) return
    this.#kept.delete(key)
    this.#weight -= this.#weigh(value)
  }
}
