/**
 * Words after the final ones: an addendum adds, a correction replaces, and the original stays as it was signed. Open, it
 * is a draft of one person under a fence; signed, it is a version of its own that goes wherever the report went.
 */
import { type IneligibleReason, ineligible } from '#domain/eligibility.ts'
import { RadiologyError } from '#domain/errors.ts'
import { mustBeAble } from '#domain/permissions.ts'
import { isSigned, report as reportTable } from '#domain/report.ts'
import { draftSections } from '#domain/report-text.ts'
import type { Priority, ReportState } from '#domain/words.ts'
import type { Department } from '../department.ts'
import { authored, withCommunications } from '../queries/communications.ts'
import { ulid } from '../ulid.ts'
import { keepAside } from './held-reading.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { type ReadingRow, readingCase } from './permission.ts'
import { ordersOfReport, releaseVersion } from './release.ts'
import { reopenOrder } from './reopened-order.ts'
import { addVersion, type ReportContent, setRecallTime, tell } from './report-versions.ts'
import { mustPassChecks } from './reports.ts'
import { mustBeNewest, type WrittenIn, writtenElsewhere } from './written-in.ts'

export type AmendmentKind = 'addendum' | 'correction'

/** The section of an addendum. */
export const ADDENDUM = 'addendum'

export interface Amended {
  reportId: string
  state: ReportState
  siteId: string
  amendment: AmendmentKind | null
  reason: string | null
  /** Of the open draft. */
  heldBy: string | null
  fence: number | null
  newestReleased: boolean
  signerId: string | null
  standing: ReportContent
  why: IneligibleReason | null
  priority: Priority
}

/**
 * Opens an addendum or a correction; one that is open already is gone on with by whoever opened it, and taken over by
 * somebody else with a reason. Another's report is amended with a reason.
 * @throws RadiologyError 'not-released' before the report is out, 'already-claimed', 'reason-required', 'not-eligible'
 */
export async function openAmendment(
  department: Department,
  act: Act,
  { reportId, kind, reason }: { reportId: string; kind: AmendmentKind; reason?: string | null },
): Promise<{ fence: number }> {
  return mutate(department, act, 'open-amendment', async (scope) => {
    const amended = await lockAmended(scope, reportId)
    // Who they are is asked again when they sign.
    mayAmend(scope, amended, { kind, reason, reauthenticated: true })
    // A first word is out too, and nothing is added to it: the report goes on.
    if (!isSigned(amended.state) || !amended.newestReleased)
      throw new RadiologyError('not-released', { reportId })
    if (amended.amendment !== null) return { fence: await goOnWith(scope, amended, { kind, reason }) }
    const content = kind === 'correction' ? amended.standing : { sections: [{ key: ADDENDUM, text: '' }] }
    const draft = { kind, content, reason: reason ?? null, holder: act.actor.id }
    return { fence: await openDraft(scope, reportId, draft) }
  })
}

interface NewDraft {
  kind: AmendmentKind
  content: ReportContent
  reason: string | null
  /** Who goes on with it. */
  holder: string
}

/** In the transaction of what asks for it, with the orders' locks held and nothing else open. Returns its fence. */
export async function openDraft(
  scope: Scope,
  reportId: string,
  { kind, content, reason, holder }: NewDraft,
): Promise<number> {
  const { sql, act } = scope
  const fence = await nextFence(scope, reportId)
  await sql`
    update reports set amendment = ${kind}, amendment_opened_at = ${act.now}, amendment_reason = ${reason}
    where id = ${reportId}`
  await sql`
    insert into report_drafts (report_id, content, saved_by, saved_at, fence)
    values (${reportId}, ${sql.json({ sections: draftSections(content.sections) } as never)}, ${holder}, ${act.machineNow}, ${fence})`
  await openOrdersAgain(scope, reportId)
  await tell(scope, reportId, 'report.saved', { amendment: kind })
  audit(scope, reportId, 'report.amendment-opened', { kind, reason })
  return fence
}

