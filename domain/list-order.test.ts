/** The order of a worklist: total, explained, and the same however it is sorted. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAIN_CALENDAR, minute } from './facts.fixture.ts'
import { asOfMinute, compareListKeys, type ListedItem, listKey, whyHere } from './list-order.ts'
import { PATIENT_CLASSES, PRIORITIES } from './words.ts'

const item = (parts: Partial<ListedItem> = {}): ListedItem => ({
  id: 'item-1',
  accession: 'A1',
  priority: 'urgent',
  patientClass: 'outpatient',
  openedAt: minute(0),
  dueFrom: minute(0),
  dueAt: minute(240),
  allowanceMs: 240 * 60_000,
  business: false,
  pauses: [],
  paused: null,
  machineUrgent: false,
  afterRetake: false,
  patientWaits: false,
  sentBack: false,
  ...parts,
})
const key = (parts: Partial<ListedItem>, at = minute(180)) => listKey(item(parts), at, MAIN_CALENDAR)
const why = (parts: Partial<ListedItem>, at = minute(180)) => whyHere(item(parts), at, MAIN_CALENDAR)

describe('[RW-05] a row’s place', () => {
  test('of an urgent emergency with three of four hours used is tier 1 with 135 points, and says why', () => {
    expect(key({ patientClass: 'emergency' })).toMatchObject({ tier: 1, minusPoints: -135 })
    expect(why({ patientClass: 'emergency' })).toEqual([
      { id: 'used', percent: 75 },
      { id: 'class', patientClass: 'emergency' },
    ])
  })

  test('is never above a stat, however late a routine case is', () => {
    const late = key({ priority: 'routine' }, minute(240 * 30))
    expect(late.tier).toBe(1)
    expect(compareListKeys(key({ priority: 'stat', id: 'item-2' }), late)).toBeLessThan(0)
  })

  test('is raised one tier when late by more than its allowance, by a machine’s flag, or after a repeat', () => {
    expect(key({ priority: 'routine' }, minute(480)).tier).toBe(2)
    expect(key({ priority: 'routine' }, minute(481)).tier).toBe(1)
    expect(why({ priority: 'routine' }, minute(481))).toEqual([
      { id: 'raised', by: 'late' },
      { id: 'late', ms: 241 * 60_000 },
    ])
    expect(key({ priority: 'routine', machineUrgent: true }).tier).toBe(1)
    expect(key({ priority: 'routine', afterRetake: true }).tier).toBe(1)
    expect(key({ priority: 'urgent', machineUrgent: true }).tier).toBe(1)
  })

  test('stands still while it is paused, below its tier', () => {
    const paused = { reason: 'waiting-prior', from: minute(60) } as const
    expect(key({ paused }, minute(100))).toMatchObject({ paused: 1, minusPoints: -25 })
    expect(key({ paused }, minute(200)).minusPoints).toBe(-25)
    expect(why({ paused })).toContainEqual({ id: 'paused', reason: 'waiting-prior' })
    const younger = key({ id: 'item-2', dueFrom: minute(100), dueAt: minute(340) }, minute(100))
    expect(compareListKeys(younger, key({ paused }, minute(100)))).toBeLessThan(0)
  })

  test('counts no time that a pause took away', () => {
    expect(key({ pauses: [{ from: minute(60), to: minute(120) }] }).minusPoints).toBe(-50)
  })

  test('without a due date comes after those that have one', () => {
    expect(compareListKeys(key({ id: 'b' }), key({ id: 'a', dueAt: null }))).toBeLessThan(0)
  })
})

test('the order of a list is strict, total and transitive', () => {
  const items = fc.record({
    id: fc.uuid(),
    accession: fc.constantFrom('A', 'B', 'ä', '𝔸'),
    priority: fc.constantFrom(...PRIORITIES),
    patientClass: fc.constantFrom(...PATIENT_CLASSES),
    openedAt: fc.nat(3).map(minute),
    dueFrom: fc.nat(300).map(minute),
    dueAt: fc.option(fc.nat(3).map(minute)),
    machineUrgent: fc.boolean(),
    patientWaits: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.uniqueArray(items, { maxLength: 8, selector: ({ id }) => id }), (drawn) => {
      const keys = drawn.map((parts) => key(parts))
      for (const a of keys) {
        for (const b of keys) {
          const order = compareListKeys(a, b)
          expect(Math.sign(order)).toBe(0 - Math.sign(compareListKeys(b, a)))
          expect(order === 0).toBe(a === b)
          for (const c of keys) {
            if (order < 0 && compareListKeys(b, c) < 0) expect(compareListKeys(a, c)).toBeLessThan(0)
          }
        }
      }
    }),
  )
})

test('a list is computed for whole minutes, so that its pages agree', () => {
  expect(asOfMinute(new Date(minute(3).getTime() + 59_999))).toEqual(minute(3))
})
