import { expect, test } from 'vitest'
import * as format from './format.ts'

const zone = 'Europe/Berlin'
const at = new Date('2026-03-12T09:42:07Z')

test('times are the department’s, in 24 hours, with seconds where their order matters', () => {
  expect(format.clockTime(at, zone)).toBe('10:42')
  expect(format.clockTime(at, zone, { seconds: true })).toBe('10:42:07')
  expect(format.clockTime(new Date('2026-03-12T23:30:00Z'), zone)).toBe('00:30')
  expect(format.clockTime(at, 'America/New_York')).toBe('05:42')
})

test('a day says its year only when it is another one', () => {
  expect(format.dayOf(at, zone, at)).toBe('Thu 12 Mar')
  expect(format.dayOf(new Date('2025-08-14T10:00:00Z'), zone, at)).toBe('Thu 14 Aug 2025')
  expect(format.dayKey(new Date('2026-03-12T23:30:00Z'), zone)).toBe('2026-03-13')
})

test('a birth date is written so that nobody can take the day for the month, as precise as it is known', () => {
  expect(format.calendarDate('1955-01-04')).toBe('4 Jan 1955')
  expect(format.calendarDate('1955-01')).toBe('Jan 1955')
  expect(format.calendarDate('1955')).toBe('1955')
  expect(format.calendarDate(null)).toBe('–')
})

test('durations are hours and minutes, from a day on days and hours', () => {
  expect(format.duration(9 * 60_000 + 59_000)).toBe('0:09')
  expect(format.duration(64 * 60_000)).toBe('1:04')
  expect(format.duration(-6 * 60_000)).toBe('0:06')
  expect(format.duration(52 * 3_600_000)).toBe('2 d 4 h')
  expect(format.elapsed(747_000)).toBe('12:27')
})

test('ages: years, under two years months, under two months days', () => {
  expect(format.age('1955-01-04', '2026-03-12')).toBe('71\u2009y')
  expect(format.age('1955-03-13', '2026-03-12')).toBe('70\u2009y')
  expect(format.age('2025-01-13', '2026-03-12')).toBe('13\u2009mo')
  expect(format.age('2026-01-20', '2026-03-12')).toBe('51\u2009d')
  expect(format.age('2026-03-01', '2026-03-12')).toBe('11\u2009d newborn')
  expect(format.age(undefined, '2026-03-12')).toBe('–')
  expect(format.age('2027-01-01', '2026-03-12')).toBe('–')
})

test('no number is a dash and a true zero is a zero', () => {
  expect(format.count(0)).toBe('0')
  expect(format.count(null)).toBe('–')
  expect(format.count(1204)).toBe('1,204')
  expect(format.badgeCount(1000)).toBe('999+')
  expect(format.listCount(10_001)).toBe('10,000+')
})

test('the age of a prior is in its largest unit', () => {
  expect(format.ageOfPrior(new Date('2025-08-14T10:00:00Z'), at)).toBe('6 months')
  expect(format.ageOfPrior(new Date('2024-03-02T10:00:00Z'), at)).toBe('2 years')
  expect(format.ageOfPrior(new Date('2026-03-11T09:00:00Z'), at)).toBe('1 day')
})

test('where seconds matter a span under an hour is in words', () => {
  expect(format.spanInWords(226_000)).toBe('3\u2009min 46\u2009s')
  expect(format.spanInWords(12_400)).toBe('12\u2009s')
  expect(format.spanInWords(0)).toBe('0\u2009s')
  expect(format.spanInWords(64 * 60_000)).toBe('1:04')
})
