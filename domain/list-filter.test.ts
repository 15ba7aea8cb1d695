import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ageGroup,
  type Facets,
  FILTER_FIELDS,
  fitsFilter,
  type ListFilter,
  readFilter,
  toggled,
  writeFilter,
} from './list-filter.ts'

const headCt: Facets = {
  area: 'neuro',
  siteId: 'MAIN',
  modality: 'CT',
  patientClass: 'emergency',
  birthDate: '1978-02-14',
  priority: 'stat',
  phase: 'reading',
  dueAt: new Date('2026-11-22T10:00:00Z'),
  holderId: null,
}
const asking = { userId: 'u-1', now: new Date('2026-11-22T09:30:00Z'), today: '2026-11-22' }
const fits = (filter: ListFilter, row: Partial<Facets> = {}) =>
  fitsFilter({ ...headCt, ...row }, filter, asking)

describe('[RW-10] a filter', () => {
  test.each<[ListFilter, boolean]>([
    [{}, true],
    [{ area: ['neuro'] }, true],
    [{ area: ['chest', 'neuro'], modality: ['CT'] }, true],
    [{ area: ['neuro'], modality: ['MR'] }, false],
    [{ site: ['WEST'] }, false],
    [{ class: ['emergency'] }, true],
    [{ age: ['adult'] }, true],
    [{ age: ['senior', 'child'] }, false],
    [{ priority: ['routine'] }, false],
    [{ phase: ['reading'] }, true],
    [{ time: ['soon'] }, true],
    [{ time: ['late'] }, false],
    [{ claim: ['free'] }, true],
    [{ claim: ['mine', 'taken'] }, false],
  ])('of %j shows the emergency head CT: %s', (filter, shows) => {
    expect(fits(filter)).toBe(shows)
  })

  test('never shows a case by what nobody knows of it', () => {
    expect(fits({ age: ['adult'] }, { birthDate: null })).toBe(false)
    expect(fits({ age: ['adult'] }, { birthDate: '1978' })).toBe(false)
    expect(fits({ time: ['late', 'soon'] }, { dueAt: null })).toBe(false)
    expect(fits({ area: ['neuro'] }, { area: null })).toBe(false)
  })

  test('tells one’s own cases from those of others', () => {
    expect(fits({ claim: ['mine'] }, { holderId: 'u-1' })).toBe(true)
    expect(fits({ claim: ['mine'] }, { holderId: 'u-2' })).toBe(false)
    expect(fits({ claim: ['taken'] }, { holderId: 'u-2' })).toBe(true)
  })

  test('takes a child for an adult on the eighteenth birthday, and for a senior on the sixty-fifth', () => {
    expect(ageGroup('2008-11-23', '2026-11-22')).toBe('child')
    expect(ageGroup('2008-11-22', '2026-11-22')).toBe('adult')
    expect(ageGroup('1961-11-22', '2026-11-22')).toBe('senior')
    expect(ageGroup('2025-01-01', '2026-11-22')).toBe('infant')
  })

  const id = fc.stringMatching(/^[\w-]{1,12}$/)
  const anyFilter = fc
    .dictionary(fc.constantFrom(...FILTER_FIELDS), fc.uniqueArray(id, { minLength: 1, maxLength: 5 }))
    .map((filter) => filter as ListFilter)

  test('is the same after it went through an address, however its values were chosen', () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        const text = writeFilter(filter)
        expect(writeFilter(readFilter(text))).toBe(text)
        const shuffled = Object.fromEntries(
          Object.entries(filter)
            .reverse()
            .map(([field, values]) => [field, [...values].reverse()]),
        )
        expect(writeFilter(shuffled)).toBe(text)
      }),
    )
  })

  test('carries ids and nothing else: a name or a number with blanks is left out', () => {
    expect(readFilter('area:neuro,MUSTER^MAX;patient:1234;modality:CT MR;priority:stat')).toEqual({
      area: ['neuro'],
      priority: ['stat'],
    })
  })

  test('loses a field with its last value', () => {
    expect(toggled(toggled({}, 'area', 'neuro'), 'area', 'neuro')).toEqual({})
    expect(toggled({ area: ['neuro'] }, 'area', 'chest')).toEqual({ area: ['neuro', 'chest'] })
  })
})
