/** Business time and local time, above all on the two nights of the year when a clock is turned. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addBusinessTime,
  addYears,
  BUSINESS_DAY_MS,
  businessMsBetween,
  DAY_MS,
  HOUR_MS,
  instantOf,
  localDate,
  startOfDay,
  yearsBetween,
} from './calendar.ts'
import { MAIN_CALENDAR } from './facts.fixture.ts'

const berlin = 'Europe/Berlin'
const at = (iso: string) => new Date(iso)

describe('business time', () => {
  test('Friday 15:00 plus one business day is Monday 15:00', () => {
    const friday = at('2026-11-06T15:00:00+01:00')
    expect(addBusinessTime(MAIN_CALENDAR, friday, BUSINESS_DAY_MS)).toEqual(at('2026-11-09T15:00:00+01:00'))
  })

  test('Friday 15:00 plus one business day is Monday 15:00 although the clocks are turned on Sunday', () => {
    expect(addBusinessTime(MAIN_CALENDAR, at('2026-10-23T15:00:00+02:00'), BUSINESS_DAY_MS)).toEqual(
      at('2026-10-26T15:00:00+01:00'),
    )
    expect(addBusinessTime(MAIN_CALENDAR, at('2026-03-27T15:00:00+01:00'), BUSINESS_DAY_MS)).toEqual(
      at('2026-03-30T15:00:00+02:00'),
    )
  })

  test('a start outside the windows counts from the next opening', () => {
    expect(addBusinessTime(MAIN_CALENDAR, at('2026-11-07T12:00:00+01:00'), HOUR_MS)).toEqual(
      at('2026-11-09T08:00:00+01:00'),
    )
  })

  test('a holiday has none', () => {
    const calendar = { ...MAIN_CALENDAR, holidays: ['2026-11-09'] }
    expect(addBusinessTime(calendar, at('2026-11-06T18:00:00+01:00'), 2 * HOUR_MS)).toEqual(
      at('2026-11-10T08:00:00+01:00'),
    )
    expect(
      businessMsBetween(calendar, at('2026-11-09T00:00:00+01:00'), at('2026-11-10T00:00:00+01:00')),
    ).toBe(0)
  })

  test('a site that never opens says so instead of looking for ever', () => {
    expect(() => addBusinessTime({ ...MAIN_CALENDAR, windows: [] }, at('2026-11-06T18:00:00Z'), 1)).toThrow(
      RangeError,
    )
  })

  test('a night window counts the hours that really pass', () => {
    const night = { zone: berlin, windows: [{ weekday: 6, opens: '22:00', closes: '06:00' }], holidays: [] }
    const week = (date: string) =>
      businessMsBetween(
        night,
        at(`${date}T12:00:00Z`),
        new Date(at(`${date}T12:00:00Z`).getTime() + 2 * DAY_MS),
      )
    expect(week('2026-11-07')).toBe(8 * HOUR_MS)
    expect(week('2026-10-24')).toBe(9 * HOUR_MS)
    expect(week('2026-03-28')).toBe(7 * HOUR_MS)
  })

  test('what is added is what lies between', () => {
    const starts = fc.date({
      min: at('2026-01-01T00:00:00Z'),
      max: at('2027-01-01T00:00:00Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(starts, fc.integer({ min: 1, max: 40 * 60 }), (start, minutes) => {
        const end = addBusinessTime(MAIN_CALENDAR, start, minutes * 60_000)
        expect(businessMsBetween(MAIN_CALENDAR, start, end)).toBe(minutes * 60_000)
      }),
      { numRuns: 40 },
    )
  })
})

describe('local time', () => {
  test('a time in the spring gap is the first instant after it', () => {
    const gap = { year: 2026, month: 3, day: 29, hour: 2, minute: 30, second: 0 }
    expect(instantOf(berlin, gap)).toEqual(at('2026-03-29T01:00:00Z'))
  })

  test('a doubled autumn time is the earlier for an opening and the later for a closing', () => {
    const doubled = { year: 2026, month: 10, day: 25, hour: 2, minute: 30, second: 0 }
    expect(instantOf(berlin, doubled, 'earlier')).toEqual(at('2026-10-25T00:30:00Z'))
    expect(instantOf(berlin, doubled, 'later')).toEqual(at('2026-10-25T01:30:00Z'))
  })

  test('one instant has two dates at two sites', () => {
    const instant = at('2026-11-02T23:30:00Z')
    expect(localDate(berlin, instant)).toBe('2026-11-03')
    expect(localDate('Europe/Lisbon', instant)).toBe('2026-11-02')
    expect(startOfDay(berlin, '2026-11-03')).toEqual(at('2026-11-02T23:00:00Z'))
  })

  test('29 February is 28 February in a year that has none', () => {
    expect(addYears('2024-02-29', 10)).toBe('2034-02-28')
    expect(addYears('2024-02-29', 4)).toBe('2028-02-29')
  })

  test('a year of age is complete on the birthday', () => {
    expect(yearsBetween('2008-11-03', '2026-11-02')).toBe(17)
    expect(yearsBetween('2008-11-02', '2026-11-02')).toBe(18)
  })
})
