/** Images that came after a final report, and the words that answer them. */
import type { Scope } from './mutate.ts'

/**
 * Answered by words that somebody signed once they were there, and only when those are out: a signature that is taken back
 * has answered nothing. After a recall or a retraction the words are another reading's.
 */
export async function answerLateImages(
  { sql, act }: Scope,
  { reportId, version }: { reportId: string; version: number },
): Promise<void> {
  // Fence 0: the department's own words of a call, which say nothing of images.
  await sql`
    update studies s set late_batches = (
      select jsonb_agg(case when batch->>'answeredAt' is null and (batch->>'at')::timestamptz <= v.signed_at
        then batch || jsonb_build_object('answeredAt', ${act.now.toISOString()}::text) else batch end order by place)
      from jsonb_array_elements(s.late_batches) with ordinality b(batch, place))
    from report_versions v
    where v.report_id = ${reportId} and v.version = ${version} and v.kind in ('final', 'addendum', 'correction') and v.fence > 0
      and jsonb_array_length(s.late_batches) > 0 and s.id in (select l.study_id from report_procedures rp
        join study_links l on l.procedure_id = rp.procedure_id and l.undone_at is null where rp.report_id = ${reportId})`
}
