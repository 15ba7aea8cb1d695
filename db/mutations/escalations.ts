/** The escalation ladder of late reading and of checks that nobody makes: each step recorded once, with how late its timer was. */
import type { OrderFacts } from '#domain/facts.ts'
import type { LadderRung, Policy } from '#domain/policy.ts'
import { ladderSteps, nextStepAt, stepsDue } from '#domain/sla.ts'
import type { Priority } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import type { Department } from '../department.ts'
import { loadOrderFacts } from '../queries/order-facts.ts'
import { policyOf } from '../queries/policy.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { noticeRung } from './notices.ts'

interface LadderItem {
  id: string
  kind: string
  priority: Priority
  due_from: Date
  due_at: Date
  allowance_ms: number
  business: boolean
  late_at: Date | null
  finished_at: Date | null
  recorded: LadderRung[]
  pauses: { from: string; to: string }[]
}

async function ladderItems(sql: AnySql, orderId: string): Promise<LadderItem[]> {
  const kinds = ['read', 'sign', 'over-read', 'sent-back', ...(await checksEscalate(sql, orderId))]
  return await sql<LadderItem[]>`
    select w.id, w.kind, w.priority, w.due_from, w.due_at, w.allowance_ms, w.business, w.late_at,
      case when w.state in ('completed', 'cancelled') then w.completed_at end as finished_at,
      array(select step from escalations e where e.item_id = w.id) as recorded,
      -- An open pause is taken to last as long as it may; whoever ends it sooner has the ladder laid out anew.
      coalesce((select jsonb_agg(jsonb_build_object('from', x.from_at, 'to', coalesce(x.to_at, x.limit_at)))
        from pauses x where x.item_id = w.id), '[]') as pauses
    from work_items w where w.order_id = ${orderId} and w.kind = any(${kinds}) and w.due_at is not null`
}

/** A check that nobody makes in time climbs as well, where the clock does not let its images on. */
async function checksEscalate(sql: AnySql, orderId: string): Promise<string[]> {
  const [order] = await sql<{ priority: Priority; policy_version: number }[]>`
    select priority, policy_version from orders where id = ${orderId}`
  if (!order) return []
  const { quality } = await policyOf(sql, order.policy_version)
  return quality.onTimeout[order.priority] === 'escalate' ? ['quality'] : []
}

function laddersOf(item: LadderItem, facts: OrderFacts, policy: Policy) {
  const allowance = { ms: item.allowance_ms, business: item.business }
  const pauses = item.pauses.map(({ from, to }) => ({ from: new Date(from), to: new Date(to) }))
  return ladderSteps(
    { priority: item.priority, from: item.due_from, allowance, pauses },
    facts.calendar,
    policy,
  )
}

/** When the next unrecorded step of an unfinished item is due. */
export async function nextEscalation(sql: AnySql, facts: OrderFacts, policy: Policy): Promise<Date | null> {
  const instants = (await ladderItems(sql, facts.order.id))
    .filter((item) => item.finished_at === null)
    .map((item) => nextStepAt(laddersOf(item, facts, policy), item.recorded))
    .filter((at): at is Date => at !== null)
  return instants.length === 0 ? null : new Date(Math.min(...instants.map((at) => at.getTime())))
}

/** Records every step that is due by now, in order, each once; writes `late_at` once for ever. */
export async function escalateDue(
  department: Department,
  act: Act,
  { orderId }: { orderId: string },
): Promise<{ fired: number; nextAt: Date | null }> {
  return mutate(department, act, 'escalate', async (scope) => {
    await scope.lockOrder(orderId)
    const facts = await loadOrderFacts(scope.sql, orderId)
    if (!facts) return { fired: 0, nextAt: null }
    const policy = await policyOf(scope.sql, facts.order.policyVersion)
    let fired = 0
    for (const item of await ladderItems(scope.sql, orderId))
      fired += await fire(scope, { orderId, item, facts, policy })
    return { fired, nextAt: await nextEscalation(scope.sql, facts, policy) }
  })
}

interface Firing {
  orderId: string
  item: LadderItem
  facts: OrderFacts
  policy: Policy
}

async function fire(scope: Scope, { orderId, item, facts, policy }: Firing): Promise<number> {
  const { sql, act } = scope
  const due = stepsDue(
    laddersOf(item, facts, policy),
    { recorded: item.recorded, finishedAt: item.finished_at },
    act.now,
  )
  for (const step of due) {
    const inserted = await sql`
      insert into escalations (item_id, step, planned_at, fired_at, late_by_ms, overtaken)
      values (${item.id}, ${step.rung}, ${step.plannedAt}, ${act.now}, ${step.lateByMs}, ${step.outcome === 'overtaken'})
      on conflict do nothing returning item_id`
    if (inserted.length === 0) continue
    scope.append(orderId, {
      type: step.outcome === 'fired' ? 'escalation.fired' : 'escalation.overtaken',
      data: {
        itemId: item.id,
        kind: item.kind,
        step: step.rung,
        plannedAt: step.plannedAt.toISOString(),
        lateByMs: step.lateByMs,
      },
    })
    if (step.outcome === 'fired')
      await noticeRung(scope, { itemId: item.id, rung: step.rung, lateByMs: step.lateByMs })
    // "Reassign" drops the assignment and opens spill; it never breaks a lease.
    if (step.rung === 'reassign') await sql`update work_items set assigned_to = null where id = ${item.id}`
  }
  if (item.finished_at === null && item.due_at <= act.now) {
    await sql`update work_items set late_at = coalesce(late_at, due_at) where id = ${item.id}`
  }
  if (due.length > 0) scope.announce(`list:${item.kind}`)
  return due.length
}
