/**
 * An open critical result goes with the images it was found on: both orders show it, whoever tells it hears that it is
 * about another patient, and the right order's report is not signed before somebody was told.
 */
import { standing } from '../queries/standing-criticals.ts'
import { ulid } from '../ulid.ts'
import type { Scope } from './mutate.ts'
import { noticesOf } from './notices.ts'

export interface CarriedOver {
  moveId: string
  /** Procedures whose images went. */
  procedureIds: readonly string[]
  fromOrderId: string
  to: { orderId: string; procedureId: string }
  /** No image stayed behind. */
  whole: boolean
}

/** The record itself stays where it was raised, with its clock, its ladder and its lateness. */
export async function carryCriticals(scope: Scope, carried: CarriedOver): Promise<void> {
  const { moveId, procedureIds, fromOrderId, to, whole } = carried
  const { sql, act } = scope
  const open = await sql<{ id: string }[]>`
    select c.id from critical_results c ${standing(sql)}
    where c.state = 'open' and case when st.to_procedure_id is not null then st.to_procedure_id = any(${[...procedureIds]})
      else exists (select 1 from report_procedures rp where rp.report_id = c.report_id
        and rp.procedure_id = any(${[...procedureIds]})) end
    order by c.id for update of c`
  for (const { id } of open) {
    await sql`
      insert into critical_moves (id, critical_id, move_id, from_order_id, to_order_id, to_procedure_id, whole, at)
      values (${ulid()}, ${id}, ${moveId}, ${fromOrderId}, ${to.orderId}, ${to.procedureId}, ${whole}, ${act.now})`
    await tellMoved(scope, { criticalId: id, fromOrderId, toOrderId: to.orderId, whole, undone: false })
  }
}

/** With a move that was a mistake: it stands again where it stood before. */
export async function carryCriticalsBack(scope: Scope, moveId: string): Promise<void> {
  const rows = await scope.sql<Moved[]>`
    update critical_moves set undone_at = ${scope.act.now} where move_id = ${moveId} and undone_at is null
    returning critical_id as "criticalId", from_order_id as "toOrderId", to_order_id as "fromOrderId", whole`
  for (const row of rows) await tellMoved(scope, { ...row, undone: true })
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
