import { expect, test } from 'vitest'
import { readDate, writtenDate } from './written-date.ts'

const TODAY = '2026-11-24'

test('a day is shown in words, its year with it', () => {
  expect(writtenDate('2026-11-24')).toBe('Tue 24 Nov 2026')
  expect(writtenDate('2027-03-05')).toBe('Fri 5 Mar 2027')
})

test('a day is read in every way in which people write it, the day before the month', () => {
  for (const typed of ['26', '26 11', '26.11.', '26/11/26', '26-11-2026', '26 nov', 'Thu 26 Nov 2026', '+2'])
    expect([typed, readDate(typed, TODAY)]).toEqual([typed, '2026-11-26'])
  expect(readDate('2026-11-26', TODAY)).toBe('2026-11-26')
  expect(readDate('today', TODAY)).toBe(TODAY)
  expect(readDate('-1', TODAY)).toBe('2026-11-23')
  expect(readDate('05/03/2027', TODAY)).toBe('2027-03-05')
})

test('what it shows it reads', () => {
  for (const day of ['2026-01-31', '2026-06-01', '2026-09-30', '2028-02-29'])
    expect(readDate(writtenDate(day), TODAY)).toBe(day)
})

test('a day without a month or a year is the next one', () => {
  expect(readDate('3', TODAY)).toBe('2026-12-03')
  expect(readDate('3', '2026-12-24')).toBe('2027-01-03')
  expect(readDate('3 feb', TODAY)).toBe('2027-02-03')
  expect(readDate('24', TODAY)).toBe(TODAY)
})

test('what is no day is none', () => {
  for (const typed of ['', '31 nov', '31.11.2026', '29 feb 2027', '24 13', 'soon', '24 foo', '11/24/2026'])
    expect([typed, readDate(typed, TODAY)]).toEqual([typed, null])
})
