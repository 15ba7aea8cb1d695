/** How long a study is kept: the longest rule that applies. */
import { describe, expect, test } from 'vitest'
import { POLICY_VERSION_1 } from './policy.ts'
import { type RetainedStudy, retention, tierOf } from './retention.ts'

const policy = POLICY_VERSION_1.retention
const kept = (parts: Partial<RetainedStudy>) => {
  const { rule, expiresOn } = retention({
    patientBirthDate: '1960-05-01',
    modalities: ['CT'],
    studyDate: '2026-11-02',
    lastStudyDate: '2026-11-02',
    policy,
    ...parts,
  })
  return [rule, expiresOn]
}

describe('a study is kept', () => {
  test('ten years when an adult’s, counted from the patient’s last study here', () => {
    expect(kept({})[1]).toBe('2036-11-02')
    expect(kept({ lastStudyDate: '2030-01-15' })).toEqual(['adult', '2040-01-15'])
    expect(kept({ modalities: ['US'] })).toEqual(['adult', '2036-11-02'])
  })

  test('until the 28th birthday when X-rays of a child', () => {
    expect(kept({ patientBirthDate: '2020-02-29' })).toEqual(['xray-minor', '2048-02-29'])
    expect(kept({ patientBirthDate: '2009-11-03' })).toEqual(['xray-minor', '2037-11-03'])
  })

  test('by the longer rule when a child’s birthday comes before ten years are over', () => {
    expect(kept({ patientBirthDate: '2008-11-03', lastStudyDate: '2030-01-01' })).toEqual([
      'adult',
      '2040-01-01',
    ])
  })

  test('as an adult’s from the 18th birthday on', () => {
    expect(kept({ patientBirthDate: '2008-11-02' })[1]).toBe('2036-11-02')
  })

  test('as a child’s would be when nobody knows the age', () => {
    expect(kept({ patientBirthDate: null })).toEqual(['age-unknown', '2054-11-02'])
    expect(kept({ patientBirthDate: null, modalities: ['MR'] })).toEqual(['adult', '2036-11-02'])
  })
})

test('the rule that decided names where it comes from', () => {
  const study = { modalities: ['DX'], studyDate: '2026-11-02', lastStudyDate: '2026-11-02', policy }
  expect(retention({ ...study, patientBirthDate: '2020-01-01' })).toMatchObject({
    tier: 'ssd',
    basis: 'StrlSchG § 85 (2)',
  })
})

describe('a study’s tier', () => {
  const old = { storedOn: '2026-01-01', lastAccessOn: null, nextAppointmentOn: null }

  test('moves from SSD to HDD after thirty days and to the object store after three years', () => {
    expect(tierOf(old, '2026-01-30', policy)).toBe('ssd')
    expect(tierOf(old, '2026-01-31', policy)).toBe('hdd')
    expect(tierOf(old, '2028-12-30', policy)).toBe('hdd')
    expect(tierOf(old, '2029-01-01', policy)).toBe('object')
  })

  test('is near while somebody looked lately or an appointment is at hand', () => {
    expect(tierOf({ ...old, lastAccessOn: '2028-12-20' }, '2029-01-01', policy)).toBe('ssd')
    expect(tierOf({ ...old, nextAppointmentOn: '2029-01-15' }, '2029-01-01', policy)).toBe('ssd')
    expect(tierOf({ ...old, nextAppointmentOn: '2029-01-16' }, '2029-01-01', policy)).toBe('object')
    expect(tierOf({ ...old, nextAppointmentOn: '2028-12-31' }, '2029-01-01', policy)).toBe('object')
  })
})
