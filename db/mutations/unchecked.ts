/** The quality gate's time-out: a STAT study that nobody looked at in time goes to its reader, and says that nobody did. */
import type { OrderFacts, StudyFact } from '#domain/facts.ts'
import { mayGoUnchecked } from '#domain/next-work/acquisition.ts'
import { qualityCycle } from '#domain/quality.ts'
import { dueAt } from '#domain/sla.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import type { Scope } from './mutate.ts'
import { tellOfPrior } from './prior-arrived.ts'

/**
 * Lets on what the policy lets on when its check is due, once: the check stays open, and whoever makes it may still
 * reject. Returns when the next study of the order is due.
 */
export async function letOnUnchecked(
  scope: Scope,
  facts: OrderFacts,
): Promise<{ isLetOn: boolean; nextAt: Date | null }> {
  const policy = await policyOf(scope.sql, facts.order.policyVersion)
  const waiting: Date[] = []
  let isLetOn = false
  for (const study of facts.studies.filter((each) => mayGoUnchecked(facts, each, policy))) {
    const cycle = qualityCycle(study)
    const due = await checkDue(scope, study, cycle)
    // Its check is opened by this settling: its time is known then.
    const at =
      due ??
      dueAt(
        { from: scope.act.now, allowance: policy.quality.allowance[facts.order.priority] },
        facts.calendar,
      )
    if (due === null || at > scope.act.now) waiting.push(at)
    else isLetOn = (await letOn(scope, facts, { study, cycle })) || isLetOn
  }
  const next = waiting.map((at) => at.getTime())
  return { isLetOn, nextAt: next.length === 0 ? null : new Date(Math.min(...next)) }
}

// Images may be known to be complete long after the exam: whoever checks them has the whole time from then on.
async function checkDue({ sql }: Scope, { id }: StudyFact, cycle: number): Promise<Date | null> {
  const [item] = await sql<{ due: Date | null }[]>`
    select greatest(due_at, opened_at + allowance_ms * interval '1 millisecond') as due from work_items where subject_id = ${id} and kind = 'quality' and cycle = ${cycle}
      and state in ('open', 'claimed') and blocked_by is null`
  return item?.due ?? null
}

async function letOn(
  scope: Scope,
  { order }: OrderFacts,
  { study, cycle }: { study: StudyFact; cycle: number },
): Promise<boolean> {
  const { sql, act, append, announce } = scope
  const [made] = await sql`
    insert into quality_decisions (id, study_id, order_id, cycle, verdict, unchecked, by, at)
    values (${ulid()}, ${study.id}, ${order.id}, ${cycle}, 'accepted', true, ${act.actor.id}, ${act.now})
    on conflict do nothing returning id`
  if (!made) return false
  const orders = await sql<{ order_id: string }[]>`
    select distinct order_id from study_links where study_id = ${study.id} and undone_at is null order by order_id`
  for (const { order_id } of orders) {
    append(order_id, {
      type: 'quality.accepted',
      data: { studyId: study.id, cycle, reasonCodes: [], instances: 0, repeated: false, unchecked: true },
    })
  }
  announce('list:quality')
  await tellOfPrior(scope, study.id)
  return true
}
