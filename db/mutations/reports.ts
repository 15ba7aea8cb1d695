/** Reports: a draft saved under its fence, versions that never change, a signature with its proof. */
import { RadiologyError } from '#domain/errors.ts'
import { gradeIsDue, wetReadOf } from '#domain/over-read.ts'
import { isSigned, SIGNED_STATES } from '#domain/report.ts'
import {
  CONSISTENCY_CHECKS,
  type ConsistencyCheck,
  type Contradiction,
  contradictions,
  type ExamFacts,
} from '#domain/report-consistency.ts'
import { draftSections, openField } from '#domain/report-text.ts'
import type { Agreement, Priority, ReportVersionKind, Role } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import type { Department } from '../department.ts'
import { authored, withCommunications } from '../queries/communications.ts'
import { examConsistency } from '../queries/exam-consistency.ts'
import { criticalsOf } from '../queries/standing-criticals.ts'
import { handOn } from './hand-on.ts'
import {
  doneBefore,
  keepAside,
  lockReading,
  moveReport,
  mustBeFree,
  mustHold,
  noteAuthor,
  readingsWanted,
  reportOf,
  type UnderFence,
} from './held-reading.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { mustBeAbleOnItem } from './permission.ts'
import { completeTogether } from './read-together.ts'
import { ordersOfReport, releaseVersion } from './release.ts'
import { addVersion, type ReportContent, setRecallTime, tell } from './report-versions.ts'
import { openWanted } from './wanted-work.ts'
import { claimLocked, type ItemRow, lockItem } from './work-items.ts'
import { mustBeNewest, writtenElsewhere } from './written-in.ts'

export type { UnderFence } from './held-reading.ts'

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

/**
 * Saves the draft of the tenure's holder. A stale writer's text is kept as a stray draft, never lost, never merged; so are
 * words of a window that has not seen what another window of the holder wrote.
 * @returns savedAt by the department's clock
 * @throws RadiologyError 'stale-fence' | 'lease-expired' after keeping the text; 'report-final' once signed
 */
export async function saveDraft(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content, writtenIn }: UnderFence & { content: ReportContent },
): Promise<{ savedAt: Date; revision: number }> {
  const saved = await mutate(department, act, 'save-draft', async (scope) => {
    const { sql } = scope
    const window = writtenIn?.window ?? null
    const [row] = await sql<{ revision: number; first: boolean; moved: boolean | null }[]>`
      with before as (select fence, written_in from report_drafts where report_id = ${reportId})
      insert into report_drafts (report_id, content, saved_by, saved_at, fence, written_in)
      select r.id, ${sql.json(content as never)}, ${act.actor.id}, ${act.machineNow}, ${fence}, ${window}
      from reports r, work_items w
      where r.id = ${reportId} and r.state <> all(${[...SIGNED_STATES, 'CANCELLED']})
        and not (r.state = 'PENDING_SIGN' and r.author_id = ${act.actor.id})
        and w.id = ${itemId} and w.state = 'claimed' and w.holder = ${act.actor.id} and w.fence = ${fence}
        and (w.subject_id = r.id or exists (select 1 from report_procedures rp join study_links l on l.procedure_id = rp.procedure_id
          where rp.report_id = r.id and l.study_id = w.subject_id and l.undone_at is null))
      -- Waits for a signature that is being given, and then finds its item done: no words are left over a signed report.
      for share of w
      on conflict (report_id) do update set content = excluded.content, saved_by = excluded.saved_by,
        saved_at = excluded.saved_at, fence = excluded.fence, written_in = excluded.written_in,
        revision = case when report_drafts.fence = excluded.fence then report_drafts.revision + 1 else 1 end
      where report_drafts.fence <> excluded.fence or excluded.written_in is null
        or report_drafts.written_in = excluded.written_in or report_drafts.revision = ${writtenIn?.revision ?? 0}
      returning revision, revision = 1 as first,
        (select b.fence = ${fence} and b.written_in <> ${window} from before b) as moved`
    if (!row) return null
    if (row.first) await noteFirstSave(scope, { reportId, itemId })
    if (row.moved) await tellWindows(scope, reportId)
    return { savedAt: act.now, revision: row.revision }
  })
  return saved ?? (await keepStray(department, act, { itemId, fence, reportId, content }))
}

// Whoever writes a reading is its author; whoever over-reads or mends another's words is not.
async function noteFirstSave(
  scope: Scope,
  { reportId, itemId }: { reportId: string; itemId: string },
): Promise<void> {
  await scope.sql`
    update reports r set author_id = ${scope.act.actor.id} from work_items w
    where r.id = ${reportId} and w.id = ${itemId} and w.kind = 'read'`
  for (const { order_id } of await ordersOfReport(scope, reportId)) {
    scope.append(order_id, { type: 'report.saved', data: { reportId } })
  }
}

