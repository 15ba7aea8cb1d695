/** Who hears that a critical result was told to nobody yet: with each contact's hour those who can act then, once each. */
import { CRITICAL_RUNGS, type CriticalRung } from '#domain/critical-result.ts'
import type { LadderRung } from '#domain/policy.ts'
import type { Scope } from './mutate.ts'
import { inCharge, noticesOf, readers } from './notices.ts'

interface ClimbedStep {
  itemId: string
  foundBy: string
  rung: CriticalRung
  firedAt: Date
  lateByMs: number
}

/** What it is to whoever is told; the first contact is the finder's own, who has just raised it. */
const TOLD_AS: Partial<Record<CriticalRung, LadderRung>> = {
  ward: 'notify',
  'on-call': 'notify',
  lead: 'lead',
  head: 'head',
}

/**
 * Whoever found it, the readers on shift now, then the leads and the heads of the site. Level-triggered over the recorded
 * steps, so that a stop of the department or a crash between two of its acts keeps it from nobody, and what was heard or
 * seen since is not said again. After a stop each person hears once, of the highest.
 */
export async function noticeUntold(scope: Scope, orderId: string): Promise<void> {
  const steps = await scope.sql<ClimbedStep[]>`
    select w.id as "itemId", c.found_by as "foundBy", s.step as rung, s.fired_at as "firedAt",
      s.late_by_ms::float8 as "lateByMs"
    from critical_results c join critical_steps s on s.critical_id = c.id
      join work_items w on w.kind = 'critical' and w.subject_id = c.id and w.state in ('open', 'claimed')
    where c.order_id = ${orderId} and c.state = 'open' and s.step = any(${Object.keys(TOLD_AS)})
      and (w.cycle = 1 or s.fired_at >= w.opened_at)
    order by c.id, array_position(${[...CRITICAL_RUNGS]}, s.step)`
  const highest = new Map<string, ClimbedStep & { userId: string }>()
  for (const step of steps)
    for (const userId of await concerned(scope, step))
      highest.set(`${step.itemId} ${userId}`, { ...step, userId })
  for (const step of highest.values()) await notice(scope, step)
}

async function concerned(scope: Scope, { itemId, rung, foundBy }: ClimbedStep): Promise<string[]> {
  if (rung === 'lead' || rung === 'head') return inCharge(scope, itemId, rung)
  const able = await readers(scope, itemId)
  const onShift = await readingNow(scope, itemId)
  const here = able.filter((id) => onShift.includes(id))
  return [...new Set([foundBy, ...(here.length > 0 ? here : able)])]
}

/** Who has the shift of an area of its order, at this instant. */
async function readingNow({ sql, act }: Scope, itemId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select distinct s.user_id as id from work_items w join procedures p on p.order_id = w.order_id
      join shifts s on s.site_id = w.site_id and s.area = p.area
    where w.id = ${itemId} and s.dropped_at is null and s.from_at <= ${act.now} and s.to_at > ${act.now}`
  return rows.map(({ id }) => id)
}

async function notice(scope: Scope, step: ClimbedStep & { userId: string }): Promise<void> {
  const { userId, itemId, rung, firedAt, lateByMs } = step
  const [told] = await scope.sql`
    insert into notices (user_id, item_id, rung, at, late_by_ms)
    values (${userId}, ${itemId}, ${TOLD_AS[rung]!}, ${firedAt}, ${lateByMs})
    on conflict (user_id, item_id) do update
      set rung = excluded.rung, at = excluded.at, late_by_ms = excluded.late_by_ms, seen_at = null
      where notices.at < excluded.at returning user_id`
  if (told) scope.announce(noticesOf(userId))
}
