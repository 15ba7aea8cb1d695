import { expect, test } from 'vitest'
import { latestClockTime } from './latest-clock-time.ts'

const BERLIN = 'Europe/Berlin'
// 00:20 on 12 March in Berlin.
const now = new Date('2026-03-11T23:20:30Z')

test.each([
  ['00:20', '2026-03-11T23:20:00.000Z'],
  ['0:05', '2026-03-11T23:05:00.000Z'],
  ['2355', '2026-03-11T22:55:00.000Z'],
  ['00:21', '2026-03-10T23:21:00.000Z'],
])('a call at %s was the last time that the site’s clocks showed it', (said, at) => {
  expect(latestClockTime(said, BERLIN, now)?.toISOString()).toBe(at)
})

test.each([
  // 02:20 by summer time, and by winter time an hour later.
  ['2026-10-25T00:20:30Z', '02:10', '2026-10-25T00:10:00.000Z'],
  ['2026-10-25T01:20:30Z', '02:10', '2026-10-25T01:10:00.000Z'],
  ['2026-10-25T01:20:30Z', '02:40', '2026-10-25T00:40:00.000Z'],
  ['2026-10-25T01:20:30Z', '01:50', '2026-10-24T23:50:00.000Z'],
])('at %s, in the night with an hour twice, %s was the last time that it was shown', (asked, said, at) => {
  expect(latestClockTime(said, BERLIN, new Date(asked))?.toISOString()).toBe(at)
})

test.each(['', '24:00', '12:60', 'noon', '7'])('%j is no time of day', (said) => {
  expect(latestClockTime(said, BERLIN, now)).toBeNull()
})
