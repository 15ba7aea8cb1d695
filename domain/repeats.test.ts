import { expect, test } from 'vitest'
import { POLICY_VERSION_1 } from './policy.ts'
import { type Look, rateOf, ratesBy, reasonsOf } from './repeats.ts'

const { repeats } = POLICY_VERSION_1

const look = (more: Partial<Look> = {}): Look => ({
  ...{ id: 'a', orderId: 'o', at: new Date(0), room: 'XR 1', operator: 'M. Brandão', procedure: 'XR hand' },
  ...{ verdict: 'accepted', reasonCodes: [], repeated: false, ...more },
})
const rejected = (...reasonCodes: string[]) => look({ verdict: 'rejected', reasonCodes, repeated: true })
const looks = (n: number, one: Look) => Array.from({ length: n }, () => one)

test.each([
  [100, 4, 'on-target'],
  [100, 5, 'over-target'],
  [100, 12, 'over-target'],
  [100, 13, 'over-baseline'],
  [20, 1, 'over-target'],
  [19, 19, 'too-few'],
  [0, 0, 'too-few'],
])('[QA-02] of %i looks %i rejected is %s', (of, n, state) => {
  const all = [...looks(of - n, look()), ...looks(n, rejected('111209'))]
  expect(rateOf(all, repeats)).toEqual({ of, rejected: n, repeated: n, state })
})

test('[QA-02] rates stand by room and by operator, the most rejected first, each with its reasons', () => {
  const all = [
    ...looks(2, rejected('111209')),
    rejected('111209', '111210'),
    look({ room: 'CT 1', operator: 'E. Voss' }),
    look({ room: 'CT 1', verdict: 'rejected', reasonCodes: ['111210'] }),
  ]
  expect(ratesBy('room', all, repeats)).toMatchObject([
    { key: 'XR 1', of: 3, rejected: 3, repeated: 3, reasons: { '111209': 3, '111210': 1 } },
    { key: 'CT 1', of: 2, rejected: 1, repeated: 0, reasons: { '111210': 1 } },
  ])
  expect(ratesBy('operator', all, repeats).map(({ key, of }) => [key, of])).toEqual([
    ['M. Brandão', 4],
    ['E. Voss', 1],
  ])
  expect(Object.entries(reasonsOf(all))).toEqual([
    ['111209', 3],
    ['111210', 2],
  ])
})
