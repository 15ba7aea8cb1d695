import { expect, test } from 'vitest'
import { concerns, EVERYTHING, type LiveMessage } from './live-message.ts'

const message = (topics: string[]): LiveMessage => ({
  topics,
  at: '2026-03-12T09:42:07Z',
  departmentNow: '2026-03-12T09:42:07Z',
  rate: 1,
})

test('a reading list hears of reading and not of the scan queue', () => {
  expect(concerns(message(['reading', 'order:01H']), ['reading'])).toBe(true)
  expect(concerns(message(['scan']), ['reading'])).toBe(false)
})

test('after a gap every screen asks again, and a heartbeat asks nobody', () => {
  expect(concerns(message([EVERYTHING]), ['order:01H'])).toBe(true)
  expect(concerns(message([]), ['reading'])).toBe(false)
})
