/** Delivery to a destination that answers, hesitates, refuses or is silent. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DELIVERY_EVENTS, type Delivery, delivery, mayBeSent, retryDelayMs } from './delivery.ts'
import { minute } from './facts.fixture.ts'
import { POLICY_VERSION_1 } from './policy.ts'
import { DELIVERY_STATES } from './words.ts'

const policy = POLICY_VERSION_1.delivery
const fresh: Delivery = { state: 'waiting', attempts: 0, firstErrorAt: null, nextAttemptAt: null }
const apply = (current: Delivery, event: (typeof DELIVERY_EVENTS)[number], at = minute(0)) =>
  delivery(current, event, at, policy)
const next = (current: Delivery, event: (typeof DELIVERY_EVENTS)[number], at = minute(0)): Delivery => {
  const outcome = apply(current, event, at)
  return outcome.outcome === 'changed' ? outcome.to : current
}

describe('[EH-02] a delivery', () => {
  test('is sent, acknowledged, and then moved by nothing', () => {
    const sent = next(fresh, 'turn')
    expect(sent).toMatchObject({ state: 'sent', attempts: 1 })
    const done = next(sent, 'accepted')
    expect(done.state).toBe('acknowledged')
    for (const event of DELIVERY_EVENTS) expect(next(done, event)).toEqual(done)
  })

  test('that gets no answer is unknown, and sent again without end', () => {
    let current = fresh
    for (let attempt = 1; attempt <= 50; attempt += 1) {
      current = next(next(current, 'turn', minute(attempt)), 'no-answer', minute(attempt))
      expect(current).toMatchObject({ state: 'unknown', attempts: attempt })
      expect(mayBeSent(current, minute(attempt))).toBe(true)
    }
    expect(next(current, 'accepted').state).toBe('acknowledged')
  })

  test('answered AE is retried ever more slowly for an hour, then parked', () => {
    const first = next(next(fresh, 'turn'), 'error')
    expect(first).toMatchObject({
      state: 'waiting',
      firstErrorAt: minute(0),
      nextAttemptAt: new Date(minute(0).getTime() + 5000),
    })
    expect(mayBeSent(first, minute(0))).toBe(false)
    expect(next(next(first, 'turn', minute(59)), 'error', minute(59)).state).toBe('waiting')
    expect(next(next(first, 'turn', minute(60)), 'error', minute(60)).state).toBe('parked')
    expect([1, 2, 3, 7, 20].map((attempts) => retryDelayMs(attempts, policy))).toEqual([
      5000, 10_000, 20_000, 300_000, 300_000,
    ])
  })

  test('answered AR is parked at once, and only a person sends it again', () => {
    const parked = next(next(fresh, 'turn'), 'rejected')
    expect(parked.state).toBe('parked')
    expect(next(parked, 'turn').state).toBe('parked')
    expect(mayBeSent(parked, minute(999))).toBe(false)
    expect(next(parked, 'mended')).toMatchObject({ state: 'waiting', attempts: 1, firstErrorAt: null })
    expect(apply(fresh, 'mended')).toMatchObject({ outcome: 'refused', refusal: 'illegal-transition' })
  })

  test('a late acknowledgement counts, even for one that was parked', () => {
    expect(next(next(next(fresh, 'turn'), 'rejected'), 'accepted').state).toBe('acknowledged')
  })

  test('through any sequence keeps a defined state, and once acknowledged stays so', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...DELIVERY_EVENTS), { maxLength: 30 }), (events) => {
        let current = fresh
        events.forEach((event, index) => {
          const moved = next(current, event, minute(index))
          expect(DELIVERY_STATES).toContain(moved.state)
          expect(moved.attempts - current.attempts).toBe(
            event === 'turn' && moved.state === 'sent' && current.state !== 'sent' ? 1 : 0,
          )
          if (current.state === 'acknowledged') expect(moved.state).toBe('acknowledged')
          current = moved
        })
      }),
    )
  })
})
