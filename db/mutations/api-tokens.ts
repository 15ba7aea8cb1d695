/** API tokens for programs: made once, stored as a hash, scoped to a role and sites, revocable, audited. */
import { randomBytes } from 'node:crypto'
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Role } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { hashToken } from './sessions.ts'

/** Devices sign in by AE title, and the department's own duties don't come in by a wire. */
export const TOKEN_ROLES = [
  'integration',
  'machine',
  'admin',
  'head',
  'lead',
  'physicist',
  'radiologist',
  'resident',
  'technologist',
  'scheduler',
] as const satisfies readonly Role[]
export type TokenRole = (typeof TOKEN_ROLES)[number]

interface NewToken {
  name: string
  role: TokenRole
  /** Site ids, or `*` for all of them and those to come. */
  sites: string[]
  reauthenticated: boolean
}

/**
 * The token itself is answered once and kept nowhere. A name stands for one token that is in force: whoever never saw
 * the words of one, since its making was cut off, finds it by name and revokes it instead of making a second.
 * @throws RadiologyError 'forbidden' for a site that the maker doesn't have; 'invalid-message' for one that isn't there
 *   or a name that is taken
 */
export async function createToken(
  department: Department,
  act: Act,
  { name, role, sites, reauthenticated }: NewToken,
): Promise<{ id: string; token: string }> {
  mustBeAble(act.actor, 'configure-people', { reauthenticated })
  const token = `iso_${randomBytes(30).toString('base64url')}`
  return mutate(department, act, 'create-token', async (scope) => {
    await mustBeSitesOf(scope, sites)
    await mustBeFree(scope, name)
    const id = ulid()
    await scope.sql`
      insert into api_tokens (token_hash, id, name, role, sites, created_by, created_at)
      values (${hashToken(token)}, ${id}, ${name}, ${role}, ${sites}, ${act.actor.id}, ${act.machineNow})`
    scope.audit({ subject: 'tokens', type: 'token.created', data: { tokenId: id, role, sites } })
    return { id, token }
  })
}

async function mustBeFree({ sql }: Scope, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 4))`
  const [taken] = await sql`select 1 from api_tokens where name = ${name} and revoked_at is null`
  if (taken)
    throw new RadiologyError('invalid-message', { problem: 'there is a token of that name: revoke it first' })
}

async function mustBeSitesOf({ sql, act }: Scope, sites: string[]): Promise<void> {
  if (sites.length === 0) throw new RadiologyError('invalid-message', { problem: 'a token without a site' })
  const known = await sql<{ id: string }[]>`select id from sites`
  const there = new Set(['*', ...known.map(({ id }) => id)])
  const missing = sites.find((site) => !there.has(site))
  if (missing) throw new RadiologyError('invalid-message', { problem: `there is no site ${missing}` })
  const has = (site: string) => act.actor.sites.includes('*') || act.actor.sites.includes(site)
  if (!sites.every(has))
    throw new RadiologyError('forbidden', { verb: 'configure-people', actorId: act.actor.id })
}

/** Revoked at once and for good; an unknown or revoked one: false. */
export async function revokeToken(
  department: Department,
  act: Act,
  { id, reauthenticated }: { id: string; reauthenticated: boolean },
): Promise<boolean> {
  mustBeAble(act.actor, 'configure-people', { reauthenticated })
  return mutate(department, act, 'revoke-token', async (scope) => {
    const [row] =
      await scope.sql`update api_tokens set revoked_at = ${act.machineNow} where id = ${id} and revoked_at is null returning id`
    if (row) scope.audit({ subject: 'tokens', type: 'token.revoked', data: { tokenId: id } })
    return row !== undefined
  })
}
