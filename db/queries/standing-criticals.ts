/** Where critical results stand: in the report they were raised in, or with the images that went to another order. */
import type { AnySql } from '../client.ts'
import type { Fragment } from './study-scope.ts'

/** To join to `critical_results c`: the procedure and the order that all its images were moved to; nulls when they were not. */
export function standing(sql: AnySql): Fragment {
  return sql`left join lateral (
    select m.to_order_id, m.to_procedure_id from critical_moves m where m.critical_id = c.id and m.undone_at is null and m.whole
    order by m.at desc, m.id desc limit 1) st on true`
}

/** `critical_results c` whose communication is written into this report, to select from; further conditions go on with `and`. */
export function criticalsOf(sql: AnySql, reportId: string): Fragment {
  return sql`(select x.* from critical_results x where x.report_id = ${reportId} or x.id in (
      select m.critical_id from critical_moves m join report_procedures rp on rp.procedure_id = m.to_procedure_id
      where rp.report_id = ${reportId} and m.undone_at is null)) c ${standing(sql)}
    where case when st.to_procedure_id is null then c.report_id = ${reportId} else st.to_procedure_id in (
      select procedure_id from report_procedures where report_id = ${reportId}) end`
}

/** Ids of the orders of the `critical_results c` that fit: where each was raised, and where its images went. */
export function ordersOfCriticals(sql: AnySql, fits: Fragment): Fragment {
  return sql`
    select c.order_id as id from critical_results c where ${fits}
    union select m.to_order_id from critical_moves m join critical_results c on c.id = m.critical_id
      where m.undone_at is null and ${fits}`
}
