/** API tokens for programs: made once, stored as a hash, scoped to a role and sites, revocable, audited. */
import { randomBytes } from 'node:crypto'
import { ulid } from 'ulid'
import type { Role } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { type Act, mutate } from './mutate.ts'
import { hashToken } from './sessions.ts'

/** The token itself is answered once and kept nowhere. */
export async function createToken(
  department: Department,
  act: Act,
  { name, role, sites }: { name: string; role: Role; sites: string[] },
): Promise<{ id: string; token: string }> {
  const token = `iso_${randomBytes(30).toString('base64url')}`
  return mutate(department, act, 'create-token', async (scope) => {
    const id = ulid()
    await scope.sql`
      insert into api_tokens (token_hash, id, name, role, sites, created_by, created_at)
      values (${hashToken(token)}, ${id}, ${name}, ${role}, ${sites}, ${act.actor.id}, ${act.machineNow})`
    scope.audit({ subject: 'tokens', type: 'token.created', data: { tokenId: id, role, sites } })
    return { id, token }
  })
}

/** Revoked at once and for good; an unknown or revoked one: false. */
export async function revokeToken(
  department: Department,
  act: Act,
  { id }: { id: string },
): Promise<boolean> {
  return mutate(department, act, 'revoke-token', async (scope) => {
    const [row] =
      await scope.sql`update api_tokens set revoked_at = ${act.machineNow} where id = ${id} and revoked_at is null returning id`
    if (row) scope.audit({ subject: 'tokens', type: 'token.revoked', data: { tokenId: id } })
    return row !== undefined
  })
}
