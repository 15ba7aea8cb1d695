/** The table of scheduled steps, cell by cell as the department wrote it. */
import { describe, expect, test } from 'vitest'
import type { Outcome } from './outcome.ts'
import { goesOnToReady, STEP_EVENTS, type StepContext, type StepEvent, step } from './step.ts'
import { STEP_STATUSES, type StepStatus } from './words.ts'

const ordinary: StepContext = {
  gatesSatisfied: true,
  slotFree: true,
  hasSlot: true,
  sameLocalDay: true,
  wristbandMatches: true,
  beforeBegin: 'ready',
}

/** `=` no effect, `✗` illegal, `≈` arrival inferred, `!` a conflict opens; otherwise the status or the refusal. */
const cell = (outcome: Outcome<StepStatus>): string => {
  const mark = outcome.exception === null ? '' : ' !'
  if (outcome.outcome === 'unchanged') return `=${mark}`
  if (outcome.outcome === 'refused') return outcome.refusal === 'illegal-transition' ? '✗' : outcome.refusal
  return `${outcome.to}${outcome.inferred ? ' ≈' : ''}${mark}`
}

// Columns: planned, scheduled, arrived, ready, started, departed, discontinued, cancelled, no-show.
const rows: Record<StepEvent, string> = {
  book: 'scheduled|scheduled|arrived|ready|✗|✗|✗|✗|scheduled',
  unbook: '=|planned|✗|✗|procedure-begun|✗|✗|=|planned',
  arrive: 'arrived|arrived|=|=|=|✗|✗|order-ended|arrived',
  'undo-arrive': '✗|=|scheduled|scheduled|procedure-begun|✗|✗|✗|=',
  ready: '✗|✗|ready|=|=|✗|✗|✗|✗',
  'gate-failed': '=|=|=|arrived|=|=|=|=|=',
  'begin-on-screen': 'started ≈|started ≈|started|started|=|✗|✗|✗|✗',
  'begin-by-device': 'started ≈|started ≈|started|started|=|=|started|= !|started ≈',
  performed: '✗|✗|✗|✗|departed|=|departed|=|✗',
  stopped: '✗|✗|✗|✗|discontinued|✗|=|=|✗',
  'wrong-entry': '✗|✗|✗|✗|ready|✗|✗|=|✗',
  cancel: 'cancelled|cancelled|cancelled|cancelled|procedure-begun|images-exist|=|=|cancelled',
  'no-show-timer': '=|no-show|=|=|=|=|=|=|=',
}

describe('a step on an ordinary day', () => {
  test.each(STEP_EVENTS)('answers %s from every status', (event) => {
    expect(STEP_STATUSES.map((status) => cell(step(status, event, ordinary))).join('|')).toBe(rows[event])
  })
})

describe('a step with something in the way', () => {
  const open = { ...ordinary, gatesSatisfied: false }

  test('is not booked into a slot that is taken', () => {
    expect(cell(step('planned', 'book', { ...ordinary, slotFree: false }))).toBe('slot-taken')
  })

  test('with an open gate is neither ready nor begun on our screen, but a device’s exam is a fact', () => {
    expect(cell(step('arrived', 'ready', open))).toBe('safety-unsatisfied')
    expect(cell(step('planned', 'begin-on-screen', open))).toBe('safety-unsatisfied')
    expect(cell(step('arrived', 'begin-by-device', open))).toBe('started !')
  })

  test('does not begin on another’s wristband, gates or no gates', () => {
    expect(cell(step('ready', 'begin-on-screen', { ...ordinary, wristbandMatches: false }))).toBe(
      'identity-mismatch',
    )
  })

  test('is not arrived the day after the patient did not come', () => {
    expect(cell(step('no-show', 'arrive', { ...ordinary, sameLocalDay: false }))).toBe('✗')
  })

  test('of a walk-in goes back to planned when the arrival is undone', () => {
    expect(cell(step('arrived', 'undo-arrive', { ...ordinary, hasSlot: false }))).toBe('planned')
  })

  test('goes on from arrived to ready as soon as every gate is satisfied', () => {
    expect(goesOnToReady('arrived', { gatesSatisfied: true })).toBe(true)
    expect(goesOnToReady('arrived', { gatesSatisfied: false })).toBe(false)
    expect(goesOnToReady('scheduled', { gatesSatisfied: true })).toBe(false)
  })
})
