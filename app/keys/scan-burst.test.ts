import { expect, test } from 'vitest'
import { scanBurst } from './scan-burst.ts'

function type(text: string, gapMs: number, end: string): string | null {
  const burst = scanBurst()
  let at = 1_000
  for (const key of text) {
    at += gapMs
    burst.take(key, at)
  }
  return burst.take(end, at + gapMs)
}

test('a wristband read by a scanner is one scan', () => {
  expect(type('5538207', 4, 'Enter')).toBe('5538207')
  expect(type('MRN5538207', 34, 'Tab')).toBe('MRN5538207')
})

test('a person who types a number is not a scanner', () => {
  expect(type('5538207', 90, 'Enter')).toBeNull()
})

test('fewer than six characters are no wristband', () => {
  expect(type('55382', 4, 'Enter')).toBeNull()
})

test('capitals of a scanned number do not break the burst', () => {
  const burst = scanBurst()
  let at = 0
  for (const key of ['Shift', 'A', '2', '6', 'Shift', 'B', '0', '1']) {
    at += 5
    burst.take(key, at)
  }
  expect(burst.take('Enter', at + 5)).toBe('A26B01')
})

test('a burst that is interrupted starts again', () => {
  const burst = scanBurst()
  burst.take('1', 0)
  burst.take('2', 200)
  expect(burst.length).toBe(1)
})
