/** A critical result is raised: its clock runs, its first contact is due, and its order and its report wait for it. */
import { type CriticalLevel, criticalDueAt } from '#domain/critical-result.ts'
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import { fireCriticalSteps, noteCritical } from './critical-ladder.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { reopenOrder } from './reopened-order.ts'

export interface NewCritical {
  /** In which its communication will be written down: a draft, a first word or a final report. */
  reportId: string
  /** In the finder's words; never in an event, a log or an address. */
  finding: string
  /** Minutes, hours or days: policy gives each its time. */
  level: CriticalLevel
  /** Left out: now. The clock runs from here. */
  foundAt?: Date
  /** `over-read`: an attending changed what the ward was told first. */
  cause?: 'finding' | 'over-read'
  /** Of a report over several orders, the one whose ward is told; left out: the order it was begun from. */
  orderId?: string
}

/**
 * Raises a critical result: its clock runs, its first contact is due, its order stays open, and its report cannot be
 * signed before somebody was told. The same words by the same finder at the same level are the one that is there, while it is open.
 * Inside another act's transaction, `raiseCritical(scope, critical)` does the same.
 * @throws RadiologyError 'forbidden', 'not-found', 'order-ended', 'check-failed' without words or found in the future
 */
export async function raiseCriticalResult(
  department: Department,
  act: Act,
  critical: NewCritical,
): Promise<{ criticalId: string }> {
  return mutate(department, act, 'raise-critical', (scope) => raiseCritical(scope, critical))
}

/** As `raiseCriticalResult`, in the transaction of the act that found it. */
export async function raiseCritical(scope: Scope, critical: NewCritical): Promise<{ criticalId: string }> {
  const { sql, act } = scope
  const { reportId, level, cause = 'finding', foundAt = act.now } = critical
  const order = await lockOrderOf(scope, critical)
  mustBeAble(act.actor, 'raise-critical', { siteId: order.siteId })
  // A word that went out and is another now is told of whatever became of the order: its release must not stand still.
  if (cause === 'finding' && ['cancelled', 'discontinued'].includes(order.phase))
    throw new RadiologyError('order-ended', { orderId: order.id })
  const finding = critical.finding.trim()
  if (finding === '') throw new RadiologyError('check-failed', { check: 'finding' })
  if (foundAt > act.now) throw new RadiologyError('check-failed', { check: 'found-at' })
  const [known] = await sql<{ id: string }[]>`
    select id from critical_results where report_id = ${reportId} and order_id = ${order.id} and state = 'open'
      and found_by = ${act.actor.id} and finding = ${finding} and cause = ${cause} and level = ${level}`
  if (known) return { criticalId: known.id }
  const criticalId = ulid()
  const policy = await policyOf(sql, order.policyVersion)
  const dueAt = criticalDueAt(foundAt, level, policy)
  await sql`
    insert into critical_results (id, order_id, report_id, site_id, finding, level, cause, found_at, found_by, raised_at,
      policy_version, due_at)
    values (${criticalId}, ${order.id}, ${reportId}, ${order.siteId}, ${finding}, ${level}, ${cause}, ${foundAt},
      ${act.actor.id}, ${act.now}, ${order.policyVersion}, ${dueAt})`
  await reopenOrder(scope, order.id)
  await noteCritical(scope, criticalId, {
    type: 'critical.raised',
    data: {
      ...{ criticalId, reportId, level, cause },
      ...{ foundAt: foundAt.toISOString(), dueAt: dueAt.toISOString() },
    },
  })
  await fireCriticalSteps(scope, order.id)
  return { criticalId }
}

interface OrderRow {
  id: string
  siteId: string
  phase: string
  policyVersion: number
}

async function lockOrderOf(scope: Scope, { reportId, orderId }: NewCritical): Promise<OrderRow> {
  const [found] = await scope.sql<{ id: string }[]>`
    select o.id from report_procedures rp join procedures p on p.id = rp.procedure_id join orders o on o.id = p.order_id
      join reports r on r.id = rp.report_id
    where rp.report_id = ${reportId} and o.id = coalesce(${orderId ?? null}, r.order_id) limit 1`
  if (!found) throw new RadiologyError('not-found', { reportId, orderId })
  await scope.lockOrder(found.id)
  const [order] = await scope.sql<OrderRow[]>`
    select id, site_id as "siteId", phase, policy_version as "policyVersion" from orders where id = ${found.id}`
  return order!
}
