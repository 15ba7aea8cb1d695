/** Reports: a draft saved under its fence, versions that never change, a signature with its proof. */
import { RadiologyError } from '#domain/errors.ts'
import {
  CONSISTENCY_CHECKS,
  type ConsistencyCheck,
  type Contradiction,
  contradictions,
  type ExamFacts,
} from '#domain/report-consistency.ts'
import type { Priority, ReportVersionKind } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import type { Department } from '../department.ts'
import { examConsistency } from '../queries/exam-consistency.ts'
import { ulid } from '../ulid.ts'
import { authored, withCommunications } from '../queries/communications.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { ordersOfReport, releaseVersion } from './release.ts'
import { addVersion, type ReportContent, setRecallTime, tell } from './report-versions.ts'
import { completeHeld, type ItemRow, lockItem } from './work-items.ts'

export interface UnderFence {
  itemId: string
  fence: number
  reportId: string
}

/**
 * The report of a reading item: the unfinished one over its study's procedures, made when there is none.
 * Safe to repeat: two callers get the same report.
 */
export async function openReport(
  department: Department,
  act: Act,
  { itemId }: { itemId: string },
): Promise<{ reportId: string }> {
  return mutate(department, act, 'open-report', async (scope) => {
    const item = await lockItem(scope, itemId)
    return { reportId: await reportOf(scope, item) }
  })
}

async function reportOf(scope: Scope, item: ItemRow): Promise<string> {
  const { sql, act } = scope
  if (item.subject_type === 'report') return item.subject_id
  const procedures = await sql<{ id: string; order_id: string; report_id: string | null }[]>`
    select p.id, p.order_id, (select r.id from report_procedures rp join reports r on r.id = rp.report_id
        where rp.procedure_id = p.id and r.state <> 'CANCELLED' limit 1) as report_id
    from study_links l join procedures p on p.id = l.procedure_id
    where l.study_id = ${item.subject_id} and l.undone_at is null and p.end_kind is null order by p.order_id, p.position`
  const known = procedures.find((procedure) => procedure.report_id)?.report_id
  if (known) return known
  if (procedures.length === 0) throw new RadiologyError('not-found', { itemId: item.id })
  const reportId = ulid()
  await sql`
    insert into reports (id, order_id, site_id, author_id, created_at)
    values (${reportId}, ${item.order_id}, ${item.site_id}, ${act.actor.id}, ${act.now})`
  for (const { id } of procedures) await sql`insert into report_procedures values (${reportId}, ${id})`
  return reportId
}

/**
 * Saves the draft of the tenure's holder. A stale writer's text is kept as a stray draft, never lost, never merged.
 * @throws RadiologyError 'stale-fence' | 'lease-expired' after keeping the text; 'report-final' once signed
 */
export async function saveDraft(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content }: UnderFence & { content: ReportContent },
): Promise<{ savedAt: Date; revision: number }> {
  const saved = await mutate(department, act, 'save-draft', async (scope) => {
    const { sql } = scope
    const [row] = await sql<{ revision: number; first: boolean }[]>`
      insert into report_drafts (report_id, content, saved_by, saved_at, fence)
      select r.id, ${sql.json(content as never)}, ${act.actor.id}, ${act.machineNow}, ${fence} from reports r, work_items w
      where r.id = ${reportId} and r.state not in ('FINAL', 'ADDENDED', 'CORRECTED', 'CANCELLED')
        and w.id = ${itemId} and w.state = 'claimed' and w.holder = ${act.actor.id} and w.fence = ${fence}
      on conflict (report_id) do update set content = excluded.content, saved_by = excluded.saved_by,
        saved_at = excluded.saved_at, fence = excluded.fence,
        revision = case when report_drafts.fence = excluded.fence then report_drafts.revision + 1 else 1 end
      returning revision, revision = 1 as first`
    if (!row) return null
    if (row.first) await noteFirstSave(scope, reportId)
    return { savedAt: act.machineNow, revision: row.revision }
  })
  return saved ?? (await keepStray(department, act, { itemId, fence, reportId, content }))
}

