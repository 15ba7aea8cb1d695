/** Where a stopped exam goes. */
import { expect, test } from 'vitest'
import { stoppedBranch, takenByRule } from './performed-step.ts'

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