/** The window that wrote until now sees at once that another one does. */
async function tellWindows(scope: Scope, reportId: string): Promise<void> {
  for (const { order_id } of await ordersOfReport(scope, reportId)) scope.announce(`order:${order_id}`)
}

async function keepStray(
  { sql }: Department,
  act: Act,
  { itemId, fence, reportId, content }: UnderFence & { content: ReportContent },
): Promise<never> {
  await keepAside({ sql, act }, { reportId, fence, content })
  const [report] = await sql<{ state: string }[]>`select state from reports where id = ${reportId}`
  if (!report) throw new RadiologyError('not-found', { reportId })
  if (isSigned(report.state)) throw new RadiologyError('report-final', { reportId })
  const [item] = await sql<{ state: string; holds: boolean }[]>`
    select state, state = 'claimed' and holder = ${act.actor.id} and fence = ${fence} as holds
    from work_items where id = ${itemId}`
  if (item?.holds && report.state !== 'CANCELLED') throw writtenElsewhere({ reportId, fence })
  throw new RadiologyError(item?.state === 'open' ? 'lease-expired' : 'stale-fence', { itemId, fence })
}

/**
 * Releases a wet read: the impression alone, a short first word before there is a report. The reading goes on, and the
 * draft stays beside it. The same word again under the same fence is the one that went out.
 * @throws RadiologyError 'check-failed' without an impression
 */
export async function issueWetRead(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content, writtenIn }: UnderFence & { content: ReportContent },
): Promise<{ version: number }> {
  return mutate(department, act, 'issue-wet-read', async (scope) => {
    const item = await lockReading(scope, itemId, reportId)
    await mustBeAbleOnItem(scope, 'wet-read', item)
    await mustHold(scope, item, fence)
    await mustBeNewest(scope, { reportId, fence, writtenIn })
    const word = { sections: wetReadOf(content.sections) }
    if (word.sections.length === 0) throw new RadiologyError('check-failed', { reportId, check: 'sections' })
    return sayFirst(scope, item, { ...{ itemId, fence, reportId, content: word }, kind: 'wet-read' })
  })
}

/**
 * Releases a preliminary version: an urgent word must go out. A resident's completes the item; a radiologist goes on
 * reading. The same words again under the same fence are the version that went out: nobody is told twice.
 */
export async function issuePreliminary(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content, beside, writtenIn }: UnderFence & { content: ReportContent },
): Promise<{ version: number }> {
  return mutate(department, act, 'issue-preliminary', async (scope) => {
    const item = await lockReading(scope, itemId, reportId)
    await mustBeAbleOnItem(scope, 'preliminary', item)
    const done = doneBefore<{ version?: number }>(scope, item, fence)
    if (done?.version !== undefined) return { version: done.version }
    await mustHold(scope, item, fence)
    await mustBeNewest(scope, { reportId, fence, writtenIn })
    const handsOn = !act.actor.roles.includes('radiologist')
    if (handsOn) await mustBeFree(scope, item, reportId)
    const { version, isNew } = await sayFirst(scope, item, {
      ...{ itemId, fence, reportId, content },
      kind: 'preliminary',
    })
    if (isNew && handsOn) {
      await handOn(scope, { reportId, content, version })
      await completeTogether(scope, item, { fence, beside, result: { reportId, version } })
    }
    return { version }
  })
}

/** A word that leaves at once: a version, its event and its release; nothing at all when it was said before. */
async function sayFirst(
  scope: Scope,
  item: ItemRow,
  said: UnderFence & { kind: 'wet-read' | 'preliminary'; content: ReportContent },
): Promise<{ version: number; isNew: boolean }> {
  const before = await saidBefore(scope, said)
  if (before !== null) return { version: before, isNew: false }
  const { reportId, kind } = said
  await moveReport(scope, reportId, kind)
  await noteAuthor(scope, item, reportId)
  const version = await addVersion(scope, { ...said, signedAt: null })
  await tell(scope, reportId, `report.${kind}`, { version })
  await releaseVersion(scope, { reportId, version })
  return { version, isNew: true }
}

