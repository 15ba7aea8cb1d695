import { expect, test } from 'vitest'
import { afterGone } from './kept-cursor.ts'

const rows = (...ids: string[]) => ids.map((id) => ({ id }))

test('from a row that has left the cursor goes to what stood below it, else to what stood above', () => {
  const before = rows('A', 'B', 'C', 'D')
  expect(afterGone(before, 'B', rows('NEW', 'A', 'C', 'D'))).toBe('C')
  expect(afterGone(before, 'B', rows('A', 'D'))).toBe('D')
  expect(afterGone(before, 'D', rows('A', 'B'))).toBe('B')
  expect(afterGone(before, 'C', rows('NEW'))).toBe('NEW')
  expect(afterGone(before, 'C', [])).toBeNull()
  expect(afterGone([], null, rows('A'))).toBe('A')
})
