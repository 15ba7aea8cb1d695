/** One rule, two callers: decides completeness, releases what is due, and opens the work that the facts call for. */
import { RadiologyError } from '#domain/errors.ts'
import type { OrderFacts } from '#domain/facts.ts'
import { closesAt, nextLook, nextWork } from '#domain/next-work.ts'
import { orderPhase } from '#domain/phase.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import type { Phase } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { loadOrderFacts } from '../queries/order-facts.ts'
import { policyOf } from '../queries/policy.ts'
import { ordersOfCriticals } from '../queries/standing-criticals.ts'
import { decideCompleteness } from './completeness.ts'
import { fireCriticalSteps } from './critical-ladder.ts'
import { noticeUntold } from './critical-notices.ts'
import { nextEscalation } from './escalations.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { endPauses } from './pauses.ts'
import { releaseDue } from './release.ts'
import { openOwedAddenda } from './told-addendum.ts'
import { letOnUnchecked } from './unchecked.ts'
import { openAndCancel } from './wanted-work.ts'

export interface Settled {
  phase: Phase
  rev: number
  /** Department instant at which time alone may change something; null: only a fact can. */
  wakeAt: Date | null
  /** Cancelled, discontinued or closed: nothing more to wait for. */
  ended: boolean
  /** Deliveries not yet acknowledged: whose lanes must run. */
  lanes: { destinationId: string; patientId: string }[]
  closesAt: Date | null
}

/**
 * Brings an order's duties in line with its facts. Level-triggered: applied twice is applied once.
 * @throws RadiologyError 'not-found'
 */
export async function settleOrder(
  department: Department,
  act: Act,
  { orderId }: { orderId: string },
): Promise<Settled> {
  return mutate(department, act, 'settle-order', async (scope) => {
    await lockWithReports(scope, orderId)
    const recheckAt = await decideCompleteness(scope, orderId)
    const noShowAt = await markNoShows(scope, orderId)
    const releaseAt = await releaseDue(scope, orderId)
    const contactAt = await fireCriticalSteps(scope, orderId)
    await openOwedAddenda(scope, orderId)
    const { facts, letOnAt } = await checkedFacts(scope, orderId)
    const policy = await policyOf(scope.sql, facts.order.policyVersion)
    await openAndCancel(scope, facts, nextWork(facts, act.now, policy))
    await noticeUntold(scope, orderId)
    const pauseEndsAt = await endPauses(scope, orderId)
    const closing = closesAt(facts, act.now, policy)
    const escalateAt = await nextEscalation(scope.sql, facts, policy)
    const wakeAt = earliest([
      recheckAt,
      noShowAt,
      releaseAt,
      letOnAt,
      pauseEndsAt,
      contactAt,
      nextLook(facts, act.now, policy),
      escalateAt,
      closing,
    ])
    return { ...(await standing(scope, facts)), wakeAt, closesAt: closing }
  })
}

/** The facts after what the clock lets on unchecked; and when it next may. */
async function checkedFacts(
  scope: Scope,
  orderId: string,
): Promise<{ facts: OrderFacts; letOnAt: Date | null }> {
  const facts = await loadOrderFacts(scope.sql, orderId)
  if (!facts) throw new RadiologyError('not-found', { orderId })
  const { isLetOn, nextAt } = await letOnUnchecked(scope, facts)
  const now = isLetOn ? await loadOrderFacts(scope.sql, orderId) : facts
  return { facts: now!, letOnAt: nextAt }
}

// What is released here tells every order of its report, a verdict every order of its study, and an open critical result
// those that its images went to: all of them are locked, in id order as in every act on it.
async function lockWithReports({ sql }: Scope, orderId: string): Promise<void> {
  await sql`
    select id from orders where id in (select ${orderId} union select other.order_id from procedures p
      join report_procedures own on own.procedure_id = p.id join report_procedures rp on rp.report_id = own.report_id
      join procedures other on other.id = rp.procedure_id where p.order_id = ${orderId}
      union select other.order_id from study_links own join study_links other on other.study_id = own.study_id
      where own.order_id = ${orderId} and own.undone_at is null and other.undone_at is null
      union ${ordersOfCriticals(sql, sql`c.order_id = ${orderId} and c.state = 'open'`)}) order by id for update`
}

async function standing(scope: Scope, facts: OrderFacts): Promise<Omit<Settled, 'wakeAt' | 'closesAt'>> {
  const orderId = facts.order.id
  const [row] = await scope.sql<{ rev: number }[]>`
    update orders set settled_rev = rev + ${scope.appended(orderId)} where id = ${orderId} returning settled_rev as rev`
  const lanes = await scope.sql<{ destinationId: string; patientId: string }[]>`
    select distinct destination_id as "destinationId", patient_id as "patientId" from deliveries
    where order_id = ${orderId} and state <> 'acknowledged'`
  const phase = orderPhase(facts)
  return {
    phase,
    rev: row!.rev,
    ended: ['cancelled', 'discontinued', 'closed'].includes(phase),
    lanes: [...lanes],
  }
}

// Section 2.2: slot start + 30 min. A slot booked after it began gives the patient the same half hour.
async function markNoShows(scope: Scope, orderId: string): Promise<Date | null> {
  const { sql, act } = scope
  const graceMs = POLICY_VERSION_1.noShow.afterSlotStartMs
  const waiting = await sql<{ id: string; room_id: string | null; until: Date }[]>`
    select id, room_id, greatest(planned_start, booked_at) + ${graceMs} * interval '1 millisecond' as until
    from steps where order_id = ${orderId} and status = 'scheduled' and planned_start is not null`
  for (const { id, room_id } of waiting.filter((step) => step.until <= act.now)) {
    await sql`
      update steps set status = 'no-show', no_shows = no_shows + 1, no_show_at = ${act.now} where id = ${id}`
    scope.append(orderId, { type: 'step.no-show', data: { stepId: id, roomId: room_id } })
  }
  return earliest(waiting.map((step) => step.until).filter((until) => until > act.now))
}

/** Closes a delivered order whose grace is over and whose work is done; otherwise no effect. */
export async function closeOrder(
  department: Department,
  act: Act,
  { orderId }: { orderId: string },
): Promise<{ closed: boolean }> {
  return mutate(department, act, 'close-order', async (scope) => {
    await scope.lockOrder(orderId)
    const facts = await loadOrderFacts(scope.sql, orderId)
    if (!facts) throw new RadiologyError('not-found', { orderId })
    const at = closesAt(facts, act.now, await policyOf(scope.sql, facts.order.policyVersion))
    if (at === null || at > act.now) return { closed: false }
    await scope.sql`update orders set closed_at = ${act.now} where id = ${orderId} and closed_at is null`
    scope.append(orderId, { type: 'order.closed', data: {} })
    return { closed: true }
  })
}

function earliest(instants: (Date | null)[]): Date | null {
  const known = instants.filter((instant): instant is Date => instant !== null)
  return known.length === 0 ? null : new Date(Math.min(...known.map((instant) => instant.getTime())))
}
