/** What must be seen by somebody: deliveries, exceptions and the audit trail, newest first. */
import { type Actor, scopeOf, type Verb } from '#domain/permissions.ts'
import type { AnySql } from '../client.ts'
import { requestedBy } from './requester.ts'

export interface DeliveryRow {
  id: string
  orderId: string
  destination: string
  controlId: string
  messageType: string
  reportId: string
  /** Null: a message about the order's status. */
  reportVersion: number | null
  attempts: number
  state: string
  lastAnswer: string | null
  firstSentAt: Date | null
  acknowledgedAt: Date | null
}

/** Outbound messages of one order that the actor may see, in the order of their lanes. */
export async function deliveriesOf(sql: AnySql, actor: Actor, orderId: string): Promise<DeliveryRow[]> {
  return await sql<DeliveryRow[]>`
    select d.id, d.order_id as "orderId", d.destination_id as destination, d.control_id as "controlId",
      d.message_type as "messageType", d.report_id as "reportId", d.version as "reportVersion", d.attempts, d.state,
      d.last_answer as "lastAnswer", d.first_sent_at as "firstSentAt", d.acknowledged_at as "acknowledgedAt"
    from deliveries d join orders o on o.id = d.order_id
    where d.order_id = ${orderId} and ${siteIn(sql, actor, 'see-deliveries', 'o.site_id')} order by d.lane_position`
}

export interface ExceptionRow {
  id: string
  kind: string
  at: Date
  lastAt: Date
  times: number
  reasonCode: string
  reason: string
  refs: Record<string, unknown>
  orderId: string | null
  site: string
  state: string
}

/** Newest first; `before` continues after the last one seen. */
export async function exceptions(
  sql: AnySql,
  actor: Actor,
  {
    state,
    kind,
    before,
    limit,
  }: { state?: string; kind?: string; before?: { at: Date; id: string }; limit: number },
): Promise<ExceptionRow[]> {
  return await sql<ExceptionRow[]>`
    select id, kind, at, last_at as "lastAt", times, reason_code as "reasonCode", reason, refs, order_id as "orderId", site_id as site, state
    from exceptions where ${siteIn(sql, actor, 'see-exceptions', 'site_id')}
      and ${state ? sql`state = ${state}` : sql`true`} and ${kind ? sql`kind = ${kind}` : sql`true`}
      and ${before ? sql`(at, id) < (${before.at}, ${before.id})` : sql`true`}
    order by at desc, id desc limit ${limit}`
}

/** Everything that had or has to be mended about one order. */
export async function exceptionsOfOrder(sql: AnySql, actor: Actor, orderId: string): Promise<ExceptionRow[]> {
  return await sql<ExceptionRow[]>`
    select id, kind, at, last_at as "lastAt", times, reason_code as "reasonCode", reason, refs, order_id as "orderId", site_id as site, state
    from exceptions where order_id = ${orderId} and ${siteIn(sql, actor, 'see-exceptions', 'site_id')} order by at, id`
}

export interface AuditRow {
  id: number
  subject: string
  rev: number
  type: string
  outcome: string
  at: Date
  actor: { id: string; role: string }
  source: string
  address: string | null
  data: Record<string, unknown>
  hash: string
  previousHash: string
}

/** The trail, newest first; the caller has checked `see-audit`. */
export async function auditTrail(
  sql: AnySql,
  filter: { since?: Date; actor?: string; subject?: string; type?: string; before?: number; limit: number },
): Promise<AuditRow[]> {
  const { since, actor, subject, type, before, limit } = filter
  return await sql<AuditRow[]>`
    select id, chain as subject, chain_rev as rev, type, outcome, at, jsonb_build_object('id', actor_id, 'role', actor_role) as actor,
      source, address, data, hash, previous_hash as "previousHash"
    from audit_events
    where ${since ? sql`at >= ${since}` : sql`true`} and ${actor ? sql`actor_id = ${actor}` : sql`true`}
      and ${subject ? sql`chain = ${subject}` : sql`true`} and ${type ? sql`type = ${type}` : sql`true`}
      and ${before ? sql`id < ${before}` : sql`true`}
    order by id desc limit ${limit}`
}

function siteIn(sql: AnySql, actor: Actor, verb: Verb, column: 'o.site_id' | 'site_id') {
  const scope = scopeOf(actor, verb)
  if (scope.scope === 'all') return sql`true`
  if (scope.scope === 'own' && column === 'o.site_id') return requestedBy(sql, scope.ownerId)
  return scope.scope === 'sites' ? sql`${sql(column)} = any(${[...scope.siteIds]})` : sql`false`
}
