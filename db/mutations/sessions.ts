/** Signing in and out, sessions and re-authentication; every one of them is audited. */
import { createHash, randomBytes } from 'node:crypto'
import { RadiologyError } from '#domain/errors.ts'
import type { Actor, Credential } from '#domain/permissions.ts'
import type { Role } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { passwordMatches } from '../password.ts'
import { ulid } from '../ulid.ts'
import { departmentActor } from './act.ts'
import { audit } from './audit.ts'

const SESSION_MS = 12 * 3_600_000
const IDLE_MS = 2 * 3_600_000
/** Being used is written down once a minute, not with every request. */
const NOTED_FOR_MS = 60_000
const FREE_TRIES = 5
const LONGEST_WAIT_S = 300

export interface SignedInUser {
  id: string
  userName: string
  name: string
  roles: Role[]
  sites: string[]
  areas: string[]
  settings: Record<string, unknown>
  sessionId: string
  actor: Actor
}

interface UserRow {
  id: string
  user_name: string
  name: string
  password_hash: string
  roles: Role[]
  sites: string[]
  areas: string[]
  credentials: Credential[]
  settings: Record<string, unknown>
  enabled: boolean
  failed_sign_ins: number
  locked_until: Date | null
}

export type SignInResult =
  | { ok: true; token: string; user: SignedInUser }
  /** The same answer for an unknown user and a wrong password; after five tries with a wait. */
  | { ok: false; waitSeconds: number }

/** Checks name and password and opens a session; the token is returned once and stored only as its hash. */
export async function signIn(
  department: Department,
  { userName, password, address }: { userName: string; password: string; address: string },
): Promise<SignInResult> {
  const { sql } = department
  const now = new Date()
  const [row] = await sql<UserRow[]>`select * from users where user_name = ${userName} and enabled`
  const waitSeconds = row?.locked_until ? Math.ceil((row.locked_until.getTime() - now.getTime()) / 1000) : 0
  if (waitSeconds > 0) return { ok: false, waitSeconds }
  // An unknown user costs as much time as a known one, so that names cannot be told apart.
  const matches = await passwordMatches(password, row?.password_hash ?? unknownUserHash)
  if (!row || !matches)
    return { ok: false, waitSeconds: await noteFailure(department, { row, now, address }) }
  await sql`update users set failed_sign_ins = 0, locked_until = null where id = ${row.id}`
  const { token, sessionId } = await openSession(department, row.id, now)
  const user = signedIn(row, sessionId)
  await audit(
    department,
    { actor: user.actor, source: 'app', machineNow: now, address },
    { subject: `user:${row.id}`, type: 'session.opened', data: { sessionId } },
  )
  return { ok: true, token, user }
}

const unknownUserHash =
  '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

async function noteFailure(
  department: Department,
  { row, now, address }: { row: UserRow | undefined; now: Date; address: string },
): Promise<number> {
  const waitSeconds =
    row && row.failed_sign_ins + 1 >= FREE_TRIES
      ? Math.min(LONGEST_WAIT_S, 2 ** (row.failed_sign_ins + 1 - FREE_TRIES) * 5)
      : 0
  if (row) {
    await department.sql`
      update users set failed_sign_ins = failed_sign_ins + 1,
        locked_until = ${waitSeconds > 0 ? new Date(now.getTime() + waitSeconds * 1000) : null}
      where id = ${row.id}`
  }
  await audit(
    department,
    { actor: departmentActor, source: 'app', machineNow: now, address },
    { subject: row ? `user:${row.id}` : 'user:unknown', type: 'session.refused', outcome: 'failure' },
  )
  return waitSeconds
}

async function openSession(
  { sql }: Department,
  userId: string,
  now: Date,
): Promise<{ token: string; sessionId: string }> {
  const token = randomBytes(32).toString('base64url')
  const sessionId = ulid()
  await sql`
    insert into sessions (token_hash, id, user_id, created_at, last_seen_at, expires_at)
    values (${hashToken(token)}, ${sessionId}, ${userId}, ${now}, ${now}, ${new Date(now.getTime() + SESSION_MS)})`
  return { token, sessionId }
}

/** The user behind a session cookie, or null when the session ended, expired or was idle for two hours. */
export async function sessionUser(department: Department, token: string): Promise<SignedInUser | null> {
  return (await sessionUsers(department, [token])).get(token) ?? null
}

