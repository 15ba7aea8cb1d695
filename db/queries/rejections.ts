/** Rejections made here whose note is still to be written, with all that the note says; and those that stand, for a screen. */
import type { RejectionCode } from '#domain/study-visibility.ts'
import type { AnySql } from '../client.ts'

export interface RejectionToNote {
  id: string
  code: RejectionCode
  reasonCodes: string[]
  /** Department clock. */
  at: Date
  noteUid: string
  noteSeriesUid: string
  studyUid: string
  /** Patient and study as the objects say them (DICOM JSON). */
  attributes: Record<string, { vr: string; Value?: unknown[] }>
  /** The instances it withdraws, series by series in the order in which they are shown. */
  instances: { seriesUid: string; sopClassUid: string; sopInstanceUid: string; hasPixels: boolean }[]
}

/** Oldest first; a rejection that was taken back before anybody was told of it needs no note. */
export async function rejectionsToNote(sql: AnySql, limit: number): Promise<RejectionToNote[]> {
  return await sql<RejectionToNote[]>`
    select r.id, r.code, r.reason_codes as "reasonCodes", r.at, r.note_uid as "noteUid", r.note_series_uid as "noteSeriesUid",
      s.study_uid as "studyUid", s.attributes, found.instances
    from rejections r join studies s on s.id = r.study_id
      join lateral (
        select jsonb_agg(jsonb_build_object('seriesUid', e.series_uid, 'sopClassUid', i.sop_class_uid,
          'sopInstanceUid', i.sop_instance_uid, 'hasPixels', coalesce(jsonb_typeof(i.pixel) = 'object', false))
          order by e.series_number nulls last, e.series_uid, i.instance_number nulls last, i.sop_instance_uid) as instances
        from instances i join series e on e.id = i.series_id
        where i.study_id = r.study_id and i.sop_instance_uid = any(r.instances)) found on found.instances is not null
    where r.noted_at is null and r.revoked_at is null and not r.received and r.note_uid is not null
    order by r.at limit ${limit}`
}

export interface StandingRejection {
  id: string
  code: RejectionCode
  instances: number
  by: string
  at: Date
  words: string | null
  received: boolean
}

/** What is withdrawn now of the studies of an order, newest first. */
export async function rejectionsOfOrder(sql: AnySql, orderId: string): Promise<StandingRejection[]> {
  return await sql<StandingRejection[]>`
    select r.id, r.code, cardinality(r.instances) as instances, coalesce(u.name, r.by) as by, r.at, r.words, r.received
    from rejections r left join users u on u.id = r.by
    where r.study_id in (select study_id from study_links where order_id = ${orderId} and undone_at is null)
      and r.revoked_at is null and r.without_effect is null order by r.at desc, r.id desc`
}

/** What is withdrawn of a study now, newest first. */
export async function standingRejections(sql: AnySql, studyUid: string): Promise<StandingRejection[]> {
  return await sql<StandingRejection[]>`
    select r.id, r.code, cardinality(r.instances) as instances, coalesce(u.name, r.by) as by, r.at, r.words, r.received
    from rejections r join studies s on s.id = r.study_id left join users u on u.id = r.by
    where s.study_uid = ${studyUid} and r.revoked_at is null and r.without_effect is null order by r.at desc, r.id desc`
}
