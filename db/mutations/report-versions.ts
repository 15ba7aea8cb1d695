/** Report versions: what is hashed and kept for ever, when it goes out, and what the timeline says of it. */
import type { WrittenSection } from '#domain/report-text.ts'
import type { Agreement, EventType, Priority, ReportState, ReportVersionKind } from '#domain/words.ts'
import { withCommunications } from '../queries/communications.ts'
import { policyOf } from '../queries/policy.ts'
import type { Scope } from './mutate.ts'
import { ordersOfReport } from './release.ts'

/** Plain text with line breaks, by section: findings, impression and what else the template has. */
export interface ReportContent {
  sections: WrittenSection[]
}

export interface NewVersion {
  reportId: string
  /** Null where no work item asked for it: an addendum, a correction. */
  itemId: string | null
  fence: number
  kind: ReportVersionKind
  content: ReportContent
  signedAt: Date | null
  /** The over-reader's grade of the words that were handed on. */
  agreement?: Agreement | null
  /** What the report was before this signature: where a recall brings it back to. */
  stateBefore?: ReportState | null
}

/** The next version; a signed one takes the draft with it. */
export async function addVersion(
  scope: Scope,
  { reportId, itemId, fence, kind, content, signedAt, agreement = null, stateBefore = null }: NewVersion,
): Promise<number> {
  const { sql, act } = scope
  // A final report may be another's words, checked; every other version is written by whoever gives it.
  const isOwn = kind !== 'final'
  const whole = await wholeContent(scope, reportId, { kind, content, signedAt })
  const [row] = await sql<{ version: number }[]>`
    insert into report_versions (report_id, version, kind, content, content_hash, author_id, signer_id, signed_at,
      reauthenticated, item_id, fence, created_at, agreement, state_before)
    select ${reportId}, coalesce(max(version), 0) + 1, ${kind}, c.content, encode(sha256(convert_to(c.content::text, 'UTF8')), 'hex'),
      coalesce(${isOwn ? act.actor.id : null}, (select author_id from reports where id = ${reportId}), ${act.actor.id}),
      ${signedAt ? act.actor.id : null}, ${signedAt}, ${signedAt !== null}, ${itemId}, ${fence}, ${act.now},
      ${agreement}, ${stateBefore}
    from (select ${sql.json(whole as never)}::jsonb as content) c
      left join report_versions v on v.report_id = ${reportId} group by c.content returning version`
  await sql`delete from report_drafts where report_id = ${reportId} and ${signedAt !== null}`
  return row!.version
}

// What is hashed is what was signed: the words, what they are about, and who signed when.
async function wholeContent(
  { sql, act }: Scope,
  reportId: string,
  { kind, content, signedAt }: { kind: string; content: ReportContent; signedAt: Date | null },
) {
  const procedures = await sql`
    select p.id, p.requested_procedure_id as "requestedProcedureId", p.study_uid as "studyInstanceUid", o.accession
    from report_procedures rp join procedures p on p.id = rp.procedure_id join orders o on o.id = p.order_id
    where rp.report_id = ${reportId} order by o.id, p.position`
  const { sections, criticalIds } = await withCommunications(sql, reportId, {
    kind,
    sections: content.sections,
  })
  return {
    kind,
    sections,
    ...(criticalIds.length > 0 ? { criticalResults: criticalIds } : {}),
    procedures: [...procedures],
    signerId: signedAt ? act.actor.id : null,
    signedAt: signedAt?.toISOString() ?? null,
  }
}

/** Until when its signer may take it back; the instant of its release. */
export async function setRecallTime(
  { sql, act }: Scope,
  { reportId, version, priority }: { reportId: string; version: number; priority: Priority },
): Promise<Date> {
  const { recallMs } = await policyOf(sql)
  const releaseAt = new Date(act.now.getTime() + recallMs[priority])
  await sql`update report_versions set recall_until = ${releaseAt} where report_id = ${reportId} and version = ${version}`
  return releaseAt
}

/** Appends the event to every order that the report is about. */
export async function tell(
  scope: Scope,
  reportId: string,
  type: EventType,
  data: Record<string, unknown>,
): Promise<void> {
  for (const { order_id } of await ordersOfReport(scope, reportId)) {
    scope.append(order_id, { type, data: { reportId, ...data } })
  }
}