async function saidBefore(
  { sql }: Scope,
  { itemId, fence, reportId, kind, content }: UnderFence & { kind: string; content: ReportContent },
): Promise<number | null> {
  const { sections } = await withCommunications(sql, reportId, { kind, sections: content.sections })
  const [newest] = await sql<{ version: number; isSame: boolean }[]>`
    select version, kind = ${kind} and item_id = ${itemId} and fence = ${fence}
      and content->'sections' = ${sql.json(sections as never)}::jsonb as "isSame"
    from report_versions where report_id = ${reportId} order by version desc limit 1`
  return newest?.isSame ? newest.version : null
}

export interface Signature extends UnderFence {
  content: ReportContent
  /** The signer proved again who they are, just now. */
  reauthenticated: boolean
  /** What the signer thinks of the words that were handed on: needed for a resident's, kept for no other. */
  agreement?: Agreement | null
}

/**
 * Signs the final version: item held, re-authenticated, checks passed, identity trusted. The version is written,
 * the item completed, and without recall time its deliveries queued, all in one transaction.
 * @throws RadiologyError 'reauthentication-required' | 'check-failed' | 'identity-provisional' | 'stale-fence' | 'report-final'
 */
export async function signReport(
  department: Department,
  act: Act,
  { itemId, fence, reportId, content, reauthenticated, agreement: given, beside, writtenIn }: Signature,
): Promise<{ version: number; releaseAt: Date }> {
  return mutate(department, act, 'sign-report', async (scope) => {
    const item = await lockReading(scope, itemId, reportId)
    await mustBeAbleOnItem(scope, 'sign', item, { reauthenticated })
    await mustHold(scope, item, fence)
    await mustBeNewest(scope, { reportId, fence, writtenIn })
    await mustBeFree(scope, item, reportId)
    await mustPassChecks(scope, reportId, content)
    const agreement = await gradeOf(scope, item, { reportId, given: given ?? null })
    const moved = await moveReport(scope, reportId, 'sign')
    const version = await addVersion(scope, {
      ...{ reportId, itemId, fence, content, agreement },
      ...{ kind: 'final', signedAt: act.now, stateBefore: moved?.from ?? null },
    })
    await completeTogether(scope, item, { fence, beside, result: { reportId, version } })
    const releaseAt = await setRecallTime(scope, {
      reportId,
      version,
      priority: item.priority as Priority,
    })
    const said = { version, ...(agreement && { grade: agreement }) }
    await tell(scope, reportId, 'report.signed', { ...said, recallUntil: releaseAt.toISOString() })
    scope.audit({ subject: `order:${item.order_id}`, type: 'report.signed', data: { reportId, ...said } })
    if (releaseAt <= act.now) await releaseVersion(scope, { reportId, version })
    return { version, releaseAt }
  })
}

/** @throws RadiologyError 'check-failed' where a grade is due and none was given */
async function gradeOf(
  { sql, act }: Scope,
  { kind }: ItemRow,
  { reportId, given }: { reportId: string; given: Agreement | null },
): Promise<Agreement | null> {
  const [row] = await sql<{ authorId: string | null; roles: Role[] | null; submissions: number }[]>`
    select r.author_id as "authorId", u.roles, r.submissions from reports r left join users u on u.id = r.author_id
    where r.id = ${reportId}`
  const { authorId, roles, submissions } = row!
  // A resident's when it was handed on, whatever they have become since.
  const isResident =
    kind === 'over-read' || (roles?.includes('resident') && !roles.includes('radiologist') && kind !== 'sign')
  const authorRole = isResident ? 'resident' : 'radiologist'
  if (!gradeIsDue({ authorId, authorRole, submissions }, act.actor.id)) return null
  if (given === null) throw new RadiologyError('check-failed', { reportId, check: 'agreement' })
  return given
}

// Red checks block final, never preliminary: an urgent word must go out, a final one must not go to the wrong person.
export async function mustPassChecks(scope: Scope, reportId: string, content: ReportContent): Promise<void> {
  for (const check of await departmentChecks(scope, reportId, content)) {
    if (check.state === 'blocks') throw new RadiologyError(check.refusal, { reportId, check: check.id })
  }
}

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

