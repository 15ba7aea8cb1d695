/** Who may do what to which subject: one pure function over a table; deny is the default. */
import { RadiologyError, type RefusalCode } from './errors.ts'
import { RULES, type Rule, type Verb } from './permission-table.ts'
import type { Role } from './words.ts'
import type { Audience } from './work-item-wanted.ts'

export type { Verb } from './permission-table.ts'

export type Actor = {
  /** A person, an API token, a DICOM device, or the department's own duties. */
  kind: 'user' | 'token' | 'device' | 'department'
  id: string
  roles: readonly Role[]
  /** Site ids; `'*'` for all of them. */
  sites: readonly string[]
  /** Subspecialty areas held. */
  areas: readonly string[]
  credentials: readonly Credential[]
}

/** A right to practise or a further qualification (`paediatric`, `mammography`) at a site until a local date. */
export type Credential = { name: string; site: string; validUntil: string }

/** `reading`, `reading@MAIN` or `reading@MAIN/2027-06-30`: what is left out is every site, and no end. */
export function parseCredential(text: string): Credential {
  const [nameAndSite = '', validUntil = '9999-12-31'] = text.split('/')
  const [name = '', site = '*'] = nameAndSite.split('@')
  return { name, site, validUntil }
}

/**
 * What the act is about and how it is done. What is left out counts as not given: an unknown site is nobody's,
 * a missing reason is missing.
 */
export type Subject = {
  /** Site of the subject; left out for what belongs to no site (configuration, policies). */
  siteId?: string | null
  /** Holder, author or signer of the subject, or the patient's referrer. */
  ownerId?: string | null
  /** Who proposed or chose what is now to be approved or co-signed. */
  authorId?: string | null
  /** Who may take the work item, as of `now`. */
  audience?: Audience
  now?: Date
  reason?: string | null
  /** The person gave the password again for this act. */
  reauthenticated?: boolean
  secondPerson?: Actor | null
  /** The result of `eligibility` for a reader and this case. */
  eligible?: boolean
  /** Areas of the resident's rotation hold the case. */
  withinResidentLimits?: boolean
  /** The report version shown is released. */
  released?: boolean
  patientClass?: string
  /** Own room, today: what a technologist may still put right alone. */
  ownRoomToday?: boolean
  /** No heartbeat for half the lease, or stat, or late. */
  mayBeTakenOver?: boolean
  /** Policy lets a second person confirm against the wristband. */
  mismatchAllowed?: boolean
}

export type Decision = { allowed: true } | { allowed: false; refusal: RefusalCode }

/** The best rule of the actor's roles decides; where none allows, the refusal that comes nearest is said. */
export function can(actor: Actor, verb: Verb, subject: Subject = {}): Decision {
  const mismatch = verb === 'begin-despite-mismatch' && subject.mismatchAllowed !== true
  const refusals = RULES[verb]
    .filter((rule) => rule.roles.some((role) => actor.roles.includes(role)))
    .map((rule) => refusalOf(rule, actor, verb, subject))
  if (mismatch) return { allowed: false, refusal: refusals.length > 0 ? 'identity-mismatch' : 'forbidden' }
  if (refusals.includes(null)) return { allowed: true }
  return { allowed: false, refusal: nearest(refusals) }
}

/** @throws RadiologyError with the refusal; refs carry ids only. */
export function mustBeAble(actor: Actor, verb: Verb, subject: Subject = {}): void {
  const decision = can(actor, verb, subject)
  if (!decision.allowed) throw new RadiologyError(decision.refusal, { verb, actorId: actor.id })
}

/** Which rows of a list the actor may see, as data that a query turns into a predicate. */
export type Scope =
  | { scope: 'none' }
  | { scope: 'all' }
  | { scope: 'sites'; siteIds: readonly string[] }
  /** Only what is their own: a referrer's patients. */
  | { scope: 'own'; ownerId: string }

/** The widest scope any of the actor's roles gives for a verb. */
export function scopeOf(actor: Actor, verb: Verb): Scope {
  const rules = RULES[verb].filter((rule) => rule.roles.some((role) => actor.roles.includes(role)))
  if (rules.some((rule) => !rule.needs.includes('site') && !rule.needs.includes('own')))
    return { scope: 'all' }
  if (rules.some((rule) => rule.needs.includes('site') && !rule.needs.includes('own'))) {
    return actor.sites.includes('*') ? { scope: 'all' } : { scope: 'sites', siteIds: actor.sites }
  }
  return rules.length > 0 ? { scope: 'own', ownerId: actor.id } : { scope: 'none' }
}

