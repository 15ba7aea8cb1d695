/** The timed side of critical results: each contact's hour recorded once, lateness once for ever, whoever looks first. */
import {
  type CriticalLevel,
  type CriticalRung,
  criticalSteps,
  criticalStepsDue,
} from '#domain/critical-result.ts'
import { policyOf } from '../queries/policy.ts'
import { ordersOfCriticals } from '../queries/standing-criticals.ts'
import type { NewEvent, Scope } from './mutate.ts'

interface OpenCritical {
  id: string
  level: CriticalLevel
  found_at: Date
  due_at: Date
  late_at: Date | null
  policy_version: number
  recorded: CriticalRung[]
}

/**
 * Records what time has made due in the order's open critical results; returns when the next step will be.
 * Called in every settling and in every act on one, so that what is written does not depend on which came first.
 */
export async function fireCriticalSteps(scope: Scope, orderId: string): Promise<Date | null> {
  const open = await scope.sql<OpenCritical[]>`
    select id, level, found_at, due_at, late_at, policy_version,
      array(select step from critical_steps s where s.critical_id = c.id) as recorded
    from critical_results c where order_id = ${orderId} and state = 'open' order by id`
  const instants: Date[] = []
  for (const critical of open) {
    const next = await fire(scope, critical)
    if (next !== null) instants.push(next)
  }
  return instants.length === 0 ? null : new Date(Math.min(...instants.map((at) => at.getTime())))
}

async function fire(scope: Scope, critical: OpenCritical): Promise<Date | null> {
  const { sql, act } = scope
  const { id, level, found_at, due_at, late_at, recorded } = critical
  const steps = criticalSteps(found_at, level, await policyOf(sql, critical.policy_version))
  const due = criticalStepsDue(steps, recorded, act.now)
  for (const { rung, plannedAt, lateByMs } of due) {
    await sql`
      insert into critical_steps (critical_id, step, planned_at, fired_at, late_by_ms)
      values (${id}, ${rung}, ${plannedAt}, ${act.now}, ${lateByMs})`
    await tellOrders(scope, critical.id, {
      type: 'critical.escalated',
      data: { criticalId: id, level, step: rung, plannedAt: plannedAt.toISOString(), lateByMs },
    })
  }
  const isLate = late_at === null && due_at <= act.now
  if (isLate) await setLate(scope, critical)
  const ahead = steps.filter(({ rung, plannedAt }) => plannedAt > act.now && !recorded.includes(rung))
  const nextMs = Math.min(
    ...ahead.map(({ plannedAt }) => plannedAt.getTime()),
    ...(late_at === null && !isLate ? [due_at.getTime()] : []),
  )
  const next = Number.isFinite(nextMs) ? new Date(nextMs) : null
  await sql`
    update critical_results set next_step_at = ${next} where id = ${id} and next_step_at is distinct from ${next}`
  if (due.length > 0 || isLate) scope.announce('list:critical')
  return next
}

async function setLate(scope: Scope, { id, level, due_at }: OpenCritical): Promise<void> {
  await scope.sql`update critical_results set late_at = due_at where id = ${id} and late_at is null`
  await scope.sql`
    update work_items set late_at = coalesce(late_at, due_at)
    where kind = 'critical' and subject_id = ${id} and state in ('open', 'claimed')`
  await tellOrders(scope, id, {
    type: 'critical.late',
    data: { criticalId: id, level, dueAt: due_at.toISOString() },
  })
}

/** What a person did with one, on its orders' timelines, in the audit trail and on the screens that show it. */
export async function noteCritical(scope: Scope, criticalId: string, event: NewEvent): Promise<void> {
  for (const orderId of await tellOrders(scope, criticalId, event))
    scope.audit({ subject: `order:${orderId}`, type: event.type, data: event.data })
  scope.announce('list:critical')
}

/** On the timeline of the order where it was raised, and of those that its images went to. */
async function tellOrders({ sql, append }: Scope, criticalId: string, event: NewEvent): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from (${ordersOfCriticals(sql, sql`c.id = ${criticalId}`)}) o`
  for (const { id } of rows) append(id, event)
  return rows.map(({ id }) => id)
}
