/** Chance that can be repeated: the same seed gives the same day in the simulated department. */

export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number
  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly [T, ...T[]]): T
  /** Each with its weight; the weights need not add up to anything. */
  weighted<T>(from: readonly [readonly [T, number], ...(readonly [T, number])[]]): T
  between(low: number, high: number): number
}

/** Mulberry32: 32 bits of state, plenty for a simulated day and nothing else. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (from) => from[below(from.length)] ?? from[0],
    weighted(from) {
      let left = next() * from.reduce((sum, [, weight]) => sum + weight, 0)
      const [found] =
        from.find(([, weight]) => {
          left -= weight
          return left < 0
        }) ?? from[0]
      return found
    },
    between: (low, high) => low + next() * (high - low),
  }
}