// Above every fence that words of this report were written under: those of an amendment that was given up or signed
// are known by theirs, on the server and in windows that are still open.
async function nextFence({ sql }: Scope, reportId: string): Promise<number> {
  const [row] = await sql<{ fence: number }[]>`
    select greatest((select max(fence) from report_versions where report_id = ${reportId}),
      (select max(fence) from stray_drafts where report_id = ${reportId}), 0) + 1 as fence`
  return row!.fence
}

async function goOnWith(
  scope: Scope,
  { reportId, amendment, heldBy, fence }: Amended,
  { kind, reason }: { kind: AmendmentKind; reason?: string | null },
): Promise<number> {
  const { act } = scope
  if (amendment !== kind)
    throw new RadiologyError('illegal-transition', { reportId, from: amendment ?? undefined, event: kind })
  if (heldBy === act.actor.id) return fence ?? 0
  if (!reason?.trim()) throw new RadiologyError('already-claimed', { reportId })
  const [taken] = await scope.sql<{ fence: number }[]>`
    update report_drafts set saved_by = ${act.actor.id}, fence = fence + 1, revision = 1, written_in = null where report_id = ${reportId}
    returning fence`
  await scope.sql`update reports set amendment_reason = ${reason} where id = ${reportId}`
  // Whoever wrote until now, and whoever looks on, see it without asking.
  await tell(scope, reportId, 'report.saved', { amendment: kind })
  audit(scope, reportId, 'report.amendment-taken-over', { kind, from: heldBy, reason })
  return taken!.fence
}

export interface HeldAmendment {
  reportId: string
  fence: number
  writtenIn?: WrittenIn | undefined
}

/**
 * Saves the words of whoever holds the amendment; a stale writer's are kept as a stray draft, never lost, and so are those
 * of a window that has not seen what another window of the holder wrote.
 * @returns savedAt by the department's clock
 * @throws RadiologyError 'stale-fence' after keeping them
 */
export async function saveAmendment(
  department: Department,
  act: Act,
  { reportId, fence, content, writtenIn }: HeldAmendment & { content: ReportContent },
): Promise<{ savedAt: Date; revision: number }> {
  const { sql } = department
  const window = writtenIn?.window ?? null
  const [row] = await sql<{ revision: number; moved: boolean | null; orders: string[] }[]>`
    update report_drafts d set content = ${sql.json(content as never)}, saved_at = ${act.machineNow},
      revision = d.revision + 1, written_in = ${window}
    from reports r, report_drafts before where r.id = d.report_id and before.report_id = d.report_id
      and r.amendment is not null and d.report_id = ${reportId} and d.saved_by = ${act.actor.id} and d.fence = ${fence}
      and (${window}::text is null or d.written_in = ${window} or d.revision = ${writtenIn?.revision ?? 0})
    returning d.revision, before.written_in <> ${window} as moved, array(select distinct p.order_id
      from report_procedures rp join procedures p on p.id = rp.procedure_id where rp.report_id = r.id) as orders`
  if (row?.moved) department.announce(row.orders.map((id) => `order:${id}`))
  if (row) return { savedAt: act.now, revision: row.revision }
  await keepAside({ sql, act }, { reportId, fence, content })
  const [draft] = await sql<{ holds: boolean }[]>`
    select d.saved_by = ${act.actor.id} and d.fence = ${fence} and r.amendment is not null as holds
    from report_drafts d join reports r on r.id = d.report_id where r.id = ${reportId}`
  throw draft?.holds
    ? writtenElsewhere({ reportId, fence })
    : new RadiologyError('stale-fence', { reportId, fence })
}