export interface ReportCheck {
  id:
    | 'sections'
    | 'fields'
    | 'identity'
    | 'identity-exception'
    | 'critical'
    | 'complete'
    | 'checked'
    | ConsistencyCheck
  state: 'ok' | 'look' | 'blocks'
  refusal: 'check-failed' | 'identity-provisional'
  /** The words to look at. */
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

interface DepartmentFacts {
  provisional: boolean
  doubt: boolean
  incomplete: boolean
  unchecked: boolean
  untold: boolean
}

async function departmentChecks(
  { sql }: { sql: AnySql },
  reportId: string,
  content: ReportContent,
): Promise<ReportCheck[]> {
  const [facts] = await sql<DepartmentFacts[]>`
    select exists (select 1 from ${criticalsOf(sql, reportId)} and c.state = 'open') as untold,
      bool_or(pt.trust <> 'trusted') or count(distinct pt.id) > 1 as provisional,
      bool_or(exists (select 1 from exceptions e where e.order_id = o.id and e.kind = 'identity' and e.state = 'open')) as doubt,
      bool_or(exists (select 1 from study_links l join studies s on s.id = l.study_id
        where l.procedure_id = p.id and l.undone_at is null and s.completeness = 'incomplete')) as incomplete,
      bool_or(exists (select 1 from study_links l join quality_decisions q on q.study_id = l.study_id
        where l.procedure_id = p.id and l.undone_at is null and q.unchecked and not exists (
          select 1 from quality_decisions seen where seen.study_id = q.study_id and not seen.unchecked and seen.cycle >= q.cycle))) as unchecked
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
    { id: 'fields', state: openField(content.sections) ? 'blocks' : 'ok', refusal: 'check-failed' },
    { id: 'identity', state: facts?.provisional ? 'blocks' : 'ok', refusal: 'identity-provisional' },
    { id: 'identity-exception', state: facts?.doubt ? 'blocks' : 'ok', refusal: 'check-failed' },
    { id: 'critical', state: facts?.untold ? 'blocks' : 'ok', refusal: 'check-failed' },
    { id: 'complete', state: facts?.incomplete ? 'look' : 'ok', refusal: 'check-failed' },
    // Said only where the clock let images on that nobody had looked at.
    ...(facts?.unchecked ? [{ id: 'checked', state: 'look', refusal: 'check-failed' } as const] : []),
  ]
}

/**
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
    const [row] = await sql<Recalled[]>`
      update report_versions set recalled_at = ${act.now}
      where report_id = ${reportId} and version = ${version} and signer_id = ${act.actor.id}
        and released_at is null and recalled_at is null and recall_until > ${act.now}
      returning kind, content, fence, state_before`
    if (!row) throw new RadiologyError('recall-expired', { reportId, version })
    const state = await standsAsBefore(scope, { reportId, version, recalled: row })
    await sql`
      insert into report_drafts (report_id, content, saved_by, saved_at, fence)
      values (${reportId}, ${sql.json({ sections: draftSections(authored(row.content.sections)) } as never)}, ${act.actor.id}, ${act.machineNow}, ${isAmendment(row.kind) ? row.fence + 1 : 0})
      on conflict (report_id) do nothing`
    await tell(scope, reportId, 'report.recalled', { version, state })
    if (!isAmendment(row.kind)) await takeAgain(scope, reportId)
  })
}

/** What the recalled signature had ended is the signer's again at once, before anybody's "next case" finds it free. */
async function takeAgain(scope: Scope, reportId: string): Promise<void> {
  for (const { facts, wanted } of await readingsWanted(scope, reportId)) {
    for (const reading of wanted) {
      await openWanted(scope, facts, reading)
      const [item] = await scope.sql<ItemRow[]>`
        select * from work_items where subject_id = ${reading.subjectId} and kind = ${reading.kind} and state = 'open'
          and blocked_by is null for update`
      if (item) await claimLocked(scope, item)
    }
  }
}

interface Recalled {
  kind: ReportVersionKind
  content: ReportContent
  fence: number
  /** Null for versions that were signed before it was kept. */
  state_before: string | null
}

const isAmendment = (kind: ReportVersionKind) => kind === 'addendum' || kind === 'correction'

const STANDS_AS: Partial<Record<ReportVersionKind, string>> = {
  'wet-read': 'WET_READ',
  preliminary: 'PRELIM',
  final: 'FINAL',
  addendum: 'ADDENDED',
  correction: 'CORRECTED',
}

/** The report is what it was before the signature; a recalled addendum or correction is open again. */
async function standsAsBefore(
  { sql, act }: Scope,
  { reportId, version, recalled }: { reportId: string; version: number; recalled: Recalled },
): Promise<string> {
  const [before] = await sql<{ kind: ReportVersionKind }[]>`
    select kind from report_versions where report_id = ${reportId} and version < ${version} and recalled_at is null
    order by version desc limit 1`
  const state = recalled.state_before ?? (before && STANDS_AS[before.kind]) ?? 'DRAFT'
  const amendment = isAmendment(recalled.kind) ? recalled.kind : null
  await sql`
    update reports set state = ${state}, amendment = ${amendment},
      amendment_opened_at = ${amendment && act.now} where id = ${reportId}`
  return state
}
