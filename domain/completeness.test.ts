/** Completeness decided from evidence: each rule, each seed profile, and what may never happen. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CompletenessEvidence, completeness, countInstances } from './completeness.ts'
import { DEVICE_PROFILE_NAMES, DEVICE_PROFILES } from './device-profile.ts'
import { minute } from './facts.fixture.ts'
import { POLICY_VERSION_1, type Policy } from './policy.ts'

const policy = POLICY_VERSION_1
const strict: Policy = {
  ...policy,
  completeness: { ...policy.completeness, commitment: 'on', endExamRequired: true },
}
const { full, mpps, store, unknown } = DEVICE_PROFILES

/** An exam ended at minute 10 with three images, all of them named. */
const evidence = (parts: Partial<CompletenessEvidence> = {}): CompletenessEvidence => ({
  named: 3,
  namedStored: 3,
  stored: 3,
  mppsFinalAt: minute(10),
  endExamAt: null,
  lastImageAt: minute(9),
  lastSignOfLifeAt: minute(10),
  commitmentAnswered: false,
  moveOpen: false,
  stoppedWithoutImages: false,
  ...parts,
})

describe('[MA-06] a verdict has its evidence', () => {
  test('every named instance stored and the end seen is complete at once, with no quiet timer', () => {
    expect(completeness(mpps, evidence(), minute(10), policy)).toEqual({
      verdict: 'complete',
      missing: 0,
      notNamed: 0,
      evidence: ['names', 'end'],
      lacking: [],
      recheckAt: null,
    })
  })

  test('a missing image is waited for until its time is over, then the study is incomplete: one missing', () => {
    const short = evidence({ namedStored: 2, stored: 2 })
    expect(completeness(mpps, short, minute(14), policy)).toMatchObject({
      verdict: 'waiting',
      missing: 1,
      recheckAt: minute(15),
    })
    expect(completeness(mpps, short, minute(15), policy)).toMatchObject({ verdict: 'incomplete', missing: 1 })
    expect(completeness(full, short, minute(19), policy)).toMatchObject({
      verdict: 'waiting',
      recheckAt: minute(20),
    })
  })

  test('an image that arrives late restarts the wait for the others', () => {
    const short = evidence({ namedStored: 2, stored: 2, lastImageAt: minute(13) })
    expect(completeness(mpps, short, minute(17), policy)).toMatchObject({
      verdict: 'waiting',
      recheckAt: minute(18),
    })
  })

  test('an exam still running is waited for from its last sign of life, and then only inferred', () => {
    const running = evidence({ mppsFinalAt: null, named: 0, namedStored: 0 })
    expect(completeness(mpps, running, minute(39), policy)).toMatchObject({
      verdict: 'waiting',
      recheckAt: minute(40),
    })
    expect(completeness(mpps, running, minute(40), policy)).toMatchObject({
      verdict: 'inferred',
      lacking: ['names', 'end'],
    })
  })

  test('an MPPS that names nothing is only inferred', () => {
    const unnamed = evidence({ named: 0, namedStored: 0 })
    expect(completeness(mpps, unnamed, minute(10), policy)).toMatchObject({
      verdict: 'inferred',
      lacking: ['names'],
      notNamed: 3,
    })
  })

  test('images nobody named never block', () => {
    expect(completeness(mpps, evidence({ stored: 5 }), minute(10), policy)).toMatchObject({
      verdict: 'complete',
      notNamed: 2,
    })
  })

  test('a study without any image is incomplete, unless the exam was stopped before one was made', () => {
    const none = evidence({ named: 0, namedStored: 0, stored: 0, lastImageAt: null })
    expect(completeness(mpps, none, minute(60), policy).verdict).toBe('incomplete')
    expect(completeness(mpps, { ...none, stoppedWithoutImages: true }, minute(60), policy)).toMatchObject({
      verdict: 'waiting',
      recheckAt: null,
    })
  })

  test('a move of images holds every verdict back', () => {
    expect(completeness(mpps, evidence({ moveOpen: true }), minute(999), policy).verdict).toBe('waiting')
  })

  test('where commitment is asked, it is waited for and then only missed', () => {
    const ended = evidence({ endExamAt: minute(11) })
    expect(completeness(full, ended, minute(25), strict)).toMatchObject({
      verdict: 'waiting',
      recheckAt: minute(26),
    })
    expect(completeness(full, ended, minute(26), strict)).toMatchObject({
      verdict: 'inferred',
      lacking: ['commitment'],
    })
    expect(completeness(full, { ...ended, commitmentAnswered: true }, minute(12), strict).verdict).toBe(
      'complete',
    )
    expect(completeness(full, ended, minute(12), policy).verdict).toBe('complete')
  })

  test('where "end exam" is required beside the MPPS, its absence is waited for', () => {
    expect(completeness(full, evidence({ commitmentAnswered: true }), minute(69), strict)).toMatchObject({
      verdict: 'waiting',
      recheckAt: minute(70),
    })
    expect(completeness(full, evidence(), minute(69), policy).verdict).toBe('complete')
  })

  test('a device without MPPS ends by the technologist and is inferred', () => {
    const ultrasound = evidence({ named: 0, namedStored: 0, mppsFinalAt: null })
    expect(completeness(store, ultrasound, minute(20), policy)).toMatchObject({
      verdict: 'waiting',
      recheckAt: minute(40),
    })
    expect(completeness(store, { ...ultrasound, endExamAt: minute(20) }, minute(20), policy)).toMatchObject({
      verdict: 'inferred',
      evidence: ['end'],
    })
  })

  test('an unknown device ends when it has been quiet for ten minutes', () => {
    const import_ = evidence({ named: 0, namedStored: 0, mppsFinalAt: null, lastSignOfLifeAt: minute(9) })
    expect(completeness(unknown, import_, minute(18), policy)).toMatchObject({
      verdict: 'waiting',
      recheckAt: minute(19),
    })
    expect(completeness(unknown, import_, minute(19), policy)).toMatchObject({
      verdict: 'inferred',
      evidence: [],
    })
  })
})

