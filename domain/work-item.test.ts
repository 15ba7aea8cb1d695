/** Claim, lease and fence: who holds a case, and who only thinks so. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minute } from './facts.fixture.ts'
import { POLICY_VERSION_1 } from './policy.ts'
import { type WorkItem, type WorkItemEvent, workItem } from './work-item.ts'

const lease = POLICY_VERSION_1.lease
const open: WorkItem = { state: 'open', holder: null, fence: 3, leaseUntil: null, blocked: false }
const held: WorkItem = { ...open, state: 'claimed', holder: 'anna', fence: 4, leaseUntil: minute(2) }
const apply = (item: WorkItem, event: WorkItemEvent, at = minute(0)) => workItem(item, event, at, lease)
const refusal = (item: WorkItem, event: WorkItemEvent, at = minute(0)) => {
  const outcome = apply(item, event, at)
  return outcome.outcome === 'refused' ? outcome.refusal : outcome.outcome
}

describe('[RW-02] a claim', () => {
  test('gives a new fence and a lease of two minutes', () => {
    expect(apply(open, { type: 'claim', by: 'anna' })).toMatchObject({
      to: { state: 'claimed', holder: 'anna', fence: 4, leaseUntil: minute(2) },
    })
  })

  test('under another’s lease is refused, repeated by the holder it changes nothing', () => {
    expect(refusal(held, { type: 'claim', by: 'ben' })).toBe('already-claimed')
    expect(refusal(held, { type: 'claim', by: 'anna' })).toBe('unchanged')
  })

  test('after the lease is over goes to whoever asks, with a higher fence', () => {
    expect(apply(held, { type: 'claim', by: 'ben' }, minute(2))).toMatchObject({
      to: { holder: 'ben', fence: 5 },
    })
  })

  test('of a blocked item is refused, also when a lease ran out on it', () => {
    expect(refusal({ ...open, blocked: true }, { type: 'claim', by: 'anna' })).toBe('blocked')
    expect(refusal({ ...held, blocked: true }, { type: 'claim', by: 'ben' }, minute(3))).toBe('blocked')
  })
})

describe('a holder', () => {
  test('whose lease is just over and whose case nobody took goes on', () => {
    expect(apply(held, { type: 'heartbeat', by: 'anna', fence: 4 }, minute(3))).toMatchObject({
      to: { leaseUntil: minute(5), fence: 4 },
    })
  })

  test('whose case was taken over is told so by the fence, and writes nothing', () => {
    const taken = apply(held, { type: 'take-over', by: 'ben', fence: 4 })
    expect(taken).toMatchObject({ to: { holder: 'ben', fence: 5 } })
    const item = taken.outcome === 'changed' ? taken.to : held
    for (const type of ['heartbeat', 'complete', 'release', 'park'] as const) {
      expect(refusal(item, { type, by: 'anna', fence: 4 })).toBe('stale-fence')
    }
    expect(refusal(item, { type: 'take-over', by: 'cleo', fence: 4 })).toBe('stale-fence')
  })

  test('of an item whose lease ran out and was swept has lost it', () => {
    expect(refusal(open, { type: 'heartbeat', by: 'anna', fence: 3 })).toBe('lease-expired')
    expect(refusal(open, { type: 'complete', by: 'anna', fence: 3 })).toBe('not-holder')
  })

  test('who parks keeps half an hour, and a heartbeat does not shorten it', () => {
    const parked = apply(held, { type: 'park', by: 'anna', fence: 4 })
    expect(parked).toMatchObject({ to: { leaseUntil: minute(30) } })
    const item = parked.outcome === 'changed' ? parked.to : held
    expect(apply(item, { type: 'heartbeat', by: 'anna', fence: 4 })).toMatchObject({
      to: { leaseUntil: minute(30) },
    })
    expect(apply(item, { type: 'unpark', by: 'anna', fence: 4 })).toMatchObject({
      to: { leaseUntil: minute(2) },
    })
  })
})

test('a sweep takes only what is over', () => {
  expect(refusal(held, { type: 'lease-over' }, minute(1))).toBe('unchanged')
  expect(apply(held, { type: 'lease-over' }, minute(2))).toMatchObject({
    to: { state: 'open', holder: null, fence: 4 },
  })
})

test('a finished item answers a repeat and nothing else', () => {
  const completed: WorkItem = { ...open, state: 'completed' }
  expect(refusal(completed, { type: 'complete', by: 'anna', fence: 4 })).toBe('unchanged')
  expect(refusal(completed, { type: 'claim', by: 'anna' })).toBe('illegal-transition')
  expect(refusal({ ...open, state: 'cancelled' }, { type: 'complete', by: 'anna', fence: 4 })).toBe(
    'illegal-transition',
  )
})

test('through any sequence of events the fence never shrinks, and exactly claimed items have a holder and a lease', () => {
  const who = fc.constantFrom('anna', 'ben')
  const fence = fc.integer({ min: 3, max: 8 })
  const events: fc.Arbitrary<WorkItemEvent> = fc.oneof(
    fc.record({ type: fc.constant('claim' as const), by: who }),
    fc.record({
      type: fc.constantFrom(
        'heartbeat' as const,
        'release' as const,
        'park' as const,
        'unpark' as const,
        'take-over' as const,
      ),
      by: who,
      fence,
    }),
    fc.record({ type: fc.constant('complete' as const), by: who, fence: fc.option(fence) }),
    fc.record({ type: fc.constantFrom('lease-over' as const, 'no-longer-wanted' as const) }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(events, fc.nat(3)), { maxLength: 25 }), (steps) => {
      let item = open
      let now = 0
      for (const [event, minutes] of steps) {
        now += minutes
        const outcome = apply(item, event, minute(now))
        if (outcome.outcome !== 'changed') continue
        expect(outcome.to.fence).toBeGreaterThanOrEqual(item.fence)
        const changedHands = outcome.to.holder !== null && outcome.to.holder !== item.holder
        if (changedHands) expect(outcome.to.fence).toBeGreaterThan(item.fence)
        item = outcome.to
        expect([item.holder !== null, item.leaseUntil !== null]).toEqual([
          item.state === 'claimed',
          item.state === 'claimed',
        ])
      }
    }),
  )
})
