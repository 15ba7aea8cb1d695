/** What a mark on images is completed with: the study as its images state it, the images meant, and who marks. */
import type { AnySql } from '../client.ts'

export interface MarkedStudy {
  attributes: unknown
  /** Of those asked for, the ones that are there and shown, in the order in which they are shown. */
  instances: { seriesUid: string; sopClassUid: string; sopInstanceUid: string; hasPixels: boolean }[]
  by: { family: string; given: string }
}

/** Null without the study or the person. */
export async function markedStudy(
  sql: AnySql,
  asked: { studyUid: string; sopInstanceUids: readonly string[]; userId: string },
): Promise<MarkedStudy | null> {
  const { studyUid, sopInstanceUids, userId } = asked
  const [study] = await sql<Omit<MarkedStudy, 'instances'>[]>`
    select s.attributes, jsonb_build_object('family', u.family, 'given', u.given) as by
    from studies s join users u on u.id = ${userId} where s.study_uid = ${studyUid}`
  if (!study) return null
  const instances = await sql<MarkedStudy['instances']>`
    select e.series_uid as "seriesUid", i.sop_class_uid as "sopClassUid", i.sop_instance_uid as "sopInstanceUid",
      coalesce(jsonb_typeof(i.pixel) = 'object', false) as "hasPixels"
    from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where s.study_uid = ${studyUid} and i.sop_instance_uid = any(${sopInstanceUids as string[]})
      and i.rejected_code is null and jsonb_typeof(i.pixel) = 'object'
    order by e.series_number nulls last, e.series_uid, i.instance_number nulls last, i.sop_instance_uid`
  return { ...study, instances }
}

/** The series that a mark stands in; null until it is stored. */
export async function seriesOfMark(sql: AnySql, sopInstanceUid: string): Promise<string | null> {
  const [row] = await sql<{ seriesUid: string }[]>`
    select e.series_uid as "seriesUid" from instances i join series e on e.id = i.series_id
    where i.sop_instance_uid = ${sopInstanceUid}`
  return row?.seriesUid ?? null
}
