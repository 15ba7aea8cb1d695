import { expect, test } from 'vitest'
import { percentile } from './percentile.ts'

test('a percentile is a value that was measured', () => {
  const values = [40, 10, 30, 20]
  expect(percentile(values, 50)).toBe(20)
  expect(percentile(values, 95)).toBe(40)
  expect(percentile(values, 100)).toBe(40)
  expect(percentile([7], 95)).toBe(7)
  expect(() => percentile([], 95)).toThrow('nothing was measured')
})
