/** One rule, two callers: decides completeness, releases what is due, and opens the work that the facts call for. */
import { RadiologyError } from '#domain/errors.ts'
import type { OrderFacts } from '#domain/facts.ts'
import { closesAt, nextLook, nextWork } from '#domain/next-work.ts'
import { orderPhase } from '#domain/phase.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import type { Phase } from '#domain/words.ts'
import { itemKey, type WantedItem } from '#domain/work-item-wanted.ts'
import type { Department } from '../department.ts'
import { loadOrderFacts } from '../queries/order-facts.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import { decideCompleteness } from './completeness.ts'
import { fireCriticalSteps } from './critical-ladder.ts'
import { nextEscalation } from './escalations.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { endPauses } from './pauses.ts'
import { releaseDue } from './release.ts'
import { openOwedAddenda } from './told-addendum.ts'
import { cancelItem, type ItemRow } from './work-items.ts'

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
    const facts = await loadOrderFacts(scope.sql, orderId)
    if (!facts) throw new RadiologyError('not-found', { orderId })
    const policy = await policyOf(scope.sql, facts.order.policyVersion)
    await openAndCancel(scope, facts, nextWork(facts, act.now, policy))
    const pauseEndsAt = await endPauses(scope, orderId)
    const closing = closesAt(facts, act.now, policy)
    const escalateAt = await nextEscalation(scope.sql, facts, policy)
    const wakeAt = earliest([
      recheckAt,
      noShowAt,
      releaseAt,
      pauseEndsAt,
      contactAt,
      nextLook(facts, act.now, policy),
      escalateAt,
      closing,
    ])
    return { ...(await standing(scope, facts)), wakeAt, closesAt: closing }
  })
}

// What is released here tells every order of its report: all of them are locked, in id order as in every act on it.
async function lockWithReports({ sql }: Scope, orderId: string): Promise<void> {
  await sql`
    select id from orders where id in (select ${orderId} union select other.order_id from procedures p
      join report_procedures own on own.procedure_id = p.id join report_procedures rp on rp.report_id = own.report_id
      join procedures other on other.id = rp.procedure_id where p.order_id = ${orderId}) order by id for update`
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

async function openAndCancel(scope: Scope, facts: OrderFacts, wanted: WantedItem[]): Promise<void> {
  const orderId = facts.order.id
  const live = await scope.sql<(ItemRow & { blocked_by: string | null })[]>`
    select * from work_items where order_id = ${orderId} and state in ('open', 'claimed')`
  const keys = new Set(wanted.map(itemKey))
  for (const item of live) {
    const key = `${item.subject_type}/${item.subject_id}/${item.kind}/${item.cycle}`
    if (!keys.has(key)) await close(scope, facts, item)
  }
  for (const item of wanted) await open(scope, facts, item)
}

async function open(scope: Scope, facts: OrderFacts, item: WantedItem): Promise<void> {
  const { sql, act } = scope
  const { order } = facts
  const place = await placeOf(scope, order.id, item)
  const inserted = await sql<{ id: string }[]>`
    insert into work_items (id, kind, subject_type, subject_id, cycle, order_id, site_id, priority, area, modality, room_id,
      audience, opened_at, due_from, due_at, allowance_ms, business, clock_owner, policy_version, blocked_by)
    values (${ulid()}, ${item.kind}, ${item.subjectType}, ${item.subjectId}, ${item.cycle}, ${order.id}, ${order.siteId},
      ${order.priority}, ${item.audience.area}, ${place.modality}, ${item.audience.roomId}, ${sql.json(item.audience as never)},
      ${act.now}, ${item.dueFrom}, ${item.dueAt}, ${item.allowanceMs}, ${item.business}, ${item.owner},
      ${order.policyVersion}, ${item.blockedBy})
    on conflict (subject_type, subject_id, kind, cycle) do nothing returning id`
  if (inserted.length === 0) return adjust(scope, order.id, item)
  scope.append(order.id, {
    type: 'work-item.opened',
    data: {
      itemId: inserted[0]!.id,
      kind: item.kind,
      cycle: item.cycle,
      dueAt: item.dueAt.toISOString(),
      owner: item.owner,
    },
  })
  scope.announce(`list:${item.kind}`)
}

// An open item follows the booking it is about (room, appointment) and what blocks it; its policy-given due stays.
async function adjust(scope: Scope, orderId: string, item: WantedItem): Promise<void> {
  const changed = await scope.sql`
    update work_items set blocked_by = ${item.blockedBy}, room_id = ${item.audience.roomId},
      due_at = case when kind = 'perform' then ${item.dueAt} else due_at end
    where subject_type = ${item.subjectType} and subject_id = ${item.subjectId} and kind = ${item.kind}
      and cycle = ${item.cycle} and state in ('open', 'claimed')
      -- Of a report over several orders each knows its own images: the one whose work it is says what blocks it.
      and order_id = ${orderId} and (blocked_by is distinct from ${item.blockedBy} or room_id is distinct from ${item.audience.roomId}
        or (kind = 'perform' and due_at is distinct from ${item.dueAt}))
    returning id`
  if (changed.length > 0) scope.announce(`list:${item.kind}`, `order:${orderId}`)
}

async function placeOf(
  { sql }: Scope,
  orderId: string,
  item: WantedItem,
): Promise<{ modality: string | null }> {
  const [row] = await sql<{ modality: string }[]>`
    select modality from steps where id = ${item.subjectId}
    union all select p.modality from procedures p left join study_links l on l.procedure_id = p.id
      where p.order_id = ${orderId} and (p.id = ${item.subjectId} or l.study_id = ${item.subjectId})
    union all select modality from procedures where order_id = ${orderId} limit 1`
  return { modality: row?.modality ?? null }
}

// These are done when the fact they asked for has happened; the others are completed by the decision itself.
const doneByFact = new Set([
  'map',
  'schedule',
  'rebook',
  'perform',
  'protocol',
  'safety',
  'decide',
  'complete',
  'mend',
  'reconcile',
  'late',
  'watchdog',
])

async function close(scope: Scope, facts: OrderFacts, item: ItemRow): Promise<void> {
  const over = ['cancelled', 'discontinued'].includes(orderPhase(facts))
  if (over || !doneByFact.has(item.kind))
    return cancelItem(scope, item, over ? 'order-ended' : 'no-longer-wanted')
  await scope.sql`
    update work_items set state = 'completed', holder = null, lease_until = null, completed_at = ${scope.act.now}, completed_by = 'department'
    where id = ${item.id}`
  // Fallen silent once more, it is asked after once more.
  if (item.kind === 'watchdog')
    await scope.sql`update reports set watchdogs_answered = watchdogs_answered + 1 where id = ${item.subject_id}`
  await scope.sql`
    update tenures set ended_at = ${scope.act.machineNow}, ended_by = 'completed' where item_id = ${item.id} and ended_at is null`
  scope.append(facts.order.id, {
    type: 'work-item.completed',
    data: { itemId: item.id, kind: item.kind, cycle: item.cycle, holder: item.holder },
  })
  scope.announce(`list:${item.kind}`)
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
