/** What must be done next for an order, from its facts alone: one rule, called by the workflow and by the relay. */
import type { OrderFacts } from './facts.ts'
import { acquisitionRules } from './next-work/acquisition.ts'
import { oversightRules } from './next-work/oversight.ts'
import { planningRules } from './next-work/planning.ts'
import { readingRules } from './next-work/reading.ts'
import { orderPhase } from './phase.ts'
import type { Policy } from './policy.ts'
import { dueAt } from './sla.ts'
import type { Candidate, WantedItem } from './work-item-wanted.ts'

/**
 * Every work item that should be open now. Level-triggered and idempotent: the caller opens what is wanted and
 * missing, and cancels what is open and no longer wanted. Same facts, same answer, whoever calls.
 */
export function nextWork(facts: OrderFacts, now: Date, policy: Policy): WantedItem[] {
  return candidates(facts, policy)
    .filter((candidate) => candidate.wantedFrom <= now)
    .map((candidate) => wanted(candidate, facts))
}

/** When time alone will next change what is wanted or close the order; null when only a fact can. */
export function nextLook(facts: OrderFacts, now: Date, policy: Policy): Date | null {
  const ahead = candidates(facts, policy).map((candidate) => candidate.wantedFrom)
  const closing = closesAt(facts, now, policy)
  if (closing !== null) ahead.push(closing)
  const future = ahead.filter((instant) => instant > now).map((instant) => instant.getTime())
  return future.length === 0 ? null : new Date(Math.min(...future))
}

/**
 * When the order may be closed: every procedure delivered, nothing wanted, no amendment open, the grace over since the
 * last acknowledgement. Null while something is still to do, and for an order that has ended or is closed already.
 */
export function closesAt(facts: OrderFacts, now: Date, policy: Policy): Date | null {
  if (orderPhase(facts) !== 'delivered' || nextWork(facts, now, policy).length > 0) return null
  // Closed, nobody would ask after it any more.
  if (facts.reports.some(({ amendmentOpenedAt }) => amendmentOpenedAt !== null)) return null
  return new Date(lastDelivery(facts).getTime() + policy.orderGraceMs)
}

/** An ended or closed order wants only what the world left behind: rows 15 to 18. */
function candidates(facts: OrderFacts, policy: Policy): Candidate[] {
  const over = ['cancelled', 'discontinued', 'closed'].includes(orderPhase(facts))
  const rules = over ? [oversightRules] : [planningRules, acquisitionRules, readingRules, oversightRules]
  return rules.flatMap((rule) => rule(facts, policy))
}

function wanted(
  { wantedFrom: _, allowance, dueAt: appointment, ...item }: Candidate,
  facts: OrderFacts,
): WantedItem {
  return {
    ...item,
    dueAt: appointment ?? dueAt({ from: item.dueFrom, allowance }, facts.calendar),
    allowanceMs: allowance.ms,
    business: allowance.business,
  }
}

/** The latest acknowledgement, or the latest release where nothing had to be acknowledged. */
function lastDelivery(facts: OrderFacts): Date {
  const instants = facts.reports
    .flatMap((report) => report.versions)
    .flatMap((version) => [
      version.releasedAt,
      ...version.deliveries.map((delivery) => delivery.acknowledgedAt),
    ])
    .filter((instant) => instant !== null)
    .map((instant) => instant.getTime())
  return new Date(Math.max(facts.order.receivedAt.getTime(), ...instants))
}
