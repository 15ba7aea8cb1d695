/** How many instances of a study and its series are there, and how many are seen. */
import type { Scope } from './mutate.ts'

/** Brings a study's and its series' counts in line with their instances (after ingest, rejection, revocation). */
export async function count({ sql }: Scope, studyId: string): Promise<void> {
  await sql`
    update series s set instance_count = c.visible, rev = s.rev + 1
    from (select e.id as series_id, count(i.id) filter (where i.rejected_code is null) as visible
      from series e left join instances i on i.series_id = e.id where e.study_id = ${studyId} group by e.id) c
    where c.series_id = s.id`
  await sql`
    update studies s set rev = s.rev + 1, stored_count = c.stored, instance_count = c.visible,
      report_count = c.reports, bytes = c.bytes, series_count = (select count(*) from series where study_id = s.id and instance_count > 0),
      modalities = array(select distinct modality from series where study_id = s.id and instance_count > 0 and modality <> '' order by 1)
    from (select count(*) filter (where not is_note and not is_report) as stored,
        count(*) filter (where rejected_code is null) as visible,
        count(*) filter (where rejected_code is null and is_report) as reports, coalesce(sum(bytes), 0) as bytes
      from instances where study_id = ${studyId}) c
    where s.id = ${studyId}`
}
