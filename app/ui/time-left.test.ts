import { expect, test } from 'vitest'
import { timeLeftOf } from './time-left.ts'

const now = new Date('2026-03-12T10:00:00Z')
const minutes = (n: number) => new Date(now.getTime() + n * 60_000).toISOString()

test('a case is soon due under a quarter of its allowance or 15 minutes, whichever is less', () => {
  expect(timeLeftOf({ from: minutes(-40), dueAt: minutes(20) }, now).state).toBe('comfortable')
  expect(timeLeftOf({ from: minutes(-46), dueAt: minutes(14) }, now).state).toBe('soon')
  expect(timeLeftOf({ from: minutes(-600), dueAt: minutes(16) }, now).state).toBe('comfortable')
  expect(timeLeftOf({ from: minutes(-5), dueAt: minutes(4) }, now).state).toBe('comfortable')
})

test('late counts up and never turns back to on time', () => {
  expect(timeLeftOf({ from: minutes(-60), dueAt: minutes(-6) }, now)).toMatchObject({
    state: 'late',
    leftMs: -360_000,
    usedShare: 1,
  })
  expect(timeLeftOf({ from: minutes(-60), dueAt: minutes(30), lateAt: minutes(-10) }, now).state).toBe('late')
  expect(
    timeLeftOf({ from: minutes(-60), dueAt: minutes(-6), lateAt: minutes(-6), paused: 'Waiting: prior' }, now)
      .state,
  ).toBe('late')
})

test('[RW-06] a clock that stands still makes nothing late, and a case that was late before stays so', () => {
  const allowance = { from: minutes(-60), dueAt: minutes(-6), paused: 'Waiting: prior' }
  expect(timeLeftOf(allowance, now).state).toBe('paused')
  expect(timeLeftOf({ ...allowance, lateAt: minutes(-30) }, now).state).toBe('late')
})

test('a paused clock says so, and a case without a promise shows none', () => {
  expect(timeLeftOf({ from: minutes(-10), dueAt: minutes(30), paused: 'Waiting: prior' }, now)).toMatchObject(
    {
      state: 'paused',
      usedShare: 0.25,
    },
  )
  expect(timeLeftOf({ from: null, dueAt: null }, now).state).toBe('none')
})