/** The same for several cookies in one read, by cookie. */
export async function sessionUsers(
  { sql }: Department,
  tokens: readonly string[],
): Promise<Map<string, SignedInUser>> {
  const now = new Date()
  const hashes = tokens.map(hashToken)
  const rows = await sql<(UserRow & { session_id: string; token_hash: string; last_seen_at: Date })[]>`
    select u.*, s.id as session_id, s.token_hash, s.last_seen_at from sessions s join users u on u.id = s.user_id
    where s.token_hash = any(${hashes}) and s.ended_at is null and s.expires_at > ${now}
      and s.last_seen_at > ${new Date(now.getTime() - IDLE_MS)} and u.enabled`
  const unnoted = rows.filter((row) => now.getTime() - row.last_seen_at.getTime() > NOTED_FOR_MS)
  if (unnoted.length > 0)
    await sql`update sessions set last_seen_at = ${now} where id = any(${unnoted.map((row) => row.session_id)})`
  return new Map(rows.map((row) => [tokens[hashes.indexOf(row.token_hash)]!, signedIn(row, row.session_id)]))
}

export async function signOut(department: Department, token: string): Promise<void> {
  const now = new Date()
  const [row] = await department.sql<{ id: string; user_id: string }[]>`
    update sessions set ended_at = ${now} where token_hash = ${hashToken(token)} and ended_at is null returning id, user_id`
  if (!row) return
  await department.sql`update launches set ended_at = ${now} where session_id = ${row.id} and ended_at is null`
  await audit(
    department,
    { actor: { ...departmentActor, id: row.user_id }, source: 'app', machineNow: now },
    { subject: `user:${row.user_id}`, type: 'session.closed', data: { sessionId: row.id } },
  )
}

/**
 * Proves again who signs: true when the password is the user's own. Failures count as failed sign-ins.
 * @throws RadiologyError 'reauthentication-required' while the account waits after failures
 */
export async function reauthenticate(
  department: Department,
  { userId, password }: { userId: string; password: string },
): Promise<boolean> {
  const [row] = await department.sql<UserRow[]>`select * from users where id = ${userId} and enabled`
  const now = new Date()
  if (!row || (row.locked_until && row.locked_until > now))
    throw new RadiologyError('reauthentication-required', { userId })
  if (await passwordMatches(password, row.password_hash)) {
    await department.sql`update users set failed_sign_ins = 0 where id = ${userId}`
    return true
  }
  await noteFailure(department, { row, now, address: '' })
  return false
}

/** The actor behind HTTP Basic with a local account (programs only), or null. */
export async function basicActor(
  department: Department,
  { userName, password }: { userName: string; password: string },
): Promise<Actor | null> {
  const [row] = await department.sql<UserRow[]>`select * from users where user_name = ${userName} and enabled`
  const now = new Date()
  if (row?.locked_until && row.locked_until > now) return null
  if (!(await passwordMatches(password, row?.password_hash ?? unknownUserHash)) || !row) {
    if (row) await noteFailure(department, { row, now, address: '' })
    return null
  }
  return actorOf(row)
}

/** The actor behind a bearer token, or null when it is unknown or revoked. */
export async function tokenActor(department: Department, token: string): Promise<Actor | null> {
  return (await tokenActors(department, [token])).get(token) ?? null
}

interface TokenRow {
  id: string
  token_hash: string
  role: Role
  sites: string[]
  last_used_at: Date | null
}

/** The same for several tokens in one read, by token. */
export async function tokenActors(
  { sql }: Department,
  tokens: readonly string[],
): Promise<Map<string, Actor>> {
  const now = new Date()
  const hashes = tokens.map(hashToken)
  const rows = await sql<TokenRow[]>`
    select id, token_hash, role, sites, last_used_at from api_tokens
    where token_hash = any(${hashes}) and revoked_at is null`
  const unnoted = rows.filter((row) => now.getTime() - (row.last_used_at?.getTime() ?? 0) > NOTED_FOR_MS)
  if (unnoted.length > 0)
    await sql`update api_tokens set last_used_at = ${now} where id = any(${unnoted.map((row) => row.id)})`
  return new Map(rows.map((row) => [tokens[hashes.indexOf(row.token_hash)]!, actorOfToken(row)]))
}

function actorOfToken({ id, role, sites }: TokenRow): Actor {
  return { kind: 'token', id, roles: [role], sites, areas: [], credentials: [] }
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function signedIn(row: UserRow, sessionId: string): SignedInUser {
  const { id, user_name, name, roles, sites, areas, settings } = row
  return { id, userName: user_name, name, roles, sites, areas, settings, sessionId, actor: actorOf(row) }
}

function actorOf({ id, roles, sites, areas, credentials }: UserRow): Actor {
  return { kind: 'user', id, roles, sites, areas, credentials }
}
