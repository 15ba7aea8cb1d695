/** Who may do what: the table's rows, and that nothing is allowed which it doesn't list. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minute } from './facts.fixture.ts'
import { RULES, VERBS } from './permission-table.ts'
import {
  type Actor,
  can,
  inAudience,
  mustBeAble,
  parseCredential,
  type Subject,
  scopeOf,
  type Verb,
} from './permissions.ts'
import { ROLES, type Role } from './words.ts'
import { audience } from './work-item-wanted.ts'

const actor = (role: Role, parts: Partial<Actor> = {}): Actor => ({
  kind: 'user',
  id: `${role}-1`,
  roles: [role],
  sites: ['MAIN'],
  areas: ['neuro'],
  credentials: [],
  ...parts,
})

/** Everything given that any verb could ask for. */
const everything: Subject = {
  siteId: 'MAIN',
  ownerId: 'owner',
  authorId: 'author',
  audience: audience(ROLES),
  now: minute(0),
  reason: 'because',
  reauthenticated: true,
  secondPerson: { ...actor('radiologist'), id: 'second', roles: ROLES },
  eligible: true,
  withinResidentLimits: true,
  released: true,
  patientClass: 'emergency',
  ownRoomToday: true,
  mayBeTakenOver: true,
  mismatchAllowed: true,
}

const answer = (who: Actor, verb: Verb, subject: Subject): string => {
  const decision = can(who, verb, subject)
  return decision.allowed ? 'allowed' : decision.refusal
}

describe('whatever the verb', () => {
  test.each(VERBS)('%s is forbidden to every role its row does not name', (verb) => {
    const named = new Set(RULES[verb].flatMap((rule) => rule.roles))
    expect(named.size).toBeGreaterThan(0)
    for (const role of ROLES) {
      const who = actor(role)
      const decision = answer(who, verb, { ...everything, ownerId: who.id })
      expect([role, decision]).toEqual([role, named.has(role) ? 'allowed' : 'forbidden'])
    }
  })

  test('nobody without a role may do anything, and nothing given allows nothing that needs something', () => {
    for (const verb of VERBS) {
      expect(answer(actor('radiologist', { roles: [] }), verb, everything)).toBe('forbidden')
      for (const role of ROLES) {
        const rules = RULES[verb].filter((rule) => rule.roles.includes(role))
        if (rules.every((rule) => rule.needs.length > 0))
          expect(answer(actor(role), verb, {})).not.toBe('allowed')
      }
    }
  })

  test('taking something away never allows more', () => {
    const keys = Object.keys(everything) as (keyof Subject)[]
    fc.assert(
      fc.property(
        fc.constantFrom(...VERBS),
        fc.constantFrom(...ROLES),
        fc.subarray(keys),
        (verb, role, removed) => {
          const less = Object.fromEntries(
            Object.entries(everything).filter(([key]) => !removed.includes(key as keyof Subject)),
          )
          const more = answer(actor(role), verb, everything)
          if (more !== 'allowed') expect(answer(actor(role), verb, less)).not.toBe('allowed')
        },
      ),
    )
  })
})

