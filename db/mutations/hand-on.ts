/** Handing a report on for a second pair of eyes, and handing it back to its author. */
import { RadiologyError } from '#domain/errors.ts'
import { isSendBackReason } from '#domain/over-read.ts'
import { draftSections } from '#domain/report-text.ts'
import type { Department } from '../department.ts'
import {
  doneBefore,
  lockReading,
  moveReport,
  mustBeFree,
  mustHold,
  noteAuthor,
  type UnderFence,
} from './held-reading.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { completeTogether } from './read-together.ts'
import { type ReportContent, tell } from './report-versions.ts'
import { completeHeld } from './work-items.ts'
import { mustBeNewest } from './written-in.ts'

/**
 * Submits a report for somebody else's signature: the words are kept as they are, the item is done, and nobody outside
 * hears of it. Submitted already, it stays so.
 */
export async function submitReport(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content, beside, writtenIn }: UnderFence & { content: ReportContent },
): Promise<{ submission: number }> {
  return mutate(department, act, 'submit-report', async (scope) => {
    const item = await lockReading(scope, itemId, reportId)
    await mustBeAbleOnItem(scope, 'submit-report', item)
    const done = doneBefore<{ submission?: number }>(scope, item, fence)
    if (done?.submission !== undefined) return { submission: done.submission }
    await mustHold(scope, item, fence)
    await mustBeNewest(scope, { reportId, fence, writtenIn })
    await mustBeFree(scope, item, reportId)
    const moved = await moveReport(scope, reportId, 'submit')
    if (moved === null) return { submission: await submissionsOf(scope, reportId) }
    await noteAuthor(scope, item, reportId)
    const submission = await handOn(scope, { reportId, content, version: null })
    await completeTogether(scope, item, { fence, beside, result: { reportId, submission } })
    await tell(scope, reportId, 'report.submitted', { submission })
    return { submission }
  })
}

/**
 * Counts the submission and keeps its words: what whoever signs writes over them can be told from them for ever. The
 * draft goes on from these words, under nobody's fence.
 * @param version the preliminary that went out with it; null when nothing did
 */
export async function handOn(
  { sql, act }: Scope,
  { reportId, content, version }: { reportId: string; content: ReportContent; version: number | null },
): Promise<number> {
  const [row] = await sql<{ submissions: number }[]>`
    update reports set submissions = submissions + 1, submitted_at = ${act.now}, sent_back_at = null
    where id = ${reportId} returning submissions`
  const { submissions } = row!
  const words = sql.json({ sections: content.sections } as never)
  const draft = sql.json({ sections: draftSections(content.sections) } as never)
  await sql`
    insert into report_submissions (report_id, number, author_id, content, submitted_at, version)
    values (${reportId}, ${submissions}, ${act.actor.id}, ${words}, ${act.now}, ${version})`
  await sql`
    insert into report_drafts (report_id, content, saved_by, saved_at, fence)
    values (${reportId}, ${draft}, ${act.actor.id}, ${act.machineNow}, 0)
    on conflict (report_id) do update set content = excluded.content, saved_by = excluded.saved_by,
      saved_at = excluded.saved_at, fence = 0, revision = 1`
  return submissions
}

export interface SentBack extends UnderFence {
  /** One of `SEND_BACK_REASONS`. */
  reason: string
  /** What its author should do; needed where the reason says nothing. */
  words?: string | null
  /** Whoever sends it back proved again who they are, just now. */
  reauthenticated: boolean
}

/**
 * Sends a submitted report back to its author, with a reason; after four hours any radiologist of the area may take it.
 * @throws RadiologyError 'reason-required', 'reauthentication-required', 'illegal-transition' for a preliminary: that is out
 */
export async function sendBackReport(
  department: Department,
  act: Act,
  { itemId, fence, reportId, reason, words, reauthenticated }: SentBack,
): Promise<void> {
  await mutate(department, act, 'send-back-report', async (scope) => {
    const { sql } = scope
    const item = await lockReading(scope, itemId, reportId)
    await mustBeAbleOnItem(scope, 'send-back', item, { reauthenticated })
    if (doneBefore<{ sentBack?: boolean }>(scope, item, fence)?.sentBack) return
    await mustHold(scope, item, fence)
    const said = words?.trim() || null
    if (!isSendBackReason(reason) || (reason === 'other' && said === null))
      throw new RadiologyError('reason-required', { reportId })
    if ((await moveReport(scope, reportId, 'send-back')) === null) return
    const [row] = await sql<{ submissions: number }[]>`
      update reports set sent_back_at = ${act.now} where id = ${reportId} returning submissions`
    const { submissions: submission } = row!
    await sql`
      update report_submissions set sent_back_at = ${act.now}, sent_back_by = ${act.actor.id}, sent_back_reason = ${reason},
        sent_back_words = ${said} where report_id = ${reportId} and number = ${submission}`
    // The draft may hold what the over-reader wrote: its author goes on from there, in a tenure of their own.
    await sql`update report_drafts set fence = 0, revision = 1 where report_id = ${reportId}`
    await completeHeld(scope, item, fence, { reportId, submission, sentBack: true })
    await tell(scope, reportId, 'report.sent-back', { submission, reason })
    scope.audit({
      subject: `order:${item.order_id}`,
      type: 'report.sent-back',
      data: { reportId, submission, reason },
    })
  })
}

async function submissionsOf({ sql }: Scope, reportId: string): Promise<number> {
  const [row] = await sql<{ submissions: number }[]>`select submissions from reports where id = ${reportId}`
  return row!.submissions
}
