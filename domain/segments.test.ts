/** Turnaround from events: marks, segments and percentiles. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minute } from './facts.fixture.ts'
import { marks, percentile, segments, type TimelineEvent } from './segments.ts'
import type { EventType } from './words.ts'

const parts = {
  stepIds: ['step-1'],
  performedStepIds: ['performed-1'],
  studyIds: ['study-1'],
  reportIds: ['report-1'],
  requiredDeliveries: ['EMR', 'REGION'].flatMap((to) =>
    [1, 2].map((version) => ({ id: `${to} ${version}`, reportId: 'report-1', version })),
  ),
  readItemIds: ['item-1'],
}
const event = (
  at: number,
  type: EventType,
  data: Record<string, unknown> = {},
  actorRole = 'technologist',
): TimelineEvent => ({
  at: minute(at),
  type,
  data,
  actorRole,
})
const report = { reportId: 'report-1', version: 1 }
const delivered = (at: number, type: EventType, to: string) =>
  event(at, type, { deliveryId: `${to} 1`, version: 1 }, 'department')

const ordinary: TimelineEvent[] = [
  event(0, 'order.received'),
  event(5, 'step.scheduled', { stepId: 'step-1' }),
  event(8, 'step.scheduled', { stepId: 'step-1' }),
  event(60, 'step.arrived', { stepId: 'step-1', inferred: true }),
  event(65, 'performed-step.begun', { performedStepId: 'performed-1' }, 'device'),
  event(75, 'performed-step.ended', { performedStepId: 'performed-1' }, 'device'),
  event(80, 'quality.accepted', { studyId: 'study-1' }),
  event(85, 'work-item.claimed', { itemId: 'item-1' }, 'machine'),
  event(90, 'work-item.claimed', { itemId: 'item-1' }, 'radiologist'),
  event(100, 'report.signed', report, 'radiologist'),
  event(102, 'report.released', report, 'department'),
  delivered(102, 'delivery.sent', 'EMR'),
  delivered(103, 'delivery.sent', 'REGION'),
  delivered(104, 'delivery.acknowledged', 'EMR'),
  delivered(110, 'delivery.acknowledged', 'REGION'),
]
const at = (events: TimelineEvent[]) =>
  Object.fromEntries(
    Object.entries(marks(events, parts)).map(([mark, found]) => [
      mark,
      (found.at.getTime() - minute(0).getTime()) / 60_000,
    ]),
  )

describe('the marks of a procedure', () => {
  test('come from its order’s events: the last booking, the first person, the slowest destination', () => {
    expect(at(ordinary)).toEqual({
      ordered: 0,
      scheduled: 8,
      arrived: 60,
      begun: 65,
      ended: 75,
      available: 80,
      opened: 90,
      final: 100,
      sent: 103,
      delivered: 110,
    })
  })

  test('know nothing of a version that was recalled', () => {
    const recalled = [
      ...ordinary.slice(0, 9),
      event(95, 'report.signed', report, 'radiologist'),
      event(96, 'report.recalled', report, 'radiologist'),
      event(100, 'report.signed', { ...report, version: 2 }, 'radiologist'),
      event(102, 'report.released', { ...report, version: 2 }, 'department'),
    ]
    expect(at(recalled)).toMatchObject({ final: 100 })
    expect(at(recalled.slice(0, 11))).not.toHaveProperty('final')
  })

  test('say nothing of delivery while one required destination is silent', () => {
    expect(at(ordinary.slice(0, -1))).not.toHaveProperty('delivered')
  })

  test('leave another procedure’s events alone, its step and its report’s deliveries', () => {
    const other = [
      event(1, 'step.arrived', { stepId: 'step-9' }),
      ...(['EMR', 'REGION'] as const).map((to) =>
        event(2, 'delivery.sent', { deliveryId: `other ${to}`, destinationId: to, version: 1 }, 'department'),
      ),
    ]
    expect(at([...other, ...ordinary])).toMatchObject({ arrived: 60, sent: 103 })
  })

  test('ask nothing of a receiver that came after the report went out', () => {
    const late = event(120, 'delivery.acknowledged', { deliveryId: 'NEW 1', version: 1 }, 'department')
    expect(at([...ordinary, late])).toMatchObject({ sent: 103, delivered: 110 })
  })
})

describe('segments', () => {
  test('join the neighbours of a missing mark and are marked where one was inferred', () => {
    const { segments: found } = segments(marks(ordinary, parts))
    expect(found.map(({ from, to }) => `${from} → ${to}`)).toContain('opened → final')
    expect(found.find(({ to }) => to === 'arrived')).toMatchObject({ ms: 52 * 60_000, inferred: true })
    expect(found.reduce((sum, { ms }) => sum + ms, 0)).toBe(110 * 60_000)
  })

  test('are of the period in which they ended, whenever they began', () => {
    const { segments: found } = segments(marks(ordinary, parts), minute(80))
    expect(found.map(({ from, to }) => `${from} → ${to}`)).toEqual([
      ...['ended → available', 'available → opened', 'opened → final', 'final → sent', 'sent → delivered'],
    ])
  })

  test('that would be negative are left out and counted', () => {
    const scannedFirst = [event(200, 'order.received'), ...ordinary.slice(4)]
    const { segments: found, negative } = segments(marks(scannedFirst, parts))
    expect(negative).toBe(1)
    expect(found.every(({ ms }) => ms >= 0)).toBe(true)
  })
})

describe('a percentile', () => {
  test('is a value that occurred: the one at its nearest rank', () => {
    const values = [15, 20, 35, 40, 50]
    expect([5, 30, 40, 50, 100].map((p) => percentile(values, p))).toEqual([15, 20, 20, 35, 50])
    expect(percentile([], 50)).toBeNull()
    expect(percentile([7], 0)).toBe(7)
  })

  test('has at least its share of the values at or below it, and no smaller value does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (values, p) => {
        const value = percentile(values, p) as number
        const share = (limit: number) =>
          values.filter((one) => one <= limit).length * 100 >= p * values.length
        expect(values).toContain(value)
        expect(share(value)).toBe(true)
        expect(values.filter((one) => one < value).some(share)).toBe(false)
      }),
    )
  })
})
