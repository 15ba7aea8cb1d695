/** The addendum that a told critical result asks of a report that is out: signed at once, or opened for its signer. */
import { can } from '#domain/permissions.ts'
import { SIGNED_STATES } from '#domain/report.ts'
import { communicationsOf, withCommunications } from '../queries/communications.ts'
import { ADDENDUM, type Amended, lockAmended, openDraft, signDraft } from './amendments.ts'
import type { Scope } from './mutate.ts'
import { blockingCheck } from './reports.ts'

/** What an amendment of another's report is opened with, where nobody gave a reason. */
const REASON = 'critical result communicated'

/**
 * Null where the words go out with the report's next version anyway: it is not signed, not released, being amended,
 * or says it already. Level-triggered, so that a release or a recall later asks the same question again.
 */
export async function addendumForTold(
  scope: Scope,
  { reportId, reauthenticated }: { reportId: string; reauthenticated: boolean },
): Promise<'signed' | 'opened' | null> {
  if (!(await isOwed(scope, reportId))) return null
  const amended = await lockAmended(scope, reportId)
  const { sections } = await withCommunications(scope.sql, reportId, {
    kind: 'addendum',
    sections: [{ key: ADDENDUM, text: '' }],
  })
  const words = { sections }
  if (reauthenticated && (await maySignNow(scope, amended))) {
    await signDraft(scope, amended, { kind: 'addendum', content: words, fence: 0 })
    return 'signed'
  }
  const holder = scope.act.actor.roles.includes('radiologist') ? scope.act.actor.id : amended.signerId
  if (holder === null) return null
  await openDraft(scope, reportId, { kind: 'addendum', content: words, reason: REASON, holder })
  return 'opened'
}

/** For every report of the order, after a release or a recall changed what is out. */
export async function openOwedAddenda(scope: Scope, orderId: string): Promise<void> {
  const rows = await scope.sql<{ id: string }[]>`
    select distinct rp.report_id as id from report_procedures rp join procedures p on p.id = rp.procedure_id
    where p.order_id = ${orderId} and exists (select 1 from critical_results c where c.state = 'closed'
      and (c.report_id = rp.report_id or c.id in (select m.critical_id from critical_moves m
        where m.to_order_id = ${orderId} and m.undone_at is null))) order by 1`
  for (const { id } of rows) await addendumForTold(scope, { reportId: id, reauthenticated: false })
}

async function isOwed({ sql }: Scope, reportId: string): Promise<boolean> {
  const [row] = await sql<{ isOut: boolean }[]>`
    select r.state = any(${[...SIGNED_STATES]}) and r.amendment is null and coalesce((
      select v.released_at is not null from report_versions v where v.report_id = r.id and v.recalled_at is null
      order by v.version desc limit 1), false) as "isOut" from reports r where r.id = ${reportId}`
  if (!row?.isOut) return false
  return (await communicationsOf(sql, reportId)).some(({ isSigned }) => !isSigned)
}

async function maySignNow(scope: Scope, amended: Amended): Promise<boolean> {
  const { siteId, signerId, why, reportId, standing } = amended
  const right = can(scope.act.actor, 'addendum', {
    ...{ siteId, ownerId: signerId, eligible: why === null },
    ...{ reason: REASON, reauthenticated: true },
  })
  if (!right.allowed) return false
  // Another critical result that is still open keeps nobody from writing down that this one was told.
  const blocks = await blockingCheck(scope, reportId, standing)
  return blocks === null || blocks.id === 'critical'
}
