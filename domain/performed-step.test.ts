/** MPPS as PS3.4 F.7 wants it, and where a stopped exam goes. */
import { describe, expect, test } from 'vitest'
import { performedStep, stoppedBranch, takenByRule } from './performed-step.ts'

const create = { type: 'create', status: 'IN PROGRESS', typeOneMissing: false } as const
const finish = { type: 'finish', status: 'COMPLETED' } as const

describe('a performed step', () => {
  test('is created in progress, and only once', () => {
    expect(performedStep(null, create)).toMatchObject({
      outcome: 'changed',
      to: 'IN PROGRESS',
      status: 0x0000,
    })
    for (const state of ['IN PROGRESS', 'COMPLETED', 'DISCONTINUED'] as const) {
      expect(performedStep(state, create)).toMatchObject({ outcome: 'refused', status: 0x0111 })
    }
  })

  test('created with another status or without a type 1 attribute is refused with the status the standard has', () => {
    expect(performedStep(null, { ...create, status: 'COMPLETED' })).toMatchObject({ status: 0x0106 })
    expect(performedStep(null, { ...create, typeOneMissing: true })).toMatchObject({ status: 0x0120 })
  })

  test('that nobody created is unknown to N-SET', () => {
    expect(performedStep(null, { type: 'set' })).toMatchObject({ outcome: 'refused', status: 0x0112 })
    expect(performedStep(null, finish)).toMatchObject({ outcome: 'refused', status: 0x0112 })
  })

  test('once final is changed by nobody, not even by the same message again', () => {
    expect(performedStep('IN PROGRESS', finish)).toMatchObject({
      outcome: 'changed',
      to: 'COMPLETED',
      inferred: false,
    })
    expect(performedStep('COMPLETED', finish)).toMatchObject({ outcome: 'refused', status: 0x0110 })
    expect(performedStep('DISCONTINUED', { type: 'set' })).toMatchObject({
      outcome: 'refused',
      status: 0x0110,
    })
  })

  test('ended on our screen is final and says that we inferred it', () => {
    expect(performedStep('IN PROGRESS', { type: 'end-on-screen' })).toMatchObject({
      to: 'COMPLETED',
      inferred: true,
    })
    expect(performedStep('COMPLETED', { type: 'end-on-screen' })).toMatchObject({ outcome: 'unchanged' })
  })

  test('silent for twelve hours asks somebody and changes nothing', () => {
    expect(performedStep('IN PROGRESS', { type: 'silence' })).toEqual({ outcome: 'ask' })
    expect(performedStep('COMPLETED', { type: 'silence' })).toMatchObject({ outcome: 'unchanged' })
  })
})

test.each([
  ['110514', 'reconcile'],
  ['110501', 'rebook'],
  ['110507', 'decide'],
  ['110503', 'safety-again'],
  ['110510', 'ask-placer'],
  ['110504', 'end-order'],
  ['999999', 'decide'],
  [null, 'decide'],
])('an exam stopped for %s leads to %s', (code, branch) => {
  expect(stoppedBranch(code)).toBe(branch)
})

test('a person looks at a stopped exam with images, or with a reason that says nothing', () => {
  expect(takenByRule({ reasonCode: '110501', storedInstances: 0 })).toBe(true)
  expect(takenByRule({ reasonCode: '110501', storedInstances: 1 })).toBe(false)
  expect(takenByRule({ reasonCode: null, storedInstances: 0 })).toBe(false)
})
