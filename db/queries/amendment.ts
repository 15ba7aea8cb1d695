/** A report that is out, as whoever amends it needs it: what stands, what is being written, and by whom. */
import { SIGNED_STATES } from '#domain/report.ts'
import type { ReportState } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import type { AmendmentKind } from '../mutations/amendments.ts'
import { inDepartmentTime } from './department-time.ts'

export interface AmendedReport {
  id: string
  orderId: string
  siteId: string
  state: ReportState
  /** Who signed last: nobody else amends it without a reason. */
  signerId: string | null
  /** The newest version has left the department. */
  isOut: boolean
  open: OpenAmendment | null
  /** Versions that were not taken back, oldest first; the text and what was added to it. */
  stands: StandingVersion[]
  studies: string[]
  /** Images that came after the report and that nobody has answered yet: from when to when; null without any. */
  lateImages: { since: Date; until: Date } | null
}

export interface OpenAmendment {
  kind: AmendmentKind
  since: Date
  holder: { id: string; name: string }
  fence: number
  sections: { key: string; text: string }[]
  /** By the department's clock. */
  savedAt: Date
  revision: number
  /** The window of its writer that it was written in. */
  window: string | null
}

export interface StandingVersion {
  version: number
  kind: string
  sections: { key: string; text: string }[]
  signer: string | null
  at: Date
}

/** Null when there is no such report or nothing of it was signed; the caller has checked the right to see it. */
export async function amendedReport(sql: AnySql, reportId: string): Promise<AmendedReport | null> {
  const [report] = await sql<ReportRow[]>`
    select r.id, r.order_id as "orderId", r.site_id as "siteId", r.state, r.amendment, r.amendment_opened_at as since,
      d.content, d.saved_by as "savedBy", ${inDepartmentTime(sql, sql`d.saved_at`)} as "savedAt", d.fence, d.revision, d.written_in as window, u.name as "savedByName",
      array(select distinct s.study_uid from report_procedures rp join study_links l on l.procedure_id = rp.procedure_id
        join studies s on s.id = l.study_id where rp.report_id = r.id and l.undone_at is null) as studies
    from reports r left join report_drafts d on d.report_id = r.id left join users u on u.id = d.saved_by
    where r.id = ${reportId} and r.state = any(${[...SIGNED_STATES]})`
  if (!report) return null
  const versions = await sql<(StandingVersion & { signerId: string | null; isOut: boolean })[]>`
    select v.version, v.kind, v.content->'sections' as sections, v.signer_id as "signerId", u.name as signer,
      coalesce(v.signed_at, v.created_at) as at, v.released_at is not null as "isOut"
    from report_versions v left join users u on u.id = v.signer_id
    where v.report_id = ${reportId} and v.recalled_at is null order by v.version`
  const [late] = await sql<{ since: Date | null; until: Date | null }[]>`
    select min((b->>'at')::timestamptz) as since, max((b->>'at')::timestamptz) as until
    from studies s cross join jsonb_array_elements(s.late_batches) b
    where s.study_uid = any(${report.studies}) and b->>'answeredAt' is null`
  const text = versions.findLastIndex(({ kind }) => kind !== 'addendum')
  const { id, orderId, siteId, state, studies } = report
  return {
    ...{ id, orderId, siteId, state, studies },
    signerId: versions.at(-1)?.signerId ?? null,
    isOut: versions.at(-1)?.isOut ?? false,
    open: openOf(report),
    lateImages: late?.since && late.until ? { since: late.since, until: late.until } : null,
    stands: versions.slice(Math.max(0, text)).map(({ version, kind, sections, signer, at }) => ({
      ...{ version, kind, sections, signer, at },
    })),
  }
}

function openOf({
  amendment,
  since,
  content,
  savedBy,
  savedByName,
  savedAt,
  fence,
  revision,
  window,
}: ReportRow): OpenAmendment | null {
  if (amendment === null || content === null) return null
  return {
    ...{ kind: amendment, since, fence, savedAt, revision, window },
    holder: { id: savedBy, name: savedByName },
    sections: content.sections,
  }
}

interface ReportRow extends Pick<AmendedReport, 'id' | 'orderId' | 'siteId' | 'state' | 'studies'> {
  amendment: AmendmentKind | null
  since: Date
  content: { sections: { key: string; text: string }[] } | null
  savedBy: string
  savedByName: string
  savedAt: Date
  fence: number
  revision: number
  window: string | null
}
