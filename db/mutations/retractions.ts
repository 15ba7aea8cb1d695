/** A word that is out and must not be relied upon: two radiologists take it back, and everybody who got it hears so. */
import { RadiologyError } from '#domain/errors.ts'
import { type Actor, mustBeAble } from '#domain/permissions.ts'
import type { RetractReason } from '#domain/report.ts'
import type { Department } from '../department.ts'
import { sectionsOf } from '../queries/report-content.ts'
import { ulid } from '../ulid.ts'
import { lockAmended } from './amendments.ts'
import { closeExceptionIn } from './exceptions.ts'
import { moveReport } from './held-reading.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { ordersOfReport, releaseVersion } from './release.ts'
import { reopenOrder } from './reopened-order.ts'
import { addVersion, tell } from './report-versions.ts'

export interface Retraction {
  reportId: string
  /** The newest version that whoever withdraws it was shown. */
  version: number
  reason: RetractReason | null
  /** Whoever withdraws it proved again who they are, just now. */
  reauthenticated: boolean
  secondPerson: Actor | null
}

/**
 * Withdraws what is out of a report, first words too: a version that says so goes to everybody, the report is over, and its
 * exams are to be read again. Words that were being written are kept aside.
 * @throws RadiologyError 'reason-required', 'reauthentication-required', 'second-person-required', 'not-released' while it
 * may be recalled, 'illegal-transition' for one of which nothing is out, or to which words came since
 */
export async function retractReport(
  department: Department,
  act: Act,
  { reportId, version: shown, reason, reauthenticated, secondPerson }: Retraction,
): Promise<{ version: number }> {
  return mutate(department, act, 'retract-report', async (scope) => {
    const { siteId } = await lockAmended(scope, reportId)
    mustBeAble(act.actor, 'retract', { siteId, reason, reauthenticated, secondPerson })
    const newest = await newestOf(scope, reportId)
    await moveReport(scope, reportId, 'retract')
    if (newest !== shown) throw new RadiologyError('illegal-transition', { reportId, event: 'retract' })
    await setWordsAside(scope, reportId)
    const withdrawn = await sectionsOf(scope.sql, { report_id: reportId, version: newest })
    const sections = withdrawn.map(({ key, text, fields }) => ({
      key,
      text,
      ...(fields.length > 0 ? { fields: [...fields] } : {}),
    }))
    const version = await addVersion(scope, {
      reportId,
      itemId: null,
      fence: 0,
      kind: 'withdrawal',
      content: { sections },
      signedAt: act.now,
    })
    for (const { order_id } of await ordersOfReport(scope, reportId)) await reopenOrder(scope, order_id)
    const said = { version, reason, second: secondPerson?.id ?? null }
    await tell(scope, reportId, 'report.retracted', said)
    scope.audit({ subject: `report:${reportId}`, type: 'report.retracted', data: { reportId, ...said } })
    await releaseVersion(scope, { reportId, version })
    await settleDoubt(scope, reportId)
    return { version }
  })
}

async function newestOf({ sql }: Scope, reportId: string): Promise<number> {
  const [row] = await sql<{ newest: number }[]>`
    select coalesce(max(version), 0) as newest from report_versions
    where report_id = ${reportId} and recalled_at is null`
  return row!.newest
}

async function setWordsAside({ sql, act }: Scope, reportId: string): Promise<void> {
  await sql`
    insert into stray_drafts (id, report_id, content, written_by, at, fence)
    select ${ulid()}, report_id, content, saved_by, ${act.machineNow}, fence from report_drafts where report_id = ${reportId}`
  await sql`
    update reports set amendment = null, amendment_opened_at = null where id = ${reportId} and amendment is not null`
}

/** Images had been moved away from what was said of them, or their exam ended without a report: it is said no more. */
async function settleDoubt(scope: Scope, reportId: string): Promise<void> {
  const open = await scope.sql<{ id: string }[]>`
    select id from exceptions where kind = 'conflict' and state = 'open'
      and key in ${scope.sql([`moved:${reportId}`, `ended:${reportId}`])} order by id`
  for (const { id } of open) await closeExceptionIn(scope, id)
}