async function noteFirstSave(scope: Scope, reportId: string): Promise<void> {
  await scope.sql`update reports set author_id = ${scope.act.actor.id} where id = ${reportId} and state = 'DRAFT'`
  for (const { order_id } of await ordersOfReport(scope, reportId)) {
    scope.append(order_id, { type: 'report.saved', data: { reportId } })
  }
}

async function keepStray(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content }: UnderFence & { content: ReportContent },
): Promise<never> {
  const { sql } = department
  await sql`
    insert into stray_drafts (id, report_id, content, written_by, at, fence)
    select ${ulid()}, id, ${sql.json(content as never)}, ${act.actor.id}, ${act.machineNow}, ${fence} from reports where id = ${reportId}`
  const [report] = await sql<{ state: string }[]>`select state from reports where id = ${reportId}`
  if (!report) throw new RadiologyError('not-found', { reportId })
  if (['FINAL', 'ADDENDED', 'CORRECTED'].includes(report.state))
    throw new RadiologyError('report-final', { reportId })
  const [item] = await sql<{ state: string }[]>`select state from work_items where id = ${itemId}`
  throw new RadiologyError(item?.state === 'open' ? 'lease-expired' : 'stale-fence', { itemId, fence })
}

/**
 * Releases a preliminary version: an urgent word must go out. A resident's completes the item; a radiologist goes on
 * reading. The same words again under the same fence are the version that went out: nobody is told twice.
 */
export async function issuePreliminary(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content }: UnderFence & { content: ReportContent },
): Promise<{ version: number }> {
  return mutate(department, act, 'issue-preliminary', async (scope) => {
    const item = await lockReading(scope, itemId, reportId)
    await mustBeAbleOnItem(scope, 'preliminary', item)
    await mustHold(scope, item, fence)
    const said = await preliminarySaid(scope, { itemId, fence, reportId, content })
    if (said !== null) return { version: said }
    await transition(scope, reportId, ['DRAFT', 'WET_READ', 'PRELIM', 'SIGN_REJECTED'], 'PRELIM')
    const version = await addVersion(scope, {
      reportId,
      itemId,
      fence,
      kind: 'preliminary',
      content,
      signedAt: null,
    })
    if (!act.actor.roles.includes('radiologist')) {
      await scope.sql`update reports set submissions = submissions + 1, submitted_at = ${act.now} where id = ${reportId}`
      await completeHeld(scope, item, fence, { reportId, version })
    }
    await tell(scope, reportId, 'report.preliminary', { version })
    await releaseVersion(scope, { reportId, version })
    return { version }
  })
}

async function preliminarySaid(
  { sql }: Scope,
  { itemId, fence, reportId, content }: UnderFence & { content: ReportContent },
): Promise<number | null> {
  const [newest] = await sql<{ version: number; isSame: boolean }[]>`
    select version, kind = 'preliminary' and item_id = ${itemId} and fence = ${fence}
      and content->'sections' = ${sql.json(content.sections as never)}::jsonb as "isSame"
    from report_versions where report_id = ${reportId} order by version desc limit 1`
  return newest?.isSame ? newest.version : null
}

export interface Signature extends UnderFence {
  content: ReportContent
  /** The signer proved again who they are, just now. */
  reauthenticated: boolean
}

/**
 * Signs the final version: item held, re-authenticated, checks passed, identity trusted. The version is written,
 * the item completed, and without recall time its deliveries queued, all in one transaction.
 * @throws RadiologyError 'reauthentication-required' | 'check-failed' | 'identity-provisional' | 'stale-fence' | 'report-final'
 */