describe('whatever the evidence', () => {
  const uids = fc.uniqueArray(fc.constantFrom('1', '2', '3', '4', '5', '6'))
  const profiles = fc.constantFrom(...DEVICE_PROFILE_NAMES)
  const instants = fc.option(fc.integer({ min: 0, max: 200 }).map(minute))

  test('complete means that every named instance is stored', () => {
    fc.assert(
      fc.property(
        uids,
        uids,
        profiles,
        instants,
        instants,
        fc.nat(400),
        (named, stored, name, mppsFinalAt, endExamAt, at) => {
          const counts = countInstances(new Set(named), new Set(stored))
          const result = completeness(
            DEVICE_PROFILES[name],
            evidence({ ...counts, mppsFinalAt, endExamAt }),
            minute(at),
            strict,
          )
          if (result.verdict === 'complete') expect(named.every((uid) => stored.includes(uid))).toBe(true)
          expect(result.missing).toBe(named.filter((uid) => !stored.includes(uid)).length)
          expect(result.recheckAt === null || result.recheckAt > minute(at)).toBe(true)
        },
      ),
    )
  })

  test('more stored instances never turn complete into incomplete', () => {
    fc.assert(
      fc.property(uids, uids, uids, profiles, fc.nat(400), (named, stored, more, name, at) => {
        const verdict = (have: string[], lastImageAt: Date) =>
          completeness(
            DEVICE_PROFILES[name],
            evidence({ ...countInstances(new Set(named), new Set(have)), lastImageAt }),
            minute(at),
            policy,
          ).verdict
        if (verdict(stored, minute(9)) === 'complete') {
          expect(verdict([...stored, ...more], minute(12))).not.toBe('incomplete')
        }
      }),
    )
  })

  test('waiting until the recheck, again and again, ends in a verdict', () => {
    fc.assert(
      fc.property(uids, uids, profiles, instants, (named, stored, name, mppsFinalAt) => {
        const found = evidence({ ...countInstances(new Set(named), new Set(stored)), mppsFinalAt })
        let now = minute(10)
        for (let turn = 0; turn < 5; turn += 1) {
          const { verdict, recheckAt } = completeness(DEVICE_PROFILES[name], found, now, strict)
          if (verdict !== 'waiting') return
          expect(recheckAt).not.toBeNull()
          now = recheckAt as Date
        }
        expect.unreachable('still waiting after five rechecks')
      }),
    )
  })
})