/** Gives it up: the report stays as it stands, and the words are kept aside. */
export async function dropAmendment(
  department: Department,
  act: Act,
  { reportId, fence }: HeldAmendment,
): Promise<void> {
  await mutate(department, act, 'drop-amendment', async (scope) => {
    const amended = await lockAmended(scope, reportId)
    if (amended.amendment === null) return
    mustHoldDraft(scope, amended, fence)
    await scope.sql`
      insert into stray_drafts (id, report_id, content, written_by, at, fence)
      select ${ulid()}, report_id, content, saved_by, ${act.machineNow}, fence from report_drafts where report_id = ${reportId}`
    await scope.sql`delete from report_drafts where report_id = ${reportId}`
    await closeAmendment(scope, reportId)
    await tell(scope, reportId, 'report.saved', { amendment: 'given up' })
    audit(scope, reportId, 'report.amendment-dropped', { kind: amended.amendment })
  })
}

export interface SignedAmendment extends HeldAmendment {
  kind: AmendmentKind
  content: ReportContent
  /** The signer proved again who they are, just now. */
  reauthenticated: boolean
}

/**
 * Signs it: a new version beside the original, recallable like the first, then sent to every receiver; an order that
 * was closed is open again until all of them have it.
 * @throws RadiologyError 'stale-fence', 'check-failed', 'identity-provisional', 'reauthentication-required', 'not-released'
 */
export async function signAmendment(
  department: Department,
  act: Act,
  { reportId, fence, kind, content, reauthenticated, writtenIn }: SignedAmendment,
): Promise<{ version: number; releaseAt: Date }> {
  return mutate(department, act, 'sign-amendment', async (scope) => {
    const amended = await lockAmended(scope, reportId)
    mayAmend(scope, amended, { kind, reason: amended.reason, reauthenticated })
    if (amended.amendment !== kind) throw new RadiologyError('stale-fence', { reportId, fence })
    mustHoldDraft(scope, amended, fence)
    await mustBeNewest(scope, { reportId, fence, writtenIn })
    await mustPassChecks(scope, reportId, asItWillRead(amended, { kind, content }))
    return signDraft(scope, amended, { kind, content, fence })
  })
}

/** Writes the version of words that may be signed now, and lets them go when their recall time is over. */
export async function signDraft(
  scope: Scope,
  amended: Amended,
  { kind, content, fence }: { kind: AmendmentKind; content: ReportContent; fence: number },
): Promise<{ version: number; releaseAt: Date }> {
  const { sql, act } = scope
  const { reportId, state } = amended
  const whole = await withCommunications(sql, reportId, { kind, sections: content.sections })
  const outcome = reportTable(state, kind, {
    ...{ byAuthor: false, amendmentOpen: true, versionOut: true, repeat: false },
    ...{ released: amended.newestReleased, identityTrusted: true, checksPassed: isWritten(whole) },
  })
  if (outcome.outcome === 'refused') throw new RadiologyError(outcome.refusal, { reportId })
  const version = await addVersion(scope, {
    ...{ reportId, itemId: null, fence, kind, content },
    signedAt: act.now,
  })
  await sql`update reports set state = ${kind === 'addendum' ? 'ADDENDED' : 'CORRECTED'} where id = ${reportId}`
  await closeAmendment(scope, reportId)
  await openOrdersAgain(scope, reportId)
  const releaseAt = await setRecallTime(scope, { reportId, version, priority: amended.priority })
  const type = kind === 'addendum' ? 'report.addended' : 'report.corrected'
  await tell(scope, reportId, type, { version, recallUntil: releaseAt.toISOString() })
  audit(scope, reportId, type, { version })
  if (releaseAt <= act.now) await releaseVersion(scope, { reportId, version })
  return { version, releaseAt }
}

// An addendum is held against the report that it is added to: that has its findings and its impression.
function asItWillRead(
  { standing }: Amended,
  { kind, content }: { kind: AmendmentKind; content: ReportContent },
): ReportContent {
  return kind === 'correction' ? content : { sections: [...standing.sections, ...content.sections] }
}

