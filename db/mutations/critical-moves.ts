/**
 * An open critical result goes with the images it was found on: both orders show it, whoever tells it hears that it is
 * about another patient, and the right order's report is not signed before somebody was told.
 */
import { standing } from '../queries/standing-criticals.ts'
import { ulid } from '../ulid.ts'
import { raiseException } from './exceptions.ts'
import type { Scope } from './mutate.ts'
import { noticesOf } from './notices.ts'

export interface CarriedOver {
  moveId: string
  /** Procedures whose images went. */
  procedureIds: readonly string[]
  to: { orderId: string; procedureId: string }
  /** No image stayed behind. */
  whole: boolean
}

/** The record itself stays where it was raised, with its clock, its ladder and its lateness. */
export async function carryCriticals(scope: Scope, carried: CarriedOver): Promise<void> {
  const { moveId, procedureIds, to } = carried
  const { sql, act } = scope
  // Found in a report over several exams, it stays with those whose images stay.
  const open = await sql<{ id: string; fromOrderId: string; whole: boolean }[]>`
    select c.id, coalesce(st.to_order_id, c.order_id) as "fromOrderId", ${carried.whole} and not exists (
        select 1 from report_procedures rp join study_links l on l.procedure_id = rp.procedure_id and l.undone_at is null
          join studies s on s.id = l.study_id
        where rp.report_id = c.report_id and st.to_procedure_id is null and rp.procedure_id <> all(${[...procedureIds]})
          and s.instance_count > s.report_count) as whole
    from critical_results c ${standing(sql)}
    where c.state = 'open' and case when st.to_procedure_id is not null then st.to_procedure_id = any(${[...procedureIds]})
      else exists (select 1 from report_procedures rp where rp.report_id = c.report_id
        and rp.procedure_id = any(${[...procedureIds]})) end
    order by c.id for update of c`
  for (const { id, fromOrderId, whole } of open) {
    await sql`
      insert into critical_moves (id, critical_id, move_id, from_order_id, to_order_id, to_procedure_id, whole, at)
      values (${ulid()}, ${id}, ${moveId}, ${fromOrderId}, ${to.orderId}, ${to.procedureId}, ${whole}, ${act.now})`
    await tellMoved(scope, { criticalId: id, fromOrderId, toOrderId: to.orderId, whole, undone: false })
  }
  const told = await sql<ToldElsewhere[]>`
    select c.id as "criticalId", o.id as "orderId", o.site_id as "siteId" from critical_results c ${standing(sql)}
      join orders o on o.id = st.to_order_id
    where c.state = 'closed' and st.to_procedure_id = any(${[...procedureIds]}) order by c.id`
  for (const one of told) await askToWithdrawCall(scope, one)
}

/** With a move that was a mistake: it stands again where it stood before. */
export async function carryCriticalsBack(scope: Scope, moveId: string): Promise<void> {
  const rows = await scope.sql<(Moved & { state: string; siteId: string })[]>`
    update critical_moves m set undone_at = ${scope.act.now} from critical_results c, orders o
    where m.move_id = ${moveId} and m.undone_at is null and c.id = m.critical_id and o.id = m.to_order_id
    returning m.critical_id as "criticalId", m.from_order_id as "toOrderId", m.to_order_id as "fromOrderId", m.whole, c.state,
      o.site_id as "siteId"`
  for (const { state, siteId, ...row } of rows) {
    await tellMoved(scope, { ...row, undone: true })
    if (state !== 'closed' || !row.whole) continue
    await askToWithdrawCall(scope, { criticalId: row.criticalId, orderId: row.fromOrderId, siteId })
  }
}

/** What a person has to do about a call that was about another's images. */
export const TOLD_BEFORE_MOVE =
  'Images were moved to another order after a critical result about them had been told here. Tell whom it was told to that it was not their patient, and raise it where the images are now.'

interface ToldElsewhere {
  criticalId: string
  orderId: string
  siteId: string
}

async function askToWithdrawCall(
  scope: Scope,
  { criticalId, orderId, siteId }: ToldElsewhere,
): Promise<void> {
  await raiseException(scope, {
    kind: 'conflict',
    key: `told-elsewhere:${criticalId}`,
    reasonCode: 'critical-before-move',
    reason: TOLD_BEFORE_MOVE,
    refs: { criticalId },
    orderId,
    siteId,
  })
}

interface Moved {
  criticalId: string
  fromOrderId: string
  toOrderId: string
  whole: boolean
}

async function tellMoved(scope: Scope, { undone, ...moved }: Moved & { undone: boolean }): Promise<void> {
  const event = { type: 'critical.moved', data: { ...moved, undone } } as const
  for (const orderId of new Set([moved.fromOrderId, moved.toOrderId])) {
    scope.append(orderId, event)
    scope.audit({ subject: `order:${orderId}`, ...event })
  }
  scope.announce('list:critical')
  await noticeCommunicators(scope, moved.criticalId)
}

/** Who found it and whoever tried to reach somebody: what they were about to say is about another patient. */
async function noticeCommunicators({ sql, act, announce }: Scope, criticalId: string): Promise<void> {
  const told = await sql<{ user_id: string }[]>`
    insert into notices (user_id, item_id, rung, at, late_by_ms)
    select distinct p.user_id, w.id, 'moved', ${act.now}::timestamptz, 0
    from work_items w cross join (
      select found_by as user_id from critical_results where id = ${criticalId}
      union select by from critical_attempts where critical_id = ${criticalId}) p
    where w.kind = 'critical' and w.subject_id = ${criticalId} and w.state in ('open', 'claimed')
    on conflict (user_id, item_id) do update set rung = 'moved', at = excluded.at, late_by_ms = 0, seen_at = null
    returning user_id`
  for (const { user_id } of told) announce(noticesOf(user_id))
}
