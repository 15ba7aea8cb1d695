/** ORC-1 against every phase, as the table has it. */
import { describe, expect, test } from 'vitest'
import { type OrderControlOutcome, type OrderMessage, orderControl } from './order-control.ts'
import { PHASES, type Phase } from './words.ts'

const repeat: OrderMessage = { sameContent: true, patientMatches: true, changed: [] }
const other: OrderMessage = { ...repeat, sameContent: false }
const changing = (...changed: OrderMessage['changed']): OrderMessage => ({ ...other, changed })

const said = (outcome: OrderControlOutcome): string =>
  outcome.outcome === 'refused' ? `${outcome.refusal} !${outcome.exception}` : outcome.outcome

const bands: Record<string, readonly Phase[]> = {
  before: ['ordered', 'protocolled', 'scheduled', 'no-show', 'arrived'],
  acquiring: ['acquiring'],
  imaged: ['acquired', 'quality-check', 'reading', 'preliminary'],
  reported: ['final', 'delivered', 'closed'],
  ended: ['cancelled', 'discontinued'],
}

const table: [string, Parameters<typeof orderControl>[0], OrderMessage, string][] = [
  ['NW same content', 'NW', repeat, 'unchanged|unchanged|unchanged|unchanged|order-ended !conflict'],
  [
    'NW other content',
    'NW',
    other,
    'duplicate-order !conflict|duplicate-order !conflict|duplicate-order !conflict|duplicate-order !conflict|order-ended !conflict',
  ],
  [
    'XO of the priority',
    'XO',
    changing('priority'),
    'applied|applied|applied|report-final !conflict|order-ended !conflict',
  ],
  [
    'XO of the procedure',
    'XO',
    changing('procedure'),
    'applied|procedure-begun !conflict|images-exist !conflict|report-final !conflict|order-ended !conflict',
  ],
  [
    'XO of copies alone',
    'XO',
    changing('copies-to'),
    'applied|applied|applied|applied|order-ended !conflict',
  ],
  [
    'CA',
    'CA',
    other,
    'cancel|procedure-begun !conflict|images-exist !conflict|report-final !conflict|unchanged',
  ],
  ['DC', 'DC', other, 'cancel|stop-asked|images-exist !conflict|report-final !conflict|unchanged'],
  ['SN', 'SN', other, 'unchanged|unchanged|unchanged|unchanged|unchanged'],
]

describe('an order message', () => {
  test.each(table)('%s is answered by phase', (_title, code, message, row) => {
    for (const [index, phases] of Object.values(bands).entries()) {
      for (const phase of phases) expect(said(orderControl(code, phase, message))).toBe(row.split('|')[index])
    }
  })

  test('for an unknown order creates it or says that it is unknown', () => {
    expect(said(orderControl('NW', null, other))).toBe('create')
    expect(said(orderControl('SN', null, other))).toBe('create')
    for (const code of ['XO', 'CA', 'DC', 'NA'] as const)
      expect(said(orderControl(code, null, other))).toBe('unknown-order !message')
  })

  test('that changes another patient’s order is a mismatch in every phase', () => {
    for (const phase of PHASES) {
      expect(said(orderControl('XO', phase, { ...changing('priority'), patientMatches: false }))).toBe(
        'identity-mismatch !identity',
      )
    }
  })

  test('that changes the exam before it begins asks for protocol and safety again', () => {
    expect(orderControl('XO', 'scheduled', changing('side'))).toMatchObject({ protocolAgain: true })
    expect(orderControl('XO', 'scheduled', changing('reason'))).toMatchObject({ protocolAgain: false })
  })

  test('after the report still applies the copies it names beside what it refuses', () => {
    expect(orderControl('XO', 'final', changing('copies-to', 'reason'))).toMatchObject({
      outcome: 'refused',
      apply: ['copies-to'],
    })
  })
})
