/** The work that an order's facts call for, as rows: opened once for ever, following what it is about, closed when it is over. */
import type { OrderFacts } from '#domain/facts.ts'
import { orderPhase } from '#domain/phase.ts'
import { itemKey, type WantedItem } from '#domain/work-item-wanted.ts'
import { ulid } from '../ulid.ts'
import type { Scope } from './mutate.ts'
import { cancelItem, type ItemRow } from './work-items.ts'

/** Opens what is wanted and missing, and closes what is open and no longer wanted. */
export async function openAndCancel(
  scope: Scope,
  facts: OrderFacts,
  wanted: readonly WantedItem[],
): Promise<void> {
  const orderId = facts.order.id
  const live = await scope.sql<(ItemRow & { blocked_by: string | null })[]>`
    select * from work_items where order_id = ${orderId} and state in ('open', 'claimed')`
  const keys = new Set(wanted.map(itemKey))
  for (const item of live) {
    const key = `${item.subject_type}/${item.subject_id}/${item.kind}/${item.cycle}`
    if (!keys.has(key)) await close(scope, facts, item)
  }
  for (const item of wanted) await openWanted(scope, facts, item)
}

/** There already: it follows what it is about. */
export async function openWanted(scope: Scope, facts: OrderFacts, item: WantedItem): Promise<void> {
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

/** A study of two orders has one piece of work: with the one order over it is the other's. */
export async function isAnothersToo(scope: Scope, item: ItemRow): Promise<boolean> {
  if (item.subject_type !== 'study' || item.order_id === null) return false
  const [other] = await scope.sql<{ order_id: string }[]>`
    update work_items w set order_id = o.id, site_id = o.site_id
    from (select l.order_id as id, x.site_id from study_links l join procedures p on p.id = l.procedure_id
        join orders x on x.id = l.order_id
      where l.study_id = ${item.subject_id} and l.undone_at is null and l.order_id <> ${item.order_id} and p.end_kind is null
        and not exists (select 1 from procedures own join study_links mine on mine.procedure_id = own.id
          where mine.study_id = ${item.subject_id} and mine.order_id = ${item.order_id} and mine.undone_at is null
            and own.end_kind is null)
      order by l.order_id limit 1) o
    where w.id = ${item.id} returning w.order_id`
  if (!other) return false
  scope.append(other.order_id, {
    type: 'work-item.opened',
    data: {
      itemId: item.id,
      kind: item.kind,
      cycle: item.cycle,
      dueAt: item.due_at?.toISOString() ?? null,
      owner: null,
    },
  })
  return true
}

async function close(scope: Scope, facts: OrderFacts, item: ItemRow): Promise<void> {
  const over = ['cancelled', 'discontinued'].includes(orderPhase(facts))
  if (await isAnothersToo(scope, item)) return
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
