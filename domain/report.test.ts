/** The report's states: every sequence of events ends in a defined one, and nothing final is written over. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minute } from './facts.fixture.ts'
import type { Outcome } from './outcome.ts'
import { POLICY_VERSION_1 } from './policy.ts'
import { REPORT_EVENTS, type ReportContext, type ReportEvent, releaseAt, report } from './report.ts'
import { REPORT_STATES, type ReportState } from './words.ts'

const ordinary: ReportContext = {
  byAuthor: false,
  amendmentOpen: false,
  released: true,
  versionOut: true,
  repeat: false,
  identityTrusted: true,
  checksPassed: true,
}

const cell = (outcome: Outcome<ReportState>): string => {
  if (outcome.outcome === 'unchanged') return '='
  if (outcome.outcome === 'changed') return outcome.to
  return outcome.refusal === 'illegal-transition' ? '✗' : outcome.refusal
}

// Columns: save, wet-read, preliminary, submit, send-back, sign, addendum, correction, retract, cancel.
const rows: [ReportState | null, string][] = [
  [null, 'DRAFT|WET_READ|PRELIM|PENDING_SIGN|✗|FINAL|not-released|not-released|✗|='],
  ['DRAFT', 'DRAFT|WET_READ|PRELIM|PENDING_SIGN|✗|FINAL|not-released|not-released|✗|CANCELLED'],
  ['WET_READ', 'WET_READ|WET_READ|PRELIM|PENDING_SIGN|✗|FINAL|not-released|not-released|CANCELLED|✗'],
  ['PRELIM', 'PRELIM|✗|PRELIM|PENDING_SIGN|✗|FINAL|not-released|not-released|CANCELLED|✗'],
  ['PENDING_SIGN', 'PENDING_SIGN|✗|✗|=|SIGN_REJECTED|FINAL|not-released|not-released|CANCELLED|✗'],
  ['SIGN_REJECTED', 'SIGN_REJECTED|✗|PRELIM|PENDING_SIGN|=|FINAL|not-released|not-released|CANCELLED|✗'],
  [
    'FINAL',
    'report-final|report-final|report-final|report-final|report-final|report-final|ADDENDED|CORRECTED|CANCELLED|report-final',
  ],
  [
    'ADDENDED',
    'report-final|report-final|report-final|report-final|report-final|report-final|ADDENDED|CORRECTED|CANCELLED|report-final',
  ],
  [
    'CORRECTED',
    'report-final|report-final|report-final|report-final|report-final|report-final|ADDENDED|CORRECTED|CANCELLED|report-final',
  ],
  ['CANCELLED', '✗|✗|✗|✗|✗|✗|✗|✗|✗|✗'],
]

describe('[RP-03] the report’s table', () => {
  test.each(rows)('from %s answers every event as written', (state, row) => {
    expect(REPORT_EVENTS.map((event) => cell(report(state, event, ordinary))).join('|')).toBe(row)
  })

  test('has the nine states of a report, and a sequence of events leads to each', () => {
    const named = 'WET_READ DRAFT PRELIM PENDING_SIGN SIGN_REJECTED FINAL ADDENDED CORRECTED CANCELLED'.split(
      ' ',
    )
    expect([...REPORT_STATES].sort()).toEqual(named.sort())
    const reached = new Set<ReportState | null>([null])
    // A set grows while it is walked: what is reached is walked from as well.
    for (const state of reached)
      for (const event of REPORT_EVENTS) {
        const outcome = report(state, event, ordinary)
        if (outcome.outcome === 'changed') reached.add(outcome.to)
      }
    expect([...reached].filter((state) => state !== null).sort()).toEqual(named)
  })

  test('every event sequence yields a defined state, and only a retraction takes a signed report back', () => {
    const contexts = fc.record({
      byAuthor: fc.boolean(),
      amendmentOpen: fc.boolean(),
      released: fc.boolean(),
      versionOut: fc.boolean(),
      repeat: fc.boolean(),
      identityTrusted: fc.boolean(),
      checksPassed: fc.boolean(),
    })
    const signed = (state: ReportState | null) =>
      state === 'FINAL' || state === 'ADDENDED' || state === 'CORRECTED'
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...REPORT_EVENTS), contexts), { maxLength: 20 }),
        (events) => {
          let state: ReportState | null = null
          for (const [event, context] of events) {
            const outcome: Outcome<ReportState> = report(state, event, context)
            if (outcome.outcome !== 'changed') continue
            expect(REPORT_STATES).toContain(outcome.to)
            expect(state).not.toBe('CANCELLED')
            if (signed(state) && !signed(outcome.to)) expect(event).toBe('retract')
            if (signed(outcome.to) && !signed(state)) {
              expect(event).toBe('sign')
              expect(context.identityTrusted && context.checksPassed).toBe(true)
            }
            state = outcome.to
          }
        },
      ),
    )
  })
})

describe('a report', () => {
  const answer = (state: ReportState | null, event: ReportEvent, context: Partial<ReportContext>) =>
    cell(report(state, event, { ...ordinary, ...context }))

  test('submitted is neither signed, sent back nor edited by its author', () => {
    expect(answer('PENDING_SIGN', 'sign', { byAuthor: true })).toBe('not-eligible')
    expect(answer('PENDING_SIGN', 'send-back', { byAuthor: true })).toBe('not-eligible')
    expect(answer('PENDING_SIGN', 'save', { byAuthor: true })).toBe('✗')
  })

  test('for somebody we are not sure of goes out as a first word and never as final', () => {
    expect(answer('DRAFT', 'sign', { identityTrusted: false })).toBe('identity-provisional')
    expect(answer('DRAFT', 'preliminary', { identityTrusted: false })).toBe('PRELIM')
    expect(answer('DRAFT', 'wet-read', { identityTrusted: false })).toBe('WET_READ')
  })

  test('with a red check is not signed', () => {
    expect(answer('DRAFT', 'sign', { checksPassed: false })).toBe('check-failed')
  })

  test('signed is amended once it is released, and its amendment may be saved while open', () => {
    expect(answer('FINAL', 'addendum', { released: false })).toBe('not-released')
    expect(answer('FINAL', 'retract', { released: false })).toBe('not-released')
    expect(answer('FINAL', 'save', { amendmentOpen: true })).toBe('FINAL')
    expect(answer('FINAL', 'sign', { repeat: true })).toBe('=')
  })

  test('of which nothing is out is cancelled and not retracted', () => {
    expect(answer('PENDING_SIGN', 'cancel', { versionOut: false })).toBe('CANCELLED')
    expect(answer('SIGN_REJECTED', 'retract', { versionOut: false })).toBe('✗')
  })
})

test('a final version is released after its recall time, a first word at once', () => {
  const signed = { signedAt: minute(0), priority: 'routine' } as const
  expect(releaseAt({ ...signed, kind: 'final' }, POLICY_VERSION_1)).toEqual(minute(1.5))
  expect(releaseAt({ ...signed, kind: 'final', priority: 'stat' }, POLICY_VERSION_1)).toEqual(minute(0))
  expect(releaseAt({ ...signed, kind: 'preliminary' }, POLICY_VERSION_1)).toEqual(minute(0))
})
