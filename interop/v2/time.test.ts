import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPartialDate, readTime, writeTime } from './time.ts'

const zone = 'Europe/Oslo'
const iso = (text: string, z = zone) => readTime(text, z)?.instant.toISOString()

describe('times', () => {
  test('a clock time without offset is read in the zone of the site', () => {
    expect(iso('20261122090000')).toBe('2026-11-22T08:00:00.000Z')
    expect(iso('202607010900')).toBe('2026-07-01T07:00:00.000Z')
    expect(iso('20261122090000', 'Asia/Kolkata')).toBe('2026-11-22T03:30:00.000Z')
  })

  test('an offset in the field wins', () => {
    expect(iso('202110201126+0215')).toBe('2021-10-20T09:11:00.000Z')
    expect(iso('20261122090000.1234+0000')).toBe('2026-11-22T09:00:00.123Z')
  })

  test('a time that does not exist, and one that exists twice, are taken once and flagged', () => {
    expect(readTime('20260329023000', zone)).toMatchObject({
      instant: new Date('2026-03-29T01:30:00Z'),
      odd: true,
    })
    expect(readTime('20261025023000', zone)).toMatchObject({
      instant: new Date('2026-10-25T00:30:00Z'),
      odd: true,
    })
    expect(readTime('20261025033000', zone)).toMatchObject({
      instant: new Date('2026-10-25T02:30:00Z'),
      odd: false,
    })
  })

  test('24:00, the 31st of February and words are no times', () => {
    for (const text of ['20261122240000', '20260231', '20261301', '2026112209600', 'soon', '', '00000000'])
      expect(readTime(text, zone), text).toBeUndefined()
    expect(readTime('20280229', zone)?.precision).toBe('day')
  })

  test('a year of birth stays a year', () => {
    expect(readPartialDate('1963')).toEqual({ value: '1963', precision: 'year' })
    expect(readPartialDate('196305')).toEqual({ value: '1963-05', precision: 'month' })
    expect(readPartialDate('198808181126+0215')).toEqual({ value: '1988-08-18', precision: 'day' })
  })

  test('what we write we read back, to the second, in any zone', () => {
    const instants = fc.date({
      min: new Date('1950-01-01'),
      max: new Date('2100-01-01'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(
        instants,
        fc.constantFrom('UTC', zone, 'Asia/Kolkata', 'America/St_Johns'),
        (instant, z) => {
          const seconds = new Date(Math.floor(instant.getTime() / 1000) * 1000)
          expect(readTime(writeTime(instant, z), 'UTC')?.instant).toEqual(seconds)
        },
      ),
    )
    expect(writeTime(new Date('2026-11-22T09:15:02.9Z'), zone)).toBe('20261122101502+0100')
  })
})
