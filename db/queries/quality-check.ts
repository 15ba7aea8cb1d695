/** A study at the quality gate: what was asked, what came, and by what evidence it is complete. */
import type { CompletenessVerdict } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

export interface QualityStudy {
  itemId: string
  kind: string
  studyId: string
  studyUid: string
  orderId: string
  siteId: string
  cycle: number
  verdict: CompletenessVerdict
  missing: number
  named: number
  namedStored: number
  stored: number
  visible: number
  series: number
  /** A scanner closed its step (not one that we inferred). */
  stepClosedAt: Date | null
  endExamAt: Date | null
  commitment: boolean
  reason: string | null
  requester: string | null
  room: string | null
  begunAt: Date | null
  images: { uid: string; number: number | null; series: string; modality: string; rejected: boolean }[]
}

/** Null when the item is no quality or completeness item of a study. */
export async function qualityStudy(sql: AnySql, itemId: string): Promise<QualityStudy | null> {
  const [row] = await sql<
    (Omit<QualityStudy, 'images' | 'commitment'> & { evidence: { seen?: string[] } })[]
  >`
    select w.id as "itemId", w.kind, s.id as "studyId", s.study_uid as "studyUid", w.order_id as "orderId",
      w.site_id as "siteId", w.cycle, s.completeness as verdict, s.completeness_missing as missing,
      s.completeness_evidence as evidence, s.stored_count as stored, s.instance_count as visible, s.series_count as series,
      (select count(*) from named_instances n where n.study_uid = s.study_uid) as named,
      (select count(*) from named_instances n join instances i on i.sop_instance_uid = n.sop_instance_uid
        where n.study_uid = s.study_uid) as "namedStored",
      (select max(ps.ended_at) from performed_steps ps where ps.study_uid = s.study_uid and not ps.inferred and not ps.end_inferred)
        as "stepClosedAt",
      (select min(ps.started_at) from performed_steps ps where ps.study_uid = s.study_uid) as "begunAt",
      s.end_exam_at as "endExamAt", o.reason, concat_ws(' ', o.requester->>'prefix', o.requester->>'given', o.requester->>'family') as requester,
      (select r.name from steps st join procedures p on p.id = st.procedure_id join rooms r on r.id = st.room_id
        where p.study_uid = s.study_uid limit 1) as room
    from work_items w join studies s on s.id = w.subject_id join orders o on o.id = w.order_id
    where w.id = ${itemId} and w.kind in ('quality', 'complete')`
  if (!row) return null
  const { evidence, ...study } = row
  const images = await sql<QualityStudy['images']>`
    select i.sop_instance_uid as uid, i.instance_number as number, coalesce(nullif(se.description, ''), se.series_number::text, '') as series,
      se.modality, i.rejected_code is not null as rejected
    from instances i join series se on se.id = i.series_id where i.study_id = ${row.studyId}
    order by se.series_number nulls last, se.id, i.instance_number nulls last, i.id limit 2000`
  return { ...study, commitment: evidence?.seen?.includes('commitment') ?? false, images: [...images] }
}

/** How many looks a person took since then, and how many of them rejected something. */
export async function ownRejects(
  sql: AnySql,
  userId: string,
  since: Date,
): Promise<{ looks: number; rejected: number }> {
  const [row] = await sql<{ looks: number; rejected: number }[]>`
    select count(*) as looks, count(*) filter (where verdict = 'rejected') as rejected
    from quality_decisions where by = ${userId} and at >= ${since}`
  return row ?? { looks: 0, rejected: 0 }
}
