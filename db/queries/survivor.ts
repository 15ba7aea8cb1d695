/** Whom a patient's messages are about today: along active merge links, the survivor. */
import type { AnySql } from '../client.ts'
import type { Fragment } from './study-scope.ts'

/** To join laterally: `id` of the survivor of the patient whose id the fragment is. */
export function survivorOf(sql: AnySql, patientId: Fragment): Fragment {
  return sql`
    with recursive chain as (
      select ${patientId} as id, 0 as hops
      union all select l.to_patient, c.hops + 1 from merge_links l join chain c on l.from_patient = c.id
        where l.undone_at is null and c.hops < 32)
    select id from chain order by hops desc limit 1`
}