const isWritten = ({ sections }: ReportContent): boolean => sections.some(({ text }) => text.trim() !== '')

function mustHoldDraft({ act }: Scope, { reportId, heldBy, fence }: Amended, given: number): void {
  if (heldBy !== act.actor.id || fence !== given)
    throw new RadiologyError('stale-fence', { reportId, fence: given })
}

function mayAmend(
  { act }: Scope,
  { siteId, signerId, why }: Amended,
  {
    kind,
    reason,
    reauthenticated,
  }: { kind: AmendmentKind; reason?: string | null; reauthenticated: boolean },
): void {
  mustBeAble(act.actor, kind, { siteId, ownerId: signerId, eligible: why === null, reason, reauthenticated })
}

async function openOrdersAgain(scope: Scope, reportId: string): Promise<void> {
  for (const { order_id } of await ordersOfReport(scope, reportId)) await reopenOrder(scope, order_id)
}

// Its reason stays: a signature that is recalled opens the amendment again.
async function closeAmendment({ sql }: Scope, reportId: string): Promise<void> {
  await sql`update reports set amendment = null, amendment_opened_at = null where id = ${reportId}`
}

function audit(scope: Scope, reportId: string, type: string, data: Record<string, unknown>): void {
  scope.audit({ subject: `report:${reportId}`, type, data: { reportId, ...data } })
}

export async function lockAmended(scope: Scope, reportId: string): Promise<Amended> {
  const { sql, act } = scope
  const orders = await ordersOfReport(scope, reportId)
  for (const { order_id } of orders) await scope.lockOrder(order_id)
  const [row] = await sql<AmendedRow[]>`
    select r.id as "reportId", r.state, r.site_id as "siteId", r.amendment, r.amendment_reason as reason, d.saved_by as "heldBy", d.fence,
      o.priority, o.patient_class, p.modality, p.area, pt.birth_date,
      to_char(${act.now}::timestamptz at time zone s.zone, 'YYYY-MM-DD') as today
    from reports r join sites s on s.id = r.site_id left join report_drafts d on d.report_id = r.id
      join report_procedures rp on rp.report_id = r.id join procedures p on p.id = rp.procedure_id
      join orders o on o.id = p.order_id join patients pt on pt.id = o.patient_id
    where r.id = ${reportId} order by array_position(array['stat', 'urgent', 'routine'], o.priority), p.id limit 1`
  if (!row) throw new RadiologyError('not-found', { reportId })
  const versions = await sql<
    { kind: string; content: ReportContent; released: boolean; signer_id: string | null }[]
  >`
    select kind, content, released_at is not null as released, signer_id from report_versions
    where report_id = ${reportId} and recalled_at is null order by version`
  const text = versions.findLast(({ kind }) => kind !== 'addendum')
  return {
    ...row,
    newestReleased: versions.at(-1)?.released ?? false,
    signerId: versions.findLast(({ signer_id }) => signer_id !== null)?.signer_id ?? null,
    standing: { sections: authored(text?.content.sections ?? []) },
    why: whyNot(scope, row),
  }
}

interface AmendedRow
  extends Pick<
      Amended,
      'reportId' | 'state' | 'siteId' | 'amendment' | 'reason' | 'heldBy' | 'fence' | 'priority'
    >,
    Pick<ReadingRow, 'patient_class' | 'modality' | 'area' | 'birth_date' | 'today'> {}

// Whoever may read such a case may amend its report; nobody waits in line for it, so it is spilled from the beginning.
function whyNot({ act }: Scope, row: AmendedRow): IneligibleReason | null {
  const inNoLine = { due_from: act.now, due_at: null, author_id: null, on_shift: [] }
  const reading = readingCase({ ...row, ...inNoLine, kind: 'read', site_id: row.siteId }, act.now)
  return ineligible(act.actor, { ...reading, spilled: true }, row.today)
}
