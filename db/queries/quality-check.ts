/** One exam at the technologist's gate: whose it is, what was made, and by what evidence it is complete. */
import type { CompletenessReason } from '#domain/completeness.ts'
import type { CompletenessVerdict } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import { type OrderIdentity, orderIdentity } from './reading-room.ts'

export interface QualityCheck {
  item: {
    id: string
    kind: 'quality' | 'complete'
    state: 'open' | 'claimed' | 'completed' | 'cancelled'
    cycle: number
    holder: { id: string; name: string } | null
    fence: number
    leaseUntil: Date | null
    dueFrom: Date
    dueAt: Date | null
    lateAt: Date | null
  }
  order: OrderIdentity
  reason: string | null
  requester: { family?: string; given?: string; prefix?: string } | null
  protocol: string | null
  exam: { room: string | null; startedAt: Date | null; endedAt: Date | null; inferred: boolean }
  study: {
    id: string
    uid: string
    visible: number
    stored: number
    verdict: CompletenessVerdict
    missing: number
    notNamed: number
    named: number
    seen: CompletenessReason[]
    lacking: CompletenessReason[]
    endExamAt: Date | null
    /** When the scanner itself closed its last performed step; null while one is open, or without MPPS. */
    mppsFinalAt: Date | null
    acceptedIncompleteAt: Date | null
    /** What the objects themselves carry: (0010,0020) and (0008,0050). */
    says: { patientId: string; accession: string }
  }
  objects: StoredObject[]
  /** Earlier looks at this study, newest first. */
  decisions: {
    cycle: number
    verdict: 'accepted' | 'rejected'
    /** By the clock, because nobody had looked in time. */
    unchecked: boolean
    reasonCodes: string[]
    by: string
    at: Date
  }[]
}

export interface StoredObject {
  uid: string
  seriesUid: string
  modality: string
  description: string
  /** View Position (0018,5101) and Image Laterality (0020,0062), as far as the object says them. */
  view: string
  frames: number
  /** False: a report, a presentation state or a key object, which has no picture of its own. */
  isImage: boolean
  /** Why readers don't see it (113001 …); null: they do. */
  rejectedCode: string | null
}

/** More than this a person doesn't page through; the counts are of the whole study. */
const MOST_OBJECTS = 4_000

/** Null when there is no such gate; the caller has checked the right to see it. */
export async function qualityCheck(sql: AnySql, itemId: string): Promise<QualityCheck | null> {
  const [row] = await sql<Row[]>`
    select w.*, u.name as holder_name, st.study_uid, st.instance_count - st.report_count as instance_count, st.stored_count, st.completeness, st.completeness_missing,
      st.completeness_evidence as evidence, st.end_exam_at, st.incomplete_accepted_at,
      coalesce(st.said->>'patientId', st.dicom_patient_id) as dicom_patient_id,
      coalesce(st.said->>'accession', st.accession) as study_accession, o.reason, o.requester,
      (select count(*) from named_instances n where n.study_uid = st.study_uid) as named,
      e.room_name, e.started_at, e.ended_at, e.mpps_final_at, e.inferred, e.protocol_name
    from work_items w join studies st on st.id = w.subject_id join orders o on o.id = w.order_id
      left join users u on u.id = w.holder
      left join lateral (
        select min(ps.started_at) as started_at,
          case when bool_or(ps.status = 'IN PROGRESS') then null else max(ps.ended_at) end as ended_at,
          case when bool_or(ps.status = 'IN PROGRESS' and not ps.inferred) then null
            else max(ps.ended_at) filter (where not ps.inferred and not ps.end_inferred) end as mpps_final_at,
          bool_and(ps.inferred) as inferred, min(coalesce(dr.name, r.name)) as room_name, min(s.protocol_name) as protocol_name
        from performed_steps ps left join devices d on d.id = ps.device_id left join rooms dr on dr.id = d.room_id
          left join performed_step_links l on l.performed_step_id = ps.id left join steps s on s.id = l.step_id
          left join rooms r on r.id = s.room_id
        where ps.study_uid = st.study_uid) e on true
    where w.id = ${itemId} and w.kind in ('quality', 'complete')`
  if (!row) return null
  const order = await orderIdentity(sql, row.order_id)
  if (!order) return null
  return {
    item: itemOf(row),
    order,
    reason: row.reason,
    requester: row.requester,
    protocol: row.protocol_name,
    exam: {
      room: row.room_name,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      inferred: row.inferred !== false,
    },
    study: studyOf(row),
    objects: await objectsOf(sql, row.subject_id),
    decisions: await decisionsOf(sql, row.subject_id),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: one wide row, read once just above and below
type Row = Record<string, any>

function itemOf(row: Row): QualityCheck['item'] {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    cycle: row.cycle,
    holder: row.holder ? { id: row.holder, name: row.holder_name ?? '' } : null,
    fence: row.fence,
    leaseUntil: row.lease_until,
    dueFrom: row.due_from,
    dueAt: row.due_at,
    lateAt: row.late_at,
  }
}

function studyOf(row: Row): QualityCheck['study'] {
  return {
    id: row.subject_id,
    uid: row.study_uid,
    visible: row.instance_count,
    stored: row.stored_count,
    verdict: row.completeness,
    missing: row.completeness_missing,
    notNamed: row.evidence?.notNamed ?? 0,
    named: row.named,
    seen: row.evidence?.seen ?? [],
    lacking: row.evidence?.lacking ?? [],
    endExamAt: row.end_exam_at,
    mppsFinalAt: row.mpps_final_at,
    acceptedIncompleteAt: row.incomplete_accepted_at,
    says: { patientId: row.dicom_patient_id, accession: row.study_accession },
  }
}

async function objectsOf(sql: AnySql, studyId: string): Promise<StoredObject[]> {
  return await sql<StoredObject[]>`
    select i.sop_instance_uid as uid, s.series_uid as "seriesUid", s.modality, s.description,
      concat_ws(' ', i.attributes->'00185101'->'Value'->>0, i.attributes->'00200062'->'Value'->>0) as view,
      i.frames, i.pixel is not null as "isImage", i.rejected_code as "rejectedCode"
    from instances i join series s on s.id = i.series_id where i.study_id = ${studyId} and not i.is_report
    order by s.series_number nulls last, s.id, i.instance_number nulls last, i.id limit ${MOST_OBJECTS}`
}

async function decisionsOf(sql: AnySql, studyId: string): Promise<QualityCheck['decisions']> {
  return await sql<QualityCheck['decisions']>`
    select q.cycle, q.verdict, q.unchecked, q.reason_codes as "reasonCodes", coalesce(u.name, q.by) as by, q.at
    from quality_decisions q left join users u on u.id = q.by where q.study_id = ${studyId} order by q.cycle desc, q.unchecked`
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
