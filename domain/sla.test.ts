/** Allowances, pauses and the ladder: also when nobody could fire a timer for six hours. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BUSINESS_DAY_MS, HOUR_MS } from './calendar.ts'
import { MAIN_CALENDAR, minute } from './facts.fixture.ts'
import { POLICY_VERSION_1 as policy } from './policy.ts'
import { activeMs, dueAt, ladderSteps, nextStepAt, pauseEndsAt, readingAllowance, stepsDue } from './sla.ts'

const hours = (count: number) => ({ ms: count * HOUR_MS, business: false })
const due = (span: Parameters<typeof dueAt>[0]) => dueAt(span, MAIN_CALENDAR)

test('the time to read depends on priority first and on the patient only when routine', () => {
  expect(readingAllowance(policy, 'stat', 'outpatient').ms).toBe(HOUR_MS)
  expect(readingAllowance(policy, 'urgent', 'screening').ms).toBe(4 * HOUR_MS)
  expect(readingAllowance(policy, 'routine', 'inpatient')).toEqual(hours(12))
  expect(readingAllowance(policy, 'routine', 'outpatient')).toEqual({ ms: BUSINESS_DAY_MS, business: true })
  expect(readingAllowance(policy, 'routine', 'screening').ms).toBe(3 * BUSINESS_DAY_MS)
})

describe('[RW-06] a pause', () => {
  test('moves the due date by the time it stopped', () => {
    const pauses = [{ from: minute(30), to: minute(50) }]
    expect(due({ from: minute(0), allowance: hours(1), pauses })).toEqual(minute(80))
  })

  test('that overlaps another counts once, and one after the due date not at all', () => {
    const pauses = [
      { from: minute(30), to: minute(50) },
      { from: minute(40), to: minute(55) },
      { from: minute(500), to: minute(600) },
    ]
    expect(due({ from: minute(0), allowance: hours(1), pauses })).toEqual(minute(85))
  })

  test('over a night moves a business due date by nothing but the open hours', () => {
    // Monday 18:00 to Tuesday 08:00 holds two open hours.
    const pauses = [{ from: minute(9 * 60), to: minute(23 * 60) }]
    const allowance = { ms: BUSINESS_DAY_MS, business: true }
    expect(due({ from: minute(0), allowance })).toEqual(minute(24 * 60))
    expect(due({ from: minute(0), allowance, pauses })).toEqual(minute(26 * 60))
  })

  test('whatever there is of them, the active time until the due date is the allowance', () => {
    const spans = fc.array(fc.tuple(fc.nat(2000), fc.nat(600)), { maxLength: 4 })
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 1500 }), fc.boolean(), (drawn, minutes, business) => {
        const pauses = drawn.map(([from, length]) => ({ from: minute(from), to: minute(from + length) }))
        const allowance = { ms: minutes * 60_000, business }
        const to = due({ from: minute(0), allowance, pauses })
        expect(activeMs({ from: minute(0), to, business, pauses }, MAIN_CALENDAR)).toBe(allowance.ms)
      }),
      { numRuns: 60 },
    )
  })

  test('ends by itself at its limit, and on a stat order after half an hour in all', () => {
    const pause = { reason: 'waiting-prior', from: minute(0), pausedBeforeMs: 0 } as const
    expect(pauseEndsAt({ ...pause, priority: 'routine' }, policy)).toEqual(minute(120))
    expect(pauseEndsAt({ ...pause, priority: 'stat' }, policy)).toEqual(minute(30))
    expect(pauseEndsAt({ ...pause, priority: 'stat', pausedBeforeMs: 20 * 60_000 }, policy)).toEqual(
      minute(10),
    )
  })
})

describe('[RW-06] the ladder', () => {
  const steps = ladderSteps({ priority: 'stat', from: minute(0), allowance: hours(1) }, MAIN_CALENDAR, policy)

  test('of a stat study notifies at half its hour, reassigns at the hour, then lead and head', () => {
    expect(steps).toEqual([
      { rung: 'notify', plannedAt: minute(30) },
      { rung: 'reassign', plannedAt: minute(60) },
      { rung: 'lead', plannedAt: minute(75) },
      { rung: 'head', plannedAt: minute(120) },
    ])
  })

  test('after an outage of six hours records every step once, each with how late it is', () => {
    const item = { recorded: ['notify'] as const, finishedAt: null }
    const fired = stepsDue(steps, item, minute(40 + 360))
    expect(fired.map(({ rung, lateByMs, outcome }) => [rung, lateByMs / 60_000, outcome])).toEqual([
      ['reassign', 340, 'fired'],
      ['lead', 325, 'fired'],
      ['head', 280, 'fired'],
    ])
    const recorded = ['notify', ...fired.map(({ rung }) => rung)] as const
    expect(stepsDue(steps, { recorded, finishedAt: null }, minute(500))).toEqual([])
    expect(nextStepAt(steps, recorded)).toBeNull()
  })

  test('steps that fell due before the item was finished meanwhile are overtaken, later ones never were', () => {
    const found = stepsDue(steps, { recorded: ['notify'], finishedAt: minute(70) }, minute(400))
    expect(found.map(({ rung, outcome }) => [rung, outcome])).toEqual([['reassign', 'overtaken']])
  })

  test('waits for its next step and not before', () => {
    expect(stepsDue(steps, { recorded: [], finishedAt: null }, minute(29))).toEqual([])
    expect(nextStepAt(steps, ['notify'])).toEqual(minute(60))
  })
})
