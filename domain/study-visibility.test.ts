/** Which rejection an instance shows. */
import { expect, test } from 'vitest'
import { strongestRejection } from './study-visibility.ts'

test('an instance rejected twice shows the stronger rejection, and revoking that leaves the other', () => {
  expect(strongestRejection(['113001', '113037'])).toBe('113037')
  expect(strongestRejection(['113039', '113001', '113038'])).toBe('113038')
  expect(strongestRejection(['113001'])).toBe('113001')
  expect(strongestRejection([])).toBeNull()
})
