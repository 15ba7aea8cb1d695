/** The seed catalogue and department are what the head approved. */
import { describe, expect, test } from 'vitest'
import { gatesOf, protocollingOf, SEED_CATALOGUE } from './catalogue.ts'
import { DEVICE_PROFILES } from './device-profile.ts'
import { POLICY_VERSION_1 } from './policy.ts'
import { SEED_DEVICES, SEED_SITES } from './seed-department.ts'

const careful = { ...POLICY_VERSION_1, safetyGates: 'on', protocolling: 'on' } as const
const byCode = (code: string) =>
  SEED_CATALOGUE.find((entry) => entry.code === code) as (typeof SEED_CATALOGUE)[number]

describe('the seed catalogue', () => {
  test('has eighteen procedures, each under one code and a short name that fits a screen', () => {
    expect(SEED_CATALOGUE).toHaveLength(18)
    expect(new Set(SEED_CATALOGUE.map(({ code }) => code)).size).toBe(18)
    for (const { shortName } of SEED_CATALOGUE) expect(shortName.length).toBeLessThanOrEqual(30)
  })

  test('carries LOINC codes whose check digit is right', () => {
    for (const { code } of SEED_CATALOGUE) {
      const [digits = '', check] = code.split('-')
      // LOINC check digit, modulus 10: digits from the right are doubled every other one, starting with the last.
      const sum = [...digits].reverse().reduce((total, digit, index) => {
        const value = index % 2 === 0 ? 2 * Number(digit) : Number(digit)
        return total + (value > 9 ? value - 9 : value)
      }, 0)
      expect([code, (10 - (sum % 10)) % 10]).toEqual([code, Number(check)])
    }
  })

  test('asks a reader for the protocol of five procedures, where the policy does', () => {
    expect(SEED_CATALOGUE.filter((entry) => protocollingOf(entry, careful) === 'reader')).toHaveLength(5)
    expect(
      SEED_CATALOGUE.filter((entry) => protocollingOf(entry, POLICY_VERSION_1) === 'reader'),
    ).toHaveLength(0)
  })

  test('asks about pregnancy whoever may be pregnant, and nobody else', () => {
    const head = byCode('30799-1')
    expect(gatesOf(head, { sex: 'F', ageYears: 30 }, careful)).toEqual(['pregnancy'])
    expect(gatesOf(head, { sex: null, ageYears: null }, careful)).toEqual(['pregnancy'])
    expect(gatesOf(head, { sex: 'F', ageYears: 56 }, careful)).toEqual([])
    expect(gatesOf(head, { sex: 'M', ageYears: 30 }, careful)).toEqual([])
    expect(gatesOf(head, { sex: 'F', ageYears: 30 }, POLICY_VERSION_1)).toEqual([])
    expect(gatesOf(byCode('24727-0'), { sex: 'M', ageYears: 30 }, careful)).toEqual([
      'contrast-allergy',
      'egfr',
    ])
  })
})

test('every device of the seed department stands at a site, under an AE title of its own, with a known profile', () => {
  const sites = SEED_SITES.map(({ id }) => id)
  expect(new Set(SEED_SITES.map(({ calendar }) => calendar.zone)).size).toBe(SEED_SITES.length)
  expect(new Set(SEED_DEVICES.map(({ aeTitle }) => aeTitle)).size).toBe(SEED_DEVICES.length)
  for (const device of SEED_DEVICES) {
    expect(sites).toContain(device.siteId)
    expect(device.aeTitle.length).toBeLessThanOrEqual(16)
    expect(DEVICE_PROFILES).toHaveProperty(device.profile)
  }
})