export async function signReport(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content, reauthenticated }: Signature,
  const { sections } = await withCommunications(sql, reportId, { kind, sections: content.sections })
): Promise<{ version: number; releaseAt: Date }> {
  return mutate(department, act, 'sign-report', async (scope) => {
    const item = await lockReading(scope, itemId, reportId)
    await mustBeAbleOnItem(scope, 'sign', item, { reauthenticated })
    await mustHold(scope, item, fence)
    await mustPassChecks(scope, reportId, content)
    await transition(
      scope,
      reportId,
      ['DRAFT', 'WET_READ', 'PRELIM', 'PENDING_SIGN', 'SIGN_REJECTED'],
      'FINAL',
    )
    const version = await addVersion(scope, {
      reportId,
      itemId,
      fence,
      kind: 'final',
      content,
      signedAt: act.now,
    })
    await completeHeld(scope, item, fence, { reportId, version })
    const releaseAt = await setRecallTime(scope, {
      reportId,
      version,
      priority: item.priority as Priority,
    })
    await tell(scope, reportId, 'report.signed', { version, recallUntil: releaseAt.toISOString() })
    scope.audit({ subject: `order:${item.order_id}`, type: 'report.signed', data: { reportId, version } })
    if (releaseAt <= act.now) await releaseVersion(scope, { reportId, version })
    return { version, releaseAt }
  })
}

async function lockReading(scope: Scope, itemId: string, reportId: string): Promise<ItemRow> {
  for (const { order_id } of await ordersOfReport(scope, reportId)) await scope.lockOrder(order_id)
  const item = await lockItem(scope, itemId)
  if (!['read', 'sign', 'over-read', 'sent-back'].includes(item.kind))
    throw new RadiologyError('not-found', { itemId })
  if ((await reportOf(scope, item)) !== reportId) throw new RadiologyError('not-found', { itemId, reportId })
  return item
}

async function mustHold({ act }: Scope, item: ItemRow, fence: number): Promise<void> {
  if (item.state === 'completed') throw new RadiologyError('report-final', { itemId: item.id })
  if (item.state !== 'claimed') throw new RadiologyError('not-holder', { itemId: item.id })
  if (item.holder !== act.actor.id || item.fence !== fence)
    throw new RadiologyError('stale-fence', { itemId: item.id, fence })
}

async function transition({ sql }: Scope, reportId: string, from: string[], to: string): Promise<void> {
  const [row] =
    await sql`update reports set state = ${to} where id = ${reportId} and state = any(${from}) returning id`
  if (row) return
  const [now] = await sql<{ state: string }[]>`select state from reports where id = ${reportId}`
  const final = ['FINAL', 'ADDENDED', 'CORRECTED'].includes(now?.state ?? '')
  throw new RadiologyError(final ? 'report-final' : 'illegal-transition', {
    reportId,
    from: now?.state,
    event: to,
  })
}

// Red checks block final, never preliminary: an urgent word must go out, a final one must not go to the wrong person.
export async function mustPassChecks(scope: Scope, reportId: string, content: ReportContent): Promise<void> {
  for (const check of await departmentChecks(scope, reportId, content)) {
    if (check.state === 'blocks') throw new RadiologyError(check.refusal, { reportId, check: check.id })
  }
}

export interface ReportCheck {
  id: 'sections' | 'identity' | 'identity-exception' | 'critical' | 'complete' | ConsistencyCheck
  state: 'ok' | 'look' | 'blocks'
  refusal: 'check-failed' | 'identity-provisional'
  /** The words to look at. */
/** The first check that keeps words from being signed; null when none does. */
export async function blockingCheck(
  reader: { sql: AnySql },
  reportId: string,
  content: ReportContent,
): Promise<ReportCheck | null> {
  const checks = await departmentChecks(reader, reportId, content)
  return (
    checks.find(({ state, id }) => state === 'blocks' && id !== 'critical') ??
    checks.find(({ state }) => state === 'blocks') ??
    null
  )
}

  at?: Contradiction
}

/** What is looked at before a signature, in the order in which a screen shows it, and the exam that the words are held against. */
export async function reportChecks(
  reader: { sql: AnySql },
  reportId: string,
  content: ReportContent,
): Promise<{ checks: ReportCheck[]; exam: ExamFacts }> {
  const exam = await examConsistency(reader.sql, reportId)
  const checks = await departmentChecks(reader, reportId, content)
  const found = contradictions(content.sections, exam)
  const look = (id: ConsistencyCheck): ReportCheck => {
    const at = found[id]
    return { id, refusal: 'check-failed', ...(at ? { state: 'look', at } : { state: 'ok' }) }
  }
  return { checks: [...checks, ...CONSISTENCY_CHECKS.map(look)], exam }
}