describe('a person', () => {
  test('of another site neither sees an order there nor learns that it exists', () => {
    expect(answer(actor('technologist'), 'see-order', { siteId: 'WEST' })).toBe('not-found')
    expect(answer(actor('technologist'), 'quality-accept', { siteId: 'WEST' })).toBe('forbidden')
  })

  test('who referred the patient sees the released report, and no other’s', () => {
    const referrer = actor('referrer')
    expect(answer(referrer, 'see-report', { ownerId: referrer.id, released: true })).toBe('allowed')
    expect(answer(referrer, 'see-report', { ownerId: referrer.id, released: false })).toBe('not-found')
    expect(answer(referrer, 'see-report', { ownerId: 'referrer-2', released: true })).toBe('not-found')
  })

  test('who keeps the machines running reads no report and sees no image', () => {
    expect(answer(actor('admin'), 'see-order', { siteId: 'MAIN' })).toBe('allowed')
    expect(answer(actor('admin'), 'see-report', everything)).toBe('forbidden')
    expect(answer(actor('admin'), 'see-images', everything)).toBe('forbidden')
    expect(answer(actor('physicist'), 'see-images', { siteId: 'MAIN' })).toBe('allowed')
    expect(answer(actor('physicist'), 'see-report', everything)).toBe('forbidden')
  })

  test('signs with the password given again, eligible, and only as a radiologist', () => {
    const subject = { siteId: 'MAIN', eligible: true, reauthenticated: true }
    expect(answer(actor('radiologist'), 'sign', subject)).toBe('allowed')
    expect(answer(actor('radiologist'), 'sign', { ...subject, reauthenticated: false })).toBe(
      'reauthentication-required',
    )
    expect(answer(actor('radiologist'), 'sign', { ...subject, eligible: false })).toBe('not-eligible')
    expect(answer(actor('resident'), 'sign', everything)).toBe('forbidden')
  })

  test('retracts with a reason, a password and a second radiologist who is somebody else', () => {
    const me = actor('radiologist')
    const subject = { siteId: 'MAIN', reason: 'wrong patient', reauthenticated: true }
    expect(answer(me, 'retract', { ...subject, reason: ' ' })).toBe('reason-required')
    expect(answer(me, 'retract', subject)).toBe('second-person-required')
    expect(answer(me, 'retract', { ...subject, secondPerson: me })).toBe('second-person-required')
    expect(answer(me, 'retract', { ...subject, secondPerson: actor('lead') })).toBe('second-person-required')
    expect(
      answer(me, 'retract', {
        ...subject,
        secondPerson: actor('radiologist', { id: 'r2', sites: ['WEST'] }),
      }),
    ).toBe('second-person-required')
    expect(answer(me, 'retract', { ...subject, secondPerson: actor('radiologist', { id: 'r2' }) })).toBe(
      'allowed',
    )
  })

  test('amends an own report without a reason and another’s with one', () => {
    const me = actor('radiologist')
    const subject = { siteId: 'MAIN', eligible: true, reauthenticated: true }
    expect(answer(me, 'addendum', { ...subject, ownerId: me.id })).toBe('allowed')
    expect(answer(me, 'addendum', { ...subject, ownerId: 'r2' })).toBe('reason-required')
  })

  test('begins despite another wristband only where policy lets two people say so', () => {
    const subject = {
      siteId: 'MAIN',
      reason: 'band unreadable',
      secondPerson: actor('technologist', { id: 't2' }),
    }
    expect(answer(actor('technologist'), 'begin-despite-mismatch', subject)).toBe('identity-mismatch')
    expect(
      answer(actor('technologist'), 'begin-despite-mismatch', { ...subject, mismatchAllowed: true }),
    ).toBe('allowed')
    expect(answer(actor('radiologist'), 'begin-despite-mismatch', everything)).toBe('forbidden')
  })

  test('never approves a policy of their own', () => {
    const head = actor('head')
    expect(answer(head, 'approve-policy', { authorId: head.id, reauthenticated: true })).toBe('forbidden')
    expect(answer(head, 'approve-policy', { authorId: 'admin-1', reauthenticated: true })).toBe('allowed')
  })

  test('with two roles may what either may', () => {
    const both = actor('technologist', { roles: ['technologist', 'lead'] })
    expect(
      answer(both, 'move-images', { siteId: 'MAIN', reason: 'wrong patient', ownRoomToday: false }),
    ).toBe('allowed')
  })
})

test('the refusal thrown names the verb and the actor and nothing else', () => {
  expect(() => mustBeAble(actor('admin'), 'sign')).toThrowError(
    expect.objectContaining({ code: 'forbidden', refs: { verb: 'sign', actorId: 'admin-1' } }),
  )
})

describe('a list', () => {
  test('shows a person’s sites, a referrer’s patients, and to a role that may not see nothing', () => {
    expect(scopeOf(actor('radiologist'), 'see-order')).toEqual({ scope: 'sites', siteIds: ['MAIN'] })
    expect(scopeOf(actor('integration', { sites: ['*'] }), 'see-order')).toEqual({ scope: 'all' })
    expect(scopeOf(actor('referrer'), 'see-order')).toEqual({ scope: 'own', ownerId: 'referrer-1' })
    expect(scopeOf(actor('admin'), 'see-report')).toEqual({ scope: 'none' })
  })

  test('shows nobody a row that the same person may not open', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ROLES),
        fc.constantFrom('MAIN', 'WEST'),
        fc.constantFrom('see-order', 'see-report', 'see-images'),
        (role, siteId, verb) => {
          const scope = scopeOf(actor(role), verb as Verb)
          const listed = scope.scope === 'all' || (scope.scope === 'sites' && scope.siteIds.includes(siteId))
          if (listed) expect(answer(actor(role), verb as Verb, { siteId })).toBe('allowed')
        },
      ),
    )
  })
})

describe('an audience', () => {
  test('of one person widens when the time has come', () => {
    const circle = audience(['resident'], {
      userId: 'resident-1',
      widensAt: minute(240),
      widensTo: ['radiologist'],
    })
    expect(inAudience(actor('resident'), circle, minute(0))).toBe(true)
    expect(inAudience(actor('resident', { id: 'resident-2' }), circle, minute(0))).toBe(false)
    expect(inAudience(actor('radiologist'), circle, minute(239))).toBe(false)
    expect(inAudience(actor('radiologist'), circle, minute(240))).toBe(true)
  })

  test('never holds the author of what is to be checked', () => {
    const circle = audience(['radiologist'], {
      exceptUserId: 'radiologist-1',
      widensAt: minute(0),
      widensTo: ['radiologist'],
    })
    expect(inAudience(actor('radiologist'), circle, minute(1))).toBe(false)
  })
})

test('a credential says where and until when, or everywhere and always', () => {
  expect(parseCredential('reading@MAIN/2027-06-30')).toEqual({
    name: 'reading',
    site: 'MAIN',
    validUntil: '2027-06-30',
  })
  expect(parseCredential('mammography')).toEqual({ name: 'mammography', site: '*', validUntil: '9999-12-31' })
})
