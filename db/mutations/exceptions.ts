/** What somebody must mend: one open exception per kind and key, counted up when the same thing comes again. */
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import { CLOSING_REASONS, type ClosingReason, type ExceptionKind } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { completeBySubject } from './work-items.ts'

export interface NewException {
  kind: ExceptionKind
  /** What it is about: the same open (kind, key) counts up instead of doubling. */
  key: string
  reasonCode: string
  /** In words for people, without patient data. */
  reason: string
  refs?: Record<string, unknown>
  orderId?: string | null
  siteId: string
  /** How often it happened since it was last said; default once. */
  times?: number
}

// domain.md section 3, row 18: who mends which kind.
const mendedBy: Record<ExceptionKind, string[]> = {
  message: ['admin'],
  delivery: ['admin'],
  'refused-association': ['admin'],
  quarantine: ['admin'],
  conflict: ['lead'],
  identity: ['admin'],
  'unmatched-study': ['admin', 'technologist'],
}

const HOUR_MS = 3_600_000

/** Opens or counts up an exception and, when it is new, its work item of kind `mend`, in the caller's transaction. */
export async function raiseException(scope: Scope, exception: NewException): Promise<string> {
  const { sql, act } = scope
  const { kind, key, reasonCode, reason, refs = {}, orderId = null, siteId, times = 1 } = exception
  const id = ulid()
  const [row] = await sql<{ id: string }[]>`
    insert into exceptions (id, kind, key, at, last_at, times, reason_code, reason, refs, order_id, site_id, cycle)
    values (${id}, ${kind}, ${key}, ${act.now}, ${act.now}, ${times}, ${reasonCode}, ${reason},
      ${sql.json(refs as never)}, ${orderId}, ${siteId}, 1)
    on conflict (kind, key) where state = 'open'
      do update set times = exceptions.times + excluded.times, last_at = excluded.last_at
    returning id`
  if (row!.id === id) {
    await openMendItem(scope, row!.id, exception)
    if (orderId)
      scope.append(orderId, {
        type: 'exception.opened',
        data: { exceptionId: row!.id, kind, reason: reasonCode },
      })
  }
  scope.announce('exceptions', `exception:${kind}`)
  return row!.id
}

async function openMendItem(scope: Scope, exceptionId: string, exception: NewException): Promise<void> {
  const { sql, act } = scope
  const [order] = exception.orderId
    ? await sql<{ priority: string; policy_version: number }[]>`
        select priority, policy_version from orders where id = ${exception.orderId}`
    : []
  const allowanceMs = order?.priority === 'stat' ? HOUR_MS : 4 * HOUR_MS
  await sql`
    insert into work_items (id, kind, subject_type, subject_id, cycle, order_id, site_id, priority, audience, opened_at,
      due_from, due_at, allowance_ms, clock_owner, policy_version)
    values (${ulid()}, 'mend', 'exception', ${exceptionId}, 1, ${exception.orderId ?? null}, ${exception.siteId},
      ${order?.priority ?? 'routine'}, ${sql.json({ roles: mendedBy[exception.kind] })}, ${act.now}, ${act.now},
      ${new Date(act.now.getTime() + allowanceMs)}, ${allowanceMs}, 'interface',
      ${order?.policy_version ?? (await newestPolicy(sql))})`
}

async function newestPolicy(sql: Scope['sql']): Promise<number> {
  const [row] = await sql<{ version: number }[]>`select max(version) as version from policies`
  return row!.version
}

/**
 * Closes an open exception and its work item; a closed one stays closed (no effect).
 * @throws RadiologyError 'reason-required', 'not-found', of another site too; 'illegal-transition' where somebody has to
 *   say which is right
 */
export async function closeException(
  department: Department,
  act: Act,
  { exceptionId, reason }: { exceptionId: string; reason: string },
): Promise<void> {
  const known = CLOSING_REASONS.find((each) => each === reason)
  if (!known) throw new RadiologyError('reason-required', { exceptionId })
  await mutate(department, act, 'close-exception', async (scope) => {
    const [exception] = await scope.sql<{ site_id: string; reason_code: string }[]>`
      select site_id, reason_code from exceptions where id = ${exceptionId}`
    if (!exception) throw new RadiologyError('not-found', { exceptionId })
    mustBeAble(act.actor, 'see-exceptions', { siteId: exception.site_id })
    if (DECIDED.includes(exception.reason_code))
      throw new RadiologyError('illegal-transition', { exceptionId, event: 'close' })
    await closeExceptionIn(scope, exceptionId, known)
  })
}

/** Two objects under one SOP Instance UID: not mended by being looked at. */
const DECIDED = ['duplicate-instance', 'replaced-instance']

/** The same, in the caller's transaction. */
export async function closeExceptionIn(
  scope: Scope,
  exceptionId: string,
  reason: ClosingReason | null = null,
): Promise<void> {
  const { sql, act } = scope
  const [row] = await sql<{ order_id: string | null; kind: string }[]>`
    update exceptions set state = 'closed', closed_at = ${act.now}, closed_by = ${act.actor.id}, closed_reason = ${reason}
    where id = ${exceptionId} and state = 'open' returning order_id, kind`
  if (!row) return
  await completeBySubject(scope, { kind: 'mend', subjectId: exceptionId })
  if (row.order_id)
    scope.append(row.order_id, {
      type: 'exception.closed',
      data: { exceptionId, kind: row.kind, ...(reason && { reason }) },
    })
  scope.announce('exceptions')
}
