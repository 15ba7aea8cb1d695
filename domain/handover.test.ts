import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS } from './calendar.ts'
import { handoverState, shiftAt, shiftTakingOver } from './handover.ts'
import { POLICY_VERSION_1 } from './policy.ts'

const { handover } = POLICY_VERSION_1
const BERLIN = 'Europe/Berlin'
const at = (text: string) => new Date(text)

describe('[MA-13] shifts', () => {
  test.each([
    ['2026-03-12T05:00:00+01:00', '2026-03-11T22:00:00+01:00', '2026-03-12T06:00:00+01:00'],
    ['2026-03-12T06:00:00+01:00', '2026-03-12T06:00:00+01:00', '2026-03-12T14:00:00+01:00'],
    ['2026-03-12T23:59:00+01:00', '2026-03-12T22:00:00+01:00', '2026-03-13T06:00:00+01:00'],
    // The night that the clocks go forward is an hour shorter.
    ['2026-03-29T01:00:00+01:00', '2026-03-28T22:00:00+01:00', '2026-03-29T06:00:00+02:00'],
  ])('%s belongs to the shift from %s to %s', (now, start, end) => {
    expect(shiftAt(BERLIN, at(now), handover)).toEqual({ start: at(start), end: at(end) })
  })

  test('every instant belongs to exactly one shift, and the shifts of a day join', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'Europe/Lisbon', 'America/New_York', 'Asia/Kolkata')
    const instants = fc.date({
      min: at('2020-01-01T00:00:00Z'),
      max: at('2040-01-01T00:00:00Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(zones, instants, (zone, now) => {
        const shift = shiftAt(zone, now, handover)
        expect(shift.start.getTime()).toBeLessThanOrEqual(now.getTime())
        expect(shift.end.getTime()).toBeGreaterThan(now.getTime())
        expect(shiftAt(zone, shift.end, handover).start).toEqual(shift.end)
      }),
    )
  })
})

describe('[MA-13] a line of the handover', () => {
  const now = at('2026-03-12T15:00:00+01:00')
  const shift = shiftAt(BERLIN, now, handover)
  const before = new Date(shift.start.getTime() - HOUR_MS)
  const line = { since: before, isAdded: false, takenOverFor: [] }

  test('from an earlier shift is wanted until somebody of this one takes it over', () => {
    expect(handoverState(line, shift)).toBe('wanted')
    expect(handoverState({ ...line, takenOverFor: [shift.start] }, shift)).toBe('acknowledged')
  })

  test('taken over by the shift before stays wanted for the next', () => {
    const earlier = shiftAt(BERLIN, before, handover)
    expect(handoverState({ ...line, takenOverFor: [earlier.start] }, shift)).toBe('wanted')
  })

  test('of this shift’s own making is not handed to it, but what a colleague wrote down is', () => {
    expect(handoverState({ ...line, since: now }, shift)).toBe('new')
    expect(handoverState({ ...line, since: now, isAdded: true }, shift)).toBe('wanted')
    expect(handoverState({ ...line, since: null }, shift)).toBe('wanted')
  })

  test('may be taken over a little before the shift begins', () => {
    const early = new Date(shift.start.getTime() - handover.earlyMs)
    expect(shiftTakingOver(BERLIN, early, handover)).toEqual(shift)
    const tooEarly = new Date(early.getTime() - MINUTE_MS)
    expect(shiftTakingOver(BERLIN, tooEarly, handover).end).toEqual(shift.start)
  })
})
