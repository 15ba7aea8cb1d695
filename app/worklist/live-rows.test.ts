import { expect, test } from 'vitest'
import {
  isUnsettled,
  type LiveRows,
  liveRows,
  looksAlike,
  receive,
  settle,
  type Watching,
} from './live-rows.ts'

interface Case {
  id: string
  claim: string
}
const cases = (...ids: string[]): Case[] => ids.map((id) => ({ id, claim: '' }))
const idOf = (row: Case) => row.id
const wordsOf = (row: Case) => ({ claim: row.claim })
const get = (state: LiveRows<Case>, rows: Case[], nowMs: number) =>
  receive(state, { rows, idOf, wordsOf, nowMs })
const ids = (state: LiveRows<Case>) => state.shown.map((row) => row.id).join('')
const idle: Watching = {
  nowMs: 1_000,
  cursorId: null,
  engaged: false,
  lastKeyMs: 0,
  cursorMovedMs: 0,
  pointerInside: false,
  isInView: () => true,
}

test('a list that nobody works in takes the new order at once', () => {
  const state = settle(get(liveRows(cases('a', 'b', 'c'), idOf), cases('c', 'x', 'a', 'b'), 1_000), idle)
  expect(ids(state)).toBe('cxab')
  expect(state.shown[1]?.newSinceMs).toBe(1_000)
})

test('while a reader works in the list, ranks wait and new cases still come to their place', () => {
  const working = { ...idle, engaged: true, lastKeyMs: 900, cursorId: 'b' }
  const state = settle(
    get(liveRows(cases('a', 'b', 'c'), idOf), cases('c', 'x', 'b', 'a', 'y'), 1_000),
    working,
  )
  expect(ids(state)).toBe('aybcx')
  const later = settle(state, { ...working, nowMs: 5_901 })
  expect(ids(later)).toBe('cxbay')
})

test('ranks change when the cursor moves, because the eye has moved with it', () => {
  const state = get(liveRows(cases('a', 'b'), idOf), cases('b', 'a'), 1_000)
  const working = { ...idle, engaged: true, lastKeyMs: 950, cursorId: 'a', nowMs: 1_001 }
  expect(ids(settle(state, working))).toBe('ab')
  expect(ids(settle(state, { ...working, lastKeyMs: 1_200, cursorMovedMs: 1_200, nowMs: 1_201 }))).toBe('ba')
})

test('what is under the pointer stays there for 400 ms after an update, but its words change at once', () => {
  const next = cases('x', 'a', 'b')
  next[2] = { id: 'b', claim: 'Dr A. Ruiz' }
  const state = get(liveRows(cases('a', 'b'), idOf), next, 1_000)
  const held = settle(state, { ...idle, pointerInside: true, nowMs: 1_399 })
  expect(ids(held)).toBe('ab')
  expect(held.shown[1]?.row.claim).toBe('Dr A. Ruiz')
  expect(held.shown[1]?.changedMs).toEqual({ claim: 1_000 })
  expect(ids(settle(held, { ...idle, pointerInside: true, nowMs: 1_400 }))).toBe('xab')
})

test('a case that went stays struck through for ten seconds, in its place', () => {
  const state = settle(get(liveRows(cases('a', 'b', 'c'), idOf), cases('a', 'c'), 1_000), idle)
  expect(ids(state)).toBe('abc')
  expect(state.shown[1]?.goneSinceMs).toBe(1_000)
  expect(ids(settle(state, { ...idle, nowMs: 10_999 }))).toBe('abc')
  expect(ids(settle(state, { ...idle, nowMs: 11_000 }))).toBe('ac')
})

test('a case that went under the cursor leaves when the cursor leaves it', () => {
  const on = settle(get(liveRows(cases('a', 'b'), idOf), cases('a'), 1_000), { ...idle, cursorId: 'b' })
  expect(ids(on)).toBe('ab')
  expect(ids(settle(on, { ...idle, cursorId: 'a', nowMs: 1_500 }))).toBe('a')
})

test('a case that comes back is not gone', () => {
  const gone = get(liveRows(cases('a', 'b'), idOf), cases('a'), 1_000)
  const back = settle(get(gone, cases('a', 'b'), 2_000), idle)
  expect(back.shown[1]?.goneSinceMs).toBeNull()
  expect(isUnsettled(settle(back, { ...idle, nowMs: 3_000 }))).toBe(false)
})

test('a new case is new until it has been in view for two seconds, or for a minute', () => {
  const state = settle(get(liveRows(cases('a'), idOf), cases('a', 'x'), 1_000), idle)
  expect(settle(state, { ...idle, nowMs: 2_900 }).shown[1]?.newSinceMs).toBe(1_000)
  expect(settle(state, { ...idle, nowMs: 3_000 }).shown[1]?.newSinceMs).toBeNull()
  const unseen = settle(get(liveRows(cases('a'), idOf), cases('a', 'x'), 1_000), {
    ...idle,
    isInView: () => false,
  })
  expect(settle(unseen, { ...idle, nowMs: 60_000, isInView: () => false }).shown[1]?.newSinceMs).toBe(1_000)
  expect(settle(unseen, { ...idle, nowMs: 61_000, isInView: () => false }).shown[1]?.newSinceMs).toBeNull()
})

test('a hundred inserts around the cursor lose and double nobody', () => {
  let state = liveRows(cases('cursor'), idOf)
  const all = ['cursor']
  for (let n = 0; n < 100; n += 1) {
    all.splice(n % 2 ? 0 : all.length, 0, `n${n}`)
    state = settle(get(state, cases(...all), 1_000 + n), {
      ...idle,
      engaged: true,
      lastKeyMs: 1_000 + n,
      cursorId: 'cursor',
      nowMs: 1_000 + n,
    })
  }
  expect(state.shown.map((row) => row.id)).toEqual(all)
})

test('words that changed are news for two seconds, and a row without news is the row it was', () => {
  const rows = cases('a', 'b')
  const before = settle(get(liveRows(rows, idOf), rows, 1_000), idle)
  const state = settle(get(before, [rows[0]!, { id: 'b', claim: 'Dr A. Ruiz' }], 1_000), idle)
  expect(state.shown[0]).toBe(before.shown[0])
  expect(looksAlike(state, before)).toBe(false)
  const later = settle(state, { ...idle, nowMs: 2_999 })
  expect(looksAlike(later, state)).toBe(true)
  expect(isUnsettled(later)).toBe(true)
  const faded = settle(state, { ...idle, nowMs: 3_000 })
  expect(faded.shown[1]?.changedMs).toEqual({})
  expect(isUnsettled(faded)).toBe(false)
})