async function departmentChecks(
  { sql }: { sql: AnySql },
  reportId: string,
  content: ReportContent,
): Promise<ReportCheck[]> {
  const [facts] = await sql<{ provisional: boolean; doubt: boolean; incomplete: boolean; untold: boolean }[]>`
    select exists (select 1 from critical_results c where c.report_id = ${reportId} and c.state = 'open') as untold,
      bool_or(pt.trust <> 'trusted') as provisional,
      bool_or(exists (select 1 from exceptions e where e.order_id = o.id and e.kind = 'identity' and e.state = 'open')) as doubt,
      bool_or(exists (select 1 from study_links l join studies s on s.id = l.study_id
        where l.procedure_id = p.id and l.undone_at is null and s.completeness = 'incomplete')) as incomplete
    from report_procedures rp join procedures p on p.id = rp.procedure_id join orders o on o.id = p.order_id
      join patients pt on pt.id = o.patient_id where rp.report_id = ${reportId}`
  const written = (key: string) =>
    content.sections.some((section) => section.key === key && section.text.trim() !== '')
  return [
    {
      id: 'sections',
      state: written('findings') && written('impression') ? 'ok' : 'blocks',
      refusal: 'check-failed',
    },
    { id: 'identity', state: facts?.provisional ? 'blocks' : 'ok', refusal: 'identity-provisional' },
    { id: 'identity-exception', state: facts?.doubt ? 'blocks' : 'ok', refusal: 'check-failed' },
    { id: 'complete', state: facts?.incomplete ? 'look' : 'ok', refusal: 'check-failed' },
  ]
}

/**
    { id: 'critical', state: facts?.untold ? 'blocks' : 'ok', refusal: 'check-failed' },
 * Takes a signature back before it went out; the item opens again, already claimed by the signer.
 * @throws RadiologyError 'recall-expired' once released, 'forbidden' for anybody but the signer
 */
export async function recallReport(
  department: Department,
  act: Act,
  { reportId, version }: { reportId: string; version: number },
): Promise<void> {
  await mutate(department, act, 'recall-report', async (scope) => {
    const { sql } = scope
    const orders = await ordersOfReport(scope, reportId)
    for (const { order_id } of orders) await scope.lockOrder(order_id)
    const [row] = await sql<{ kind: ReportVersionKind; content: ReportContent }[]>`
      update report_versions set recalled_at = ${act.now}
      where report_id = ${reportId} and version = ${version} and signer_id = ${act.actor.id}
        and released_at is null and recalled_at is null and recall_until > ${act.now} returning kind, content`
    if (!row) throw new RadiologyError('recall-expired', { reportId, version })
    await standsAsBefore(scope, { reportId, version, recalled: row.kind })
    await sql`
      insert into report_drafts (report_id, content, saved_by, saved_at, fence)
      values (${reportId}, ${sql.json({ sections: authored(row.content.sections) } as never)}, ${act.actor.id}, ${act.machineNow}, ${isAmendment(row.kind) ? row.fence + 1 : 0})
      on conflict (report_id) do nothing`
    await tell(scope, reportId, 'report.recalled', { version })
  })
}

const STANDS_AS: Partial<Record<ReportVersionKind, string>> = {
  'wet-read': 'WET_READ',
  preliminary: 'PRELIM',
  final: 'FINAL',
  addendum: 'ADDENDED',
  correction: 'CORRECTED',
}

/** The report is what the version before made it; a recalled addendum or correction is open again. */
async function standsAsBefore(
  { sql, act }: Scope,
  { reportId, version, recalled }: { reportId: string; version: number; recalled: ReportVersionKind },
): Promise<void> {
  const [before] = await sql<{ kind: ReportVersionKind }[]>`
    select kind from report_versions where report_id = ${reportId} and version < ${version} and recalled_at is null
    order by version desc limit 1`
  const amendment = recalled === 'addendum' || recalled === 'correction' ? recalled : null
  await sql`
    update reports set state = ${(before && STANDS_AS[before.kind]) ?? 'DRAFT'}, amendment = ${amendment},
      amendment_opened_at = ${amendment && act.now} where id = ${reportId}`
}
