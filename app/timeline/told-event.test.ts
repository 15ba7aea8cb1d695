import { expect, test } from 'vitest'
import type { TimelineEvent } from '#db/queries/orders.ts'
import { EVENT_TYPES } from '#domain/words.ts'
import { hasWord } from '../strings/words.ts'
import { segments } from './segments.ts'
import { toldEvent } from './told-event.ts'

const event = (type: string, minute: number, over: Partial<TimelineEvent> = {}): TimelineEvent => ({
  rev: minute + 1,
  at: new Date(Date.UTC(2026, 2, 12, 9, minute)),
  recordedAt: new Date(Date.UTC(2026, 2, 12, 9, minute)),
  type,
  actor: { id: 'u1', name: 'Dr I. Okafor', role: 'radiologist' },
  source: 'app',
  refs: {},
  data: {},
  hash: 'b',
  previousHash: 'a',
  ...over,
})

test('every event of an order has its sentence', () => {
  expect(EVENT_TYPES.filter((type) => !hasWord(`event.${type}`))).toEqual([])
})

test('a claim is told with who made it and what was claimed', () => {
  const told = toldEvent(event('work-item.claimed', 1, { data: { kind: 'read', fence: 17 } }))
  expect(told).toMatchObject({
    by: 'person',
    stage: 'read',
    what: 'Dr I. Okafor claimed reading',
    evidence: [{ name: 'token', value: '17', isInstant: false }],
  })
})

test('images, messages, rules and timers are told apart from people', () => {
  expect(toldEvent(event('images.arrived', 1, { source: 'dimse' })).by).toBe('images')
  expect(toldEvent(event('order.received', 1, { source: 'hl7' })).by).toBe('message')
  const duty = { source: 'duty', actor: { id: 'department', name: 'department', role: 'department' } }
  expect(toldEvent(event('completeness.decided', 1, duty)).by).toBe('rule')
  expect(toldEvent(event('escalation.fired', 1, duty)).by).toBe('timer')
})

test('the way of an order is cut at its anchors, and what has not ended goes on until now', () => {
  const way = [
    event('order.received', 0),
    event('step.started', 10),
    event('completeness.decided', 20, { data: { verdict: 'complete' } }),
    event('quality.accepted', 21),
  ]
  const cut = segments(way, Date.UTC(2026, 2, 12, 9, 50))
  expect(cut.map(({ name, fromMs, toMs }) => [name, (toMs - fromMs) / 60_000])).toEqual([
    ['order', 10],
    ['scan', 10],
    ['complete', 1],
    ['waiting', 29],
  ])
})

test('an order that was told of before its report is not delivered by that', () => {
  const way = [event('order.received', 0), event('delivery.acknowledged', 5, { data: { version: null } })]
  expect(segments(way, Date.UTC(2026, 2, 12, 12)).map(({ name }) => name)).toEqual(['order'])
  const told = toldEvent(way[1]!)
  expect(told.what).toBe('Status acknowledged')
})

test('a delivered order ends with its last acknowledgement', () => {
  const way = [
    event('order.received', 0),
    // A word of where it stands is no result.
    event('delivery.acknowledged', 5, { data: { version: null } }),
    event('report.signed', 30),
    event('delivery.acknowledged', 31),
    event('delivery.acknowledged', 33),
  ]
  expect(
    segments(way, Date.UTC(2026, 2, 12, 12)).map(({ name, toMs, fromMs }) => [
      name,
      (toMs - fromMs) / 60_000,
    ]),
  ).toEqual([
    ['order', 30],
    ['delivery', 3],
  ])
})
