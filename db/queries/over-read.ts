/** What was handed on for a second pair of eyes: as its author gave it, what became of it, and who thinks what of it. */

import type { NameSaid } from '#domain/order-message.ts'
import { gradeIsDue, type SendBackReason } from '#domain/over-read.ts'
import type { Agreement, ReportState, Role } from '#domain/words.ts'
import type { AnySql } from '../client.ts'

interface Section {
  key: string
  text: string
}

export interface HandedOn {
  author: { id: string; name: string }
  at: Date
  /** As they were handed on. */
  sections: Section[]
  /** A first word of this report has left the department. */
  isOut: boolean
  /** Whoever signs it grades it: it is a resident's. */
  isGraded: boolean
  sentBack: { by: string; at: Date; reason: SendBackReason; words: string | null } | null
}

/** The newest words that were handed on; null when none ever were. The caller has checked the right to see the report. */
export async function handedOn(sql: AnySql, reportId: string): Promise<HandedOn | null> {
  const [row] = await sql<HandedOnRow[]>`
    select s.author_id, a.name as author, s.submitted_at, s.content, s.sent_back_at, b.name as sent_back_by, s.sent_back_reason,
      s.sent_back_words, r.author_id as report_author, r.submissions, w.roles,
      exists (select 1 from work_items i where i.subject_id = r.id and i.kind = 'over-read' and i.state in ('open', 'claimed')) as is_over_read,
      exists (select 1 from report_versions v where v.report_id = r.id and v.released_at is not null) as is_out
    from report_submissions s join reports r on r.id = s.report_id join users a on a.id = s.author_id
      left join users w on w.id = r.author_id left join users b on b.id = s.sent_back_by
    where s.report_id = ${reportId} order by s.number desc limit 1`
  if (!row) return null
  // A resident's when it was handed on, whatever they have become since.
  const isResident = row.is_over_read || !row.roles?.includes('radiologist')
  const authorRole = isResident ? 'resident' : 'radiologist'
  return {
    author: { id: row.author_id, name: row.author },
    at: row.submitted_at,
    sections: row.content.sections,
    isOut: row.is_out,
    isGraded: gradeIsDue({ authorId: row.report_author, authorRole, submissions: row.submissions }, ''),
    sentBack: row.sent_back_at && {
      ...{ by: row.sent_back_by ?? '', at: row.sent_back_at },
      ...{ reason: row.sent_back_reason!, words: row.sent_back_words },
    },
  }
}

interface HandedOnRow {
  author_id: string
  author: string
  submitted_at: Date
  content: { sections: Section[] }
  sent_back_at: Date | null
  sent_back_by: string | null
  sent_back_reason: SendBackReason | null
  sent_back_words: string | null
  report_author: string | null
  submissions: number
  roles: Role[] | null
  is_over_read: boolean
  is_out: boolean
}

/** A report that somebody handed on, as they follow it until and after its signature. */
export interface FollowedReport {
  reportId: string
  orderId: string
  siteId: string
  accession: string
  patient: NameSaid
  procedure: string
  state: ReportState
  handedOnAt: Date
  /** Theirs when they handed it on, and as it was signed; null before. */
  own: Section[]
  signed: Section[] | null
  agreement: Agreement | null
  /** Who signed it, or who has it before the eyes now. */
  reader: string | null
  signedAt: Date | null
  sentBackReason: SendBackReason | null
  /** Their own item to go on with, when it was sent back. */
  itemId: string | null
}

/** What a person handed on lately, newest first: one row per report. */
export async function handedOnBy(sql: AnySql, userId: string, since: Date): Promise<FollowedReport[]> {
  return await sql<FollowedReport[]>`
    select r.id as "reportId", o.id as "orderId", o.site_id as "siteId", o.accession, p.name as patient, r.state, s.submitted_at as "handedOnAt",
      coalesce((select string_agg(coalesce(c.name, x.text), ' · ' order by x.position) from procedures x
        left join catalogue c on c.scheme = x.catalogue_scheme and c.code = x.catalogue_code where x.order_id = o.id), '') as procedure,
      s.content->'sections' as own, v.sections as signed, v.agreement, coalesce(v.signer, h.name) as reader, v.signed_at as "signedAt",
      case when r.state = 'SIGN_REJECTED' then s.sent_back_reason end as "sentBackReason",
      (select w.id from work_items w where w.subject_type = 'report' and w.subject_id = r.id and w.kind = 'sent-back'
        and w.state in ('open', 'claimed') limit 1) as "itemId"
    from (select distinct on (report_id) * from report_submissions
        where author_id = ${userId} and submitted_at > ${since} order by report_id, number desc) s
      join reports r on r.id = s.report_id join orders o on o.id = r.order_id join patients p on p.id = o.patient_id
      left join lateral (select v.content->'sections' as sections, v.agreement, v.signed_at, u.name as signer
        from report_versions v join users u on u.id = v.signer_id
        where v.report_id = r.id and v.kind = 'final' and v.recalled_at is null order by v.version desc limit 1) v on true
      left join lateral (select u.name from work_items w join users u on u.id = w.holder
        where w.subject_type = 'report' and w.subject_id = r.id and w.kind in ('over-read', 'sign') and w.state = 'claimed' limit 1) h on true
    where r.state <> 'CANCELLED'
    order by s.submitted_at desc, r.id limit 200`
}
