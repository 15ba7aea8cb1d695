import { expect, test } from 'vitest'
import { readingKinds, readingListOf } from './places.ts'

test('a case stands on one list of each reader, and leaving it leads there', () => {
  expect(readingListOf('over-read', ['radiologist'])).toBe('/over-read')
  expect(readingListOf('sign', ['radiologist'])).toBe('/over-read')
  expect(readingListOf('sent-back', ['radiologist'])).toBe('/reading')
  expect(readingListOf('sent-back', ['resident'])).toBe('/sent-back')
  expect(readingListOf('read', ['radiologist', 'lead'])).toBe('/reading')
})

test('images that came after a report stand on the list of those who may amend it', () => {
  expect(readingKinds(['radiologist'])).toContain('late')
  expect(readingKinds(['resident'])).not.toContain('late')
  expect(readingKinds(['lead'])).not.toContain('late')
})
