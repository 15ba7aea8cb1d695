/** Words of a report that their writer could not save: somebody or another window had it by then. */
import type { AnySql } from '../client.ts'
import { inDepartmentTime } from './department-time.ts'

export interface KeptAside {
  id: string
  at: Date
  sections: { key: string; text: string }[]
}

const MOST = 3

/**
 * This person's own, newest first, of this report and of others over its procedures (one that was cancelled or withdrawn
 * left its words there); not what the draft says anyway, and the same words once.
 */
export async function keptAside(
  sql: AnySql,
  { reportId, userId }: { reportId: string; userId: string },
): Promise<KeptAside[]> {
  return await sql<KeptAside[]>`
    select id, at, sections from (
      select distinct on (s.content) s.id, ${inDepartmentTime(sql, sql`s.at`)} as at, s.content->'sections' as sections
      from stray_drafts s
      where s.written_by = ${userId} and s.report_id in (select other.report_id from report_procedures own
          join report_procedures other on other.procedure_id = own.procedure_id where own.report_id = ${reportId})
        and not exists (select 1 from report_drafts d where d.report_id = ${reportId} and d.content = s.content)
        and exists (select 1 from jsonb_array_elements(s.content->'sections') part where trim(part->>'text') <> '')
      order by s.content, s.at desc) own
    order by at desc, id desc limit ${MOST}`
}
