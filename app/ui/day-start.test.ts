import { expect, test } from 'vitest'
import { dayStart } from './day-start.ts'

test('a day begins at midnight of the department, also when clocks change that night', () => {
  const starts = (now: string, zone: string) => dayStart(new Date(now), zone).toISOString()
  expect(starts('2026-03-12T09:42:07Z', 'Europe/Berlin')).toBe('2026-03-11T23:00:00.000Z')
  expect(starts('2026-03-29T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-28T23:00:00.000Z')
  expect(starts('2026-10-25T22:30:00Z', 'Europe/Berlin')).toBe('2026-10-24T22:00:00.000Z')
  expect(starts('2026-03-12T00:00:30Z', 'UTC')).toBe('2026-03-12T00:00:00.000Z')
})