/** Is the actor in the circle of a work item at this moment? */
export function inAudience(actor: Actor, audience: Audience, now: Date): boolean {
  if (audience.exceptUserId === actor.id) return false
  const widened = audience.widensAt !== null && audience.widensAt <= now
  if (widened && audience.widensTo.some((role) => actor.roles.includes(role))) return true
  if (audience.userId !== null && audience.userId !== actor.id) return false
  return audience.roles.some((role) => actor.roles.includes(role))
}

function refusalOf(rule: Rule, actor: Actor, verb: Verb, subject: Subject): RefusalCode | null {
  for (const need of rule.needs) {
    const refusal = CHECKS[need](actor, subject, verb, rule)
    if (refusal !== null) return refusal
  }
  return null
}

type Check = (actor: Actor, subject: Subject, verb: Verb, rule: Rule) => RefusalCode | null

const unless = (holds: boolean, refusal: RefusalCode): RefusalCode | null => (holds ? null : refusal)

const CHECKS: Readonly<Record<Rule['needs'][number], Check>> = {
  site: (actor, { siteId }, verb) => unless(atSite(actor, siteId), hiddenAs(verb)),
  own: (actor, { ownerId }, verb) => unless(ownerId === actor.id, hiddenAs(verb)),
  'not-author': (actor, { authorId }) => unless(authorId !== undefined && authorId !== actor.id, 'forbidden'),
  released: (_actor, { released }) => unless(released === true, 'not-found'),
  emergency: (_actor, { patientClass }) => unless(patientClass === 'emergency', 'forbidden'),
  'own-room-today': (_actor, { ownRoomToday }) => unless(ownRoomToday === true, 'forbidden'),
  audience: (actor, { audience, now }) =>
    unless(audience !== undefined && now !== undefined && inAudience(actor, audience, now), 'forbidden'),
  slow: (_actor, { mayBeTakenOver }) => unless(mayBeTakenOver === true, 'already-claimed'),
  resident: (_actor, { withinResidentLimits }) => unless(withinResidentLimits === true, 'forbidden'),
  eligible: (_actor, { eligible }) => unless(eligible === true, 'not-eligible'),
  // Another's report is amended with a reason; one's own needs none.
  'reason-for-anothers': (actor, { ownerId, reason }) =>
    unless(ownerId === actor.id || isGiven(reason), 'reason-required'),
  reason: (_actor, { reason }) => unless(isGiven(reason), 'reason-required'),
  reauthentication: (_actor, { reauthenticated }) =>
    unless(reauthenticated === true, 'reauthentication-required'),
  'second-person': (actor, subject, _verb, rule) =>
    unless(confirms(actor, subject, rule.secondRoles ?? rule.roles), 'second-person-required'),
}

function atSite(actor: Actor, siteId: string | null | undefined): boolean {
  if (siteId === undefined || siteId === null) return false
  return actor.sites.includes('*') || actor.sites.includes(siteId)
}

/** What may not be seen does not exist: the edge answers 404 and audits the denial. */
function hiddenAs(verb: Verb): RefusalCode {
  return verb.startsWith('see-') || verb.startsWith('view-') ? 'not-found' : 'forbidden'
}

function isGiven(reason: string | null | undefined): boolean {
  return typeof reason === 'string' && reason.trim() !== ''
}

/** Somebody else, with the same right at the same site. */
function confirms(actor: Actor, { secondPerson, siteId }: Subject, roles: readonly Role[]): boolean {
  if (secondPerson === undefined || secondPerson === null || secondPerson.id === actor.id) return false
  const right = roles.some((role) => secondPerson.roles.includes(role))
  return right && (siteId === undefined || siteId === null || atSite(secondPerson, siteId))
}

/** From "you may not" to "you may, but": the later the entry, the nearer the actor came. */
const NEARNESS: readonly RefusalCode[] = [
  'forbidden',
  'not-found',
  'already-claimed',
  'not-eligible',
  'reason-required',
  'reauthentication-required',
  'second-person-required',
]

function nearest(refusals: readonly (RefusalCode | null)[]): RefusalCode {
  return refusals.reduce<RefusalCode>(
    (best, one) => (one !== null && NEARNESS.indexOf(one) > NEARNESS.indexOf(best) ? one : best),
    'forbidden',
  )
}
