/** Critical results: every sequence of events ends in a defined state, and none ends one in silence. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS } from './calendar.ts'
import {
  COMMUNICATION_FIELDS,
  type Communication,
  CRITICAL_EVENTS,
  CRITICAL_LEVELS,
  CRITICAL_RUNGS,
  CRITICAL_STATES,
  type CriticalEvent,
  type CriticalLevel,
  type CriticalRung,
  type CriticalState,
  communicationText,
  contactNow,
  criticalDueAt,
  criticalResult,
  criticalSteps,
  criticalStepsDue,
  missingOf,
} from './critical-result.ts'
import { minute } from './facts.fixture.ts'
import type { Outcome } from './outcome.ts'
import { POLICY_VERSION_1 } from './policy.ts'

const cell = (outcome: Outcome<CriticalState>): string => {
  if (outcome.outcome === 'unchanged') return '='
  if (outcome.outcome === 'changed') return outcome.to
  return outcome.refusal === 'illegal-transition' ? '✗' : outcome.refusal
}

// Columns: attempt, step-due, change-level, communicate, withdraw.
const rows: [CriticalState, { documented: boolean; repeat: boolean }, string][] = [
  ['open', { documented: true, repeat: false }, 'open|open|open|closed|withdrawn'],
  ['open', { documented: false, repeat: false }, 'open|open|open|check-failed|withdrawn'],
  ['open', { documented: true, repeat: true }, 'open|=|=|closed|withdrawn'],
  ['closed', { documented: true, repeat: false }, '✗|✗|✗|=|✗'],
  ['closed', { documented: false, repeat: true }, '✗|✗|✗|=|✗'],
  ['withdrawn', { documented: true, repeat: false }, '✗|✗|✗|✗|✗'],
]

const told: Communication = {
  finding: 'Tension pneumothorax on the left.',
  foundAt: minute(0),
  communicatorId: 'reader',
  recipient: 'Dr Sample, emergency department',
  toldAt: minute(9),
  method: 'telephone',
  readBack: true,
}

describe('[CR-03] the critical result’s table', () => {
  test.each(rows)('%s with %o answers every event as written', (state, context, row) => {
    expect(CRITICAL_EVENTS.map((event) => cell(criticalResult(state, event, context))).join('|')).toBe(row)
  })

  test('whatever happens in whatever order, it ends by a documented call or by a withdrawal, and stays ended', () => {
    const steps = fc.array(
      fc.record({
        event: fc.constantFrom(...CRITICAL_EVENTS),
        documented: fc.boolean(),
        repeat: fc.boolean(),
      }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(steps, (events) => {
        let state: CriticalState = 'open'
        let endedBy: { event: CriticalEvent; documented: boolean } | null = null
        for (const { event, ...context } of events) {
          const outcome = criticalResult(state, event, context)
          if (outcome.outcome !== 'changed') continue
          expect(CRITICAL_STATES).toContain(outcome.to)
          expect(endedBy).toBeNull()
          if (outcome.to !== 'open') endedBy = { event, documented: context.documented }
          state = outcome.to
        }
        const endings = { closed: 'communicate', withdrawn: 'withdraw' } as const
        if (state === 'open') expect(endedBy).toBeNull()
        else expect(endedBy?.event).toBe(endings[state])
        if (state === 'closed') expect(endedBy?.documented).toBe(true)
      }),
    )
  })
})

describe('[CR-02] what is documented', () => {
  test('is complete with six fields and the read-back', () => {
    expect(missingOf(told, minute(10))).toBeNull()
  })

  test.each<[string, Partial<Communication>]>([
    ['finding', { finding: '  ' }],
    ['found-at', { foundAt: minute(11) }],
    ['communicator', { communicatorId: null }],
    ['recipient', { recipient: ' ' }],
    ['told-at', { toldAt: null }],
    ['method', { method: null }],
    ['read-back', { readBack: false }],
  ])('is not complete without %s', (field, without) => {
    expect(COMMUNICATION_FIELDS).toContain(field)
    expect(missingOf({ ...told, ...without }, minute(10))).toBe(field)
  })

  test('cannot have been told before it was found, nor tomorrow', () => {
    expect(missingOf({ ...told, toldAt: minute(-1) }, minute(10))).toBe('told-at')
    expect(missingOf({ ...told, toldAt: minute(11) }, minute(10))).toBe('told-at')
  })

  test('reads as one paragraph of the report, in the time of the site', () => {
    const text = communicationText(
      {
        finding: ' Free air under the diaphragm. ',
        level: 1,
        foundAt: new Date('2027-01-04T13:02:00Z'),
        communicator: 'Dr. Nadia Example',
        recipient: 'Dr. Otto Sample',
        toldAt: new Date('2027-01-04T13:11:00Z'),
        method: 'telephone',
      },
      'Europe/Berlin',
    )
    expect(text).toBe(
      'Critical result (level 1): Free air under the diaphragm.\n' +
        'Found 2027-01-04 at 14:02. Communicated by telephone by Dr. Nadia Example to Dr. Otto Sample 2027-01-04 at 14:11; read back.',
    )
  })
})

describe('[CR-01] its time', () => {
  test.each<[CriticalLevel, number]>([
    [1, HOUR_MS],
    [2, 6 * HOUR_MS],
    [3, 72 * HOUR_MS],
  ])('at level %i is due %i ms after it was found', (level, ms) => {
    expect(criticalDueAt(minute(0), level, POLICY_VERSION_1).getTime() - minute(0).getTime()).toBe(ms)
  })

  test('its contacts are due at nothing, a half, three quarters, all and one and a half of its time', () => {
    const steps = criticalSteps(minute(0), 1, POLICY_VERSION_1)
    expect(steps.map(({ rung, plannedAt }) => [rung, plannedAt])).toEqual([
      ['orderer', minute(0)],
      ['ward', minute(30)],
      ['on-call', minute(45)],
      ['lead', minute(60)],
      ['head', minute(90)],
    ])
  })
})

describe('[CR-03] its ladder', () => {
  test('after a stop of hours every step that came due is recorded once, in order, with how late it is', () => {
    const steps = criticalSteps(minute(0), 1, POLICY_VERSION_1)
    const due = criticalStepsDue(steps, ['orderer'], minute(360))
    expect(due.map(({ rung, lateByMs }) => [rung, lateByMs / MINUTE_MS])).toEqual([
      ['ward', 330],
      ['on-call', 315],
      ['lead', 300],
      ['head', 270],
    ])
    expect(criticalStepsDue(steps, [...CRITICAL_RUNGS], minute(9_999))).toEqual([])
  })

  test('looked at however often and whenever, each step is recorded at most once and none is missed', () => {
    const looks = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 12 })
    fc.assert(
      fc.property(looks, fc.constantFrom(...CRITICAL_LEVELS), (minutes, level) => {
        const steps = criticalSteps(minute(0), level, POLICY_VERSION_1)
        const recorded: CriticalRung[] = []
        const instants = [...minutes].sort((a, b) => a - b).map(minute)
        for (const now of instants)
          recorded.push(...criticalStepsDue(steps, recorded, now).map(({ rung }) => rung))
        const last = instants.at(-1)
        const expected = steps.filter(({ plannedAt }) => last !== undefined && plannedAt <= last)
        expect(recorded).toEqual(expected.map(({ rung }) => rung))
      }),
    )
  })

  test('who does not answer is followed by the next, time moves on as well, and the head is the last', () => {
    expect(contactNow([], [])).toBe('orderer')
    expect(contactNow(['orderer'], [])).toBe('orderer')
    expect(contactNow(['orderer'], ['orderer'])).toBe('ward')
    expect(contactNow(['orderer', 'ward', 'on-call'], ['orderer'])).toBe('on-call')
    expect(contactNow(['orderer'], ['orderer', 'ward', 'on-call'])).toBe('lead')
    expect(contactNow(['orderer'], ['head'])).toBe('head')
  })
})
