import { expect, test } from 'vitest'
import { monotonicUlids, ulid } from './ulid.ts'

test('identifiers are ULIDs, and no two of many are alike', () => {
  const many = Array.from({ length: 20_000 }, ulid)
  expect(many.every((id) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id))).toBe(true)
  expect(new Set(many).size).toBe(many.length)
  // All 32 digits come up at every random place: none is stuck and none is left out.
  for (let place = 10; place < 26; place += 1) expect(new Set(many.map((id) => id[place])).size).toBe(32)
})

test('monotonic identifiers sort in the order of their making', () => {
  const next = monotonicUlids()
  const many = Array.from({ length: 5_000 }, next)
  expect(many.toSorted()).toEqual(many)
})
