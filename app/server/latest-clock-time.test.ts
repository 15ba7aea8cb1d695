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

test.each(['', '24:00', '12:60', 'noon', '7'])('%j is no time of day', (said) => {
  expect(latestClockTime(said, BERLIN, now)).toBeNull()
})
