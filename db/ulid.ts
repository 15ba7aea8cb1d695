/** ULIDs, their random bytes drawn in bulk: the library's own source goes to the system for each of sixteen characters. */
import { randomFillSync } from 'node:crypto'
import { monotonicFactory, ulid as ulidFrom } from 'ulid'

const drawn = Buffer.alloc(4096)
let next = drawn.length

function random(): number {
  if (next === drawn.length) {
    randomFillSync(drawn)
    next = 0
  }
  return drawn[next++]! / 256
}

/** An identifier that sorts by the time of its making, to the millisecond. */
export function ulid(): string {
  return ulidFrom(undefined, random)
}

/** Identifiers that sort by the order of their making, within one millisecond too. */
export function monotonicUlids(): () => string {
  const make = monotonicFactory(random)
  return () => make()
}
