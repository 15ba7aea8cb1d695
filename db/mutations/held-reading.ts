/** A reading in somebody's hands: its item and report locked together, and the report's table asked what an act makes of it. */
import { RadiologyError } from '#domain/errors.ts'
import type { OrderFacts } from '#domain/facts.ts'
import { nextWork } from '#domain/next-work.ts'
import { type ReportEvent, report as reportTable } from '#domain/report.ts'
import type { ReportState } from '#domain/words.ts'
import type { WantedItem } from '#domain/work-item-wanted.ts'
import type { AnySql } from '../client.ts'
import { loadOrderFacts } from '../queries/order-facts.ts'
import { policyOf } from '../queries/policy.ts'
import { ulid } from '../ulid.ts'
import type { Scope } from './mutate.ts'
import { ordersOfReport } from './release.ts'
import type { ReportContent } from './report-versions.ts'
import { type ItemRow, lockItem } from './work-items.ts'
import type { WrittenIn } from './written-in.ts'

export interface UnderFence {
  itemId: string
  fence: number
  reportId: string
  /** Items that are read together with it, each under the fence that its screen shows. */
  beside?: readonly HeldItem[]
  writtenIn?: WrittenIn | undefined
}

export interface HeldItem {
  itemId: string
  fence: number
}

/** The report of a reading item: the unfinished one over its study's procedures, made when there is none. */
export async function reportOf(scope: Scope, item: ItemRow): Promise<string> {
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

/** Work that a report is written or signed in. */
const isReading = (kind: string): boolean => ['read', 'sign', 'over-read', 'sent-back'].includes(kind)

export async function lockReading(scope: Scope, itemId: string, reportId: string): Promise<ItemRow> {
  for (const { order_id } of await ordersOfReport(scope, reportId)) await scope.lockOrder(order_id)
  const item = await lockItem(scope, itemId)
  if (!isReading(item.kind)) throw new RadiologyError('not-found', { itemId })
  if ((await reportOf(scope, item)) !== reportId) throw new RadiologyError('not-found', { itemId, reportId })
  return item
}

export async function mustHold({ act }: Scope, item: ItemRow, fence: number): Promise<void> {
  if (item.state === 'completed') throw new RadiologyError('report-final', { itemId: item.id })
  if (item.state !== 'claimed') throw new RadiologyError('not-holder', { itemId: item.id })
  if (item.holder !== act.actor.id || item.fence !== fence)
    throw new RadiologyError('stale-fence', { itemId: item.id, fence })
}

/**
 * Words about images that are being moved, asked about or made again end no reading: what keeps a case from being taken
 * keeps whoever had it before from handing it on, before any timer has looked.
 * @throws RadiologyError 'blocked'
 */
export async function mustBeFree(scope: Scope, item: ItemRow, reportId: string): Promise<void> {
  const blocked = (await readingsWanted(scope, reportId))
    .flatMap(({ wanted }) => wanted)
    .find(({ kind, blockedBy }) => kind === item.kind && blockedBy !== null)
  if (blocked) throw new RadiologyError('blocked', { itemId: item.id, by: blocked.blockedBy ?? undefined })
}

/** The reading work that the facts of now call for about a report, by its orders. */
export async function readingsWanted(
  { sql, act }: Scope,
  reportId: string,
): Promise<{ facts: OrderFacts; wanted: WantedItem[] }[]> {
  const readings = []
  for (const { order_id } of await ordersOfReport({ sql }, reportId)) {
    const facts = (await loadOrderFacts(sql, order_id))!
    const about = facts.reports.find(({ id }) => id === reportId)?.procedureIds ?? []
    const subjects = facts.studies
      .filter(({ procedureIds }) => procedureIds.some((id) => about.includes(id)))
      .map(({ id }) => id)
    const wanted = nextWork(facts, act.now, await policyOf(sql, facts.order.policyVersion)).filter(
      ({ kind, subjectId }) => isReading(kind) && [...subjects, reportId].includes(subjectId),
    )
    readings.push({ facts, wanted })
  }
  return readings
}

/** What this tenure came to, when it was this person who completed the item under this fence: said again, done once. */
export function doneBefore<T>({ act }: Scope, item: ItemRow, fence: number): T | null {
  const isMine = item.state === 'completed' && item.completed_by === act.actor.id && item.fence === fence
  return isMine ? (item.result as T) : null
}

/**
 * Brings the report where its table says; null where the act has no effect there.
 * @throws RadiologyError with the table's refusal. Identity and checks are the caller's to ask: `mustPassChecks`.
 */
export async function moveReport(
  { sql, act }: Scope,
  reportId: string,
  event: ReportEvent,
): Promise<{ from: ReportState; to: ReportState } | null> {
  const [row] = await sql<ReportRow[]>`
    select state, author_id = ${act.actor.id} as "byAuthor", amendment is not null as "amendmentOpen",
      exists (select 1 from report_versions v where v.report_id = r.id and v.released_at is not null) as "versionOut",
      coalesce((select v.released_at is not null from report_versions v where v.report_id = r.id and v.recalled_at is null
        order by v.version desc limit 1), false) as released
    from reports r where id = ${reportId} for update`
  if (!row) throw new RadiologyError('not-found', { reportId })
  const { state: from, byAuthor, ...facts } = row
  const outcome = reportTable(from, event, {
    ...facts,
    byAuthor: byAuthor === true,
    ...{ repeat: false, identityTrusted: true, checksPassed: true },
  })
  if (outcome.outcome === 'refused') throw new RadiologyError(outcome.refusal, { reportId, from, event })
  if (outcome.outcome === 'unchanged') return null
  await sql`update reports set state = ${outcome.to} where id = ${reportId}`
  return { from, to: outcome.to }
}

interface ReportRow {
  state: ReportState
  /** Null before anybody wrote. */
  byAuthor: boolean | null
  amendmentOpen: boolean
  versionOut: boolean
  released: boolean
}

/** Whoever gives the words of a reading is their author; whoever checks another's stays who checks them. */
export async function noteAuthor({ sql, act }: Scope, item: ItemRow, reportId: string): Promise<void> {
  if (item.kind === 'read' || item.kind === 'sent-back')
    await sql`update reports set author_id = ${act.actor.id} where id = ${reportId}`
}

/** Keeps words that their writer has no right to save any more: never lost, never merged. The draft has them already: enough. */
export async function keepAside(
  { sql, act }: Pick<Scope, 'act'> & { sql: AnySql },
  { reportId, fence, content }: { reportId: string; fence: number; content: ReportContent },
): Promise<void> {
  await sql`
    insert into stray_drafts (id, report_id, content, written_by, at, fence)
    select ${ulid()}, r.id, ${sql.json(content as never)}, ${act.actor.id}, ${act.machineNow}, ${fence} from reports r where r.id = ${reportId}
      and not exists (select 1 from report_drafts d where d.report_id = r.id and d.content = ${sql.json(content as never)}::jsonb)`
}
