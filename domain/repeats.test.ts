import { expect, test } from 'vitest'
import { POLICY_VERSION_1 } from './policy.ts'
import { type Look, rateOf, ratesBy, ratesByTake, reasonsOf, repeatAlarms } from './repeats.ts'

const { repeats } = POLICY_VERSION_1

const look = (more: Partial<Look> = {}): Look => ({
  ...{ id: 'a', orderId: 'o', at: new Date(0), room: 'XR 1', operator: 'M. Brandão', procedure: 'XR hand' },
  ...{ verdict: 'accepted', reasonCodes: [], repeated: false, takes: [], ...more },
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
  expect(ratesBy('room', all, { policy: repeats })).toMatchObject([
    { key: 'XR 1', of: 3, rejected: 3, repeated: 3, reasons: { '111209': 3, '111210': 1 } },
    { key: 'CT 1', of: 2, rejected: 1, repeated: 0, reasons: { '111210': 1 } },
  ])
  expect(ratesBy('operator', all, { policy: repeats }).map(({ key, of }) => [key, of])).toEqual([
    ['M. Brandão', 4],
    ['E. Voss', 1],
  ])
  expect(Object.entries(reasonsOf(all))).toEqual([
    ['111209', 3],
    ['111210', 2],
  ])
})

test('[QA-02] a projection is counted by what was made of it, in each room and by each operator', () => {
  const ap = (made: number, rejectedOfIt: number) => ({ take: 'DX KNEE AP L', made, rejected: rejectedOfIt })
  const lateral = (made: number) => ({ take: 'DX KNEE LL L', made, rejected: 0 })
  const all = [
    look({ takes: [ap(1, 0), lateral(1)] }),
    look({ takes: [ap(2, 1), lateral(1)], verdict: 'rejected', reasonCodes: ['111209'], repeated: true }),
    look({
      takes: [ap(1, 1)],
      verdict: 'rejected',
      reasonCodes: ['111210'],
      room: 'XR 2',
      operator: 'E. Voss',
    }),
  ]
  expect(ratesByTake(all, repeats)).toMatchObject([
    { key: 'DX KNEE AP L', of: 4, rejected: 2, repeated: 1, reasons: { '111209': 1, '111210': 1 } },
    { key: 'DX KNEE LL L', of: 2, rejected: 0, repeated: 0, reasons: {} },
  ])
  const of = { policy: repeats, take: 'DX KNEE AP L' }
  expect(ratesBy('room', all, of).map(({ key, of, rejected }) => [key, of, rejected])).toEqual([
    ['XR 1', 3, 1],
    ['XR 2', 1, 1],
  ])
  expect(ratesBy('operator', all, of).map(({ key, of, rejected }) => [key, of, rejected])).toEqual([
    ['M. Brandão', 3, 1],
    ['E. Voss', 1, 1],
  ])
})

test('[QA-02] a room, projection or sequence over the target is an alarm, the worst first; on target, or of few, it is none', () => {
  const of = (take: string, room: string, n: number, rejectedOfIt: number) => [
    ...looks(n - rejectedOfIt, look({ room, takes: [{ take, made: 1, rejected: 0 }] })),
    ...looks(rejectedOfIt, look({ room, verdict: 'rejected', takes: [{ take, made: 1, rejected: 1 }] })),
  ]
  const all = [
    ...of('DX CHEST PA', 'XR 1', 100, 4),
    ...of('DX HIP AP', 'XR 2', 50, 5),
    ...of('MR t2_tse', 'MR 1', 100, 13),
    ...of('CT Head', 'CT 1', 19, 19),
  ]
  expect(repeatAlarms(all, repeats).map(({ group, key, rate }) => [group, key, rate.state])).toEqual([
    ['room', 'MR 1', 'over-baseline'],
    ['take', 'MR t2_tse', 'over-baseline'],
    ['take', 'DX HIP AP', 'over-target'],
    ['room', 'XR 2', 'over-target'],
  ])
})
