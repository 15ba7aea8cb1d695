/** Pauses: a work item's clock stands still while somebody else must act, and its due date moves by what it stood still. */
import { ALWAYS_OPEN, type BusinessCalendar } from '#domain/calendar.ts'
import type { Policy } from '#domain/policy.ts'
import { dueAt, type Pause, pauseEndsAt, pauseOwner } from '#domain/sla.ts'
import type { PauseReason, Priority } from '#domain/words.ts'
import { ulid } from '../ulid.ts'
import type { Scope } from './mutate.ts'

export interface Pausable {
  id: string
  kind: string
  order_id: string | null
  priority: string
}

/** Stops an item's clock until it is resumed, at the longest as the policy says. Paused already: no effect. */
export async function pauseItem(
  scope: Scope,
  item: Pausable,
  { reason, policy }: { reason: PauseReason; policy: Policy },
): Promise<void> {
  const { sql, act } = scope
  const before = await pausesOf(scope, item.id)
  const pausedBeforeMs = before.reduce((sum, { from, to }) => sum + to.getTime() - from.getTime(), 0)
  const priority = item.priority as Priority
  const limitAt = pauseEndsAt({ reason, from: act.now, priority, pausedBeforeMs }, policy)
  if (limitAt <= act.now) return
  const owner = pauseOwner(reason)
  const [paused] = await sql`
    insert into pauses (id, item_id, reason, owner, from_at, limit_at)
    values (${ulid()}, ${item.id}, ${reason}, ${owner}, ${act.now}, ${limitAt})
    on conflict (item_id) where to_at is null do nothing returning id`
  if (!paused) return
  // While it stands still nothing becomes late: until somebody resumes it, the due date is that of the longest wait.
  await moveDue(scope, item.id)
  tellClock(scope, item, { type: 'work-item.paused', reason, owner })
}

/** Lets an item's clock run on. Running: no effect. */
export async function resumeItem(scope: Scope, item: Pausable): Promise<void> {
  const { sql, act } = scope
  const [ended] = await sql<{ reason: PauseReason; owner: string }[]>`
    update pauses set to_at = least(limit_at, ${act.now}::timestamptz) where item_id = ${item.id} and to_at is null
    returning reason, owner`
  if (!ended) return
  await moveDue(scope, item.id)
  tellClock(scope, item, { type: 'work-item.resumed', ...ended })
}

/** Ends the order's pauses whose time is over, and those whose item waits for nobody; returns when the next one ends. */
export async function endPauses(scope: Scope, orderId: string): Promise<Date | null> {
  const open = await scope.sql<(Pausable & { limit_at: Date; waits: boolean })[]>`
    select w.id, w.kind, w.order_id, w.priority, x.limit_at,
      w.state in ('open', 'claimed') and (x.reason <> 'waiting-technologist' or w.blocked_by is not null) as waits
    from pauses x join work_items w on w.id = x.item_id
    where w.order_id = ${orderId} and x.to_at is null order by w.id`
  const over = (pause: (typeof open)[number]) => pause.limit_at <= scope.act.now || !pause.waits
  for (const pause of open.filter(over)) await resumeItem(scope, pause)
  const next = open.filter((pause) => !over(pause)).map(({ limit_at }) => limit_at.getTime())
  return next.length === 0 ? null : new Date(Math.min(...next))
}

/** An open one is taken to last as long as it may, as the ladder takes it. */
async function pausesOf({ sql }: Scope, itemId: string): Promise<Pause[]> {
  return await sql<Pause[]>`
    select from_at as "from", coalesce(to_at, limit_at) as "to" from pauses where item_id = ${itemId} order by from_at`
}

// By the active time it stopped: the allowance is laid out anew from where the clock began.
async function moveDue(scope: Scope, itemId: string): Promise<void> {
  const { sql } = scope
  const [item] = await sql<
    { due_from: Date; allowance_ms: number; business: boolean; calendar: object; zone: string }[]
  >`
    select w.due_from, w.allowance_ms, w.business, s.calendar, s.zone from work_items w join sites s on s.id = w.site_id
    where w.id = ${itemId} and w.allowance_ms is not null`
  if (!item) return
  const calendar: BusinessCalendar = { ...ALWAYS_OPEN, ...item.calendar, zone: item.zone }
  const due = dueAt(
    {
      from: item.due_from,
      allowance: { ms: item.allowance_ms, business: item.business },
      pauses: await pausesOf(scope, itemId),
    },
    calendar,
  )
  await sql`update work_items set due_at = ${due} where id = ${itemId}`
}

interface Told {
  type: 'work-item.paused' | 'work-item.resumed'
  reason: string
  owner: string
}

function tellClock(scope: Scope, item: Pausable, { type, reason, owner }: Told): void {
  scope.announce(`list:${item.kind}`)
  if (!item.order_id) return
  scope.append(item.order_id, { type, data: { itemId: item.id, kind: item.kind, reason, owner } })
}
