/** One case as a reader needs it: who, what was asked, what is written so far, what was seen before. */
import type { NameSaid } from '#domain/order-message.ts'
import type { Phase, Priority, ReportState } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import { inDepartmentTime } from './department-time.ts'
import { sharedRead } from './shared-read.ts'

export interface ReadingRoom {
  item: {
    id: string
    kind: string
    state: 'open' | 'claimed' | 'completed' | 'cancelled'
    holder: { id: string; name: string; since: Date } | null
    fence: number
    leaseUntil: Date | null
    dueFrom: Date
    dueAt: Date | null
    lateAt: Date | null
    /** Why nobody may take it now: images moved, a question or a retake open. */
    blockedBy: 'move' | 'clarify' | 'retake' | null
  }
  order: OrderIdentity
  reason: string | null
  requester: { family?: string; given?: string; prefix?: string; phone?: string } | null
  studies: { uid: string; images: number }[]
  report: ReportOnScreen | null
  priors: PriorStudy[]
}

export interface OrderIdentity {
  id: string
  siteId: string
  accession: string
  priority: Priority
  phase: Phase
  name: NameSaid
  sex: string | null
  birthDate: string | null
  identifiers: { value: string; issuer: string }[]
  procedure: string
  modality: string
  area: string
}

export interface ReportOnScreen {
  id: string
  state: ReportState
  draft: StoredDraft | null
  versions: ReportVersionRow[]
}

export interface StoredDraft {
  sections: { key: string; text: string }[]
  /** By the department's clock. */
  savedAt: Date
  savedBy: string
  fence: number
  revision: number
  /** The window of its writer that it was written in. */
  window: string | null
}

export interface ReportVersionRow {
  version: number
  kind: string
  sections: { key: string; text: string }[]
  signer: string | null
  signedAt: Date | null
  releasedAt: Date | null
  recalledAt: Date | null
  hash: string
}

export interface PriorStudy {
  uid: string
  /** DA as the study says, YYYYMMDD. */
  date: string
  modalities: string[]
  description: string
  images: number
  orderId: string | null
  /** The newest released text and what was added to it since; null when none was written here. */
  report: { key: string; text: string }[] | null
}

/** Null when there is no such item of an order; the caller has checked the right to see it. */
export async function readingRoom(sql: AnySql, itemId: string): Promise<ReadingRoom | null> {
  const [item] = await sql<ItemRow[]>`
    select w.*, u.name as holder_name from work_items w left join users u on u.id = w.holder
    where w.id = ${itemId} and w.order_id is not null`
  if (!item) return null
  const order = await orderIdentity(sql, item.order_id)
  if (!order) return null
  const [asked] = await sql<{ reason: string | null; requester: ReadingRoom['requester'] }[]>`
    select reason, requester from orders where id = ${order.id}`
  const studies = await sql<{ uid: string; images: number }[]>`
    select s.study_uid as uid, s.instance_count - s.report_count as images from study_links l join studies s on s.id = l.study_id
    where (l.order_id = ${order.id} or l.procedure_id in (${readWith(sql, order.id)})) and l.undone_at is null
    group by s.id order by (s.id = ${item.subject_id}) desc, s.id`
  return {
    item: {
      id: item.id,
      kind: item.kind,
      state: item.state,
      holder: item.holder ? { id: item.holder, name: item.holder_name ?? '', since: item.claimed_at } : null,
      fence: item.fence,
      leaseUntil: item.lease_until,
      dueFrom: item.due_from,
      dueAt: item.due_at,
      lateAt: item.late_at,
      blockedBy: item.blocked_by,
    },
    order,
    reason: asked?.reason ?? null,
    requester: asked?.requester ?? null,
    studies: [...studies],
    report: await reportOfItem(sql, item),
    priors: await priorsOf(sql, order.id),
  }
}

/** Who and which order: the fields of the banner on every screen about one order. */
export async function orderIdentity(sql: AnySql, orderId: string): Promise<OrderIdentity | null> {
  const [row] = await sql<OrderIdentity[]>`
    select o.id, o.site_id as "siteId", o.accession, o.priority, o.phase, p.name, p.sex, p.birth_date as "birthDate",
      (select coalesce(jsonb_agg(jsonb_build_object('value', value, 'issuer', issuer) order by (type = 'MR') desc, issuer, value), '[]')
        from patient_identifiers where patient_id = p.id and retired_at is null and type = 'MR') as identifiers,
      coalesce((select string_agg(coalesce(c.name, x.text), ' · ' order by x.position) from procedures x
        left join catalogue c on c.scheme = x.catalogue_scheme and c.code = x.catalogue_code where x.order_id = o.id), '') as procedure,
      coalesce((select modality from procedures x where x.order_id = o.id order by position limit 1), '') as modality,
      coalesce((select area from procedures x where x.order_id = o.id order by position limit 1), '') as area
    from orders o join patients p on p.id = o.patient_id where o.id = ${orderId}`
  return row ?? null
}

/** The report over the item's study (or the report the item is about), with every version, newest first. */
async function reportOfItem(sql: AnySql, item: ItemRow): Promise<ReportOnScreen | null> {
  const [report] = await sql<{ id: string; state: ReportState }[]>`
    select r.id, r.state from reports r
    where r.state <> 'CANCELLED' and (r.id = ${item.subject_id} or exists (
      select 1 from report_procedures rp join study_links l on l.procedure_id = rp.procedure_id and l.undone_at is null
      where rp.report_id = r.id and l.study_id = ${item.subject_id}))
    order by r.created_at desc limit 1`
  return report ? reportOnScreen(sql, report) : null
}

/** All reports over an order's procedures. */
export async function reportsOfOrder(sql: AnySql, orderId: string): Promise<ReportOnScreen[]> {
  const reports = await sql<{ id: string; state: ReportState }[]>`
    select distinct r.id, r.state from reports r join report_procedures rp on rp.report_id = r.id
      join procedures p on p.id = rp.procedure_id
    where p.order_id = ${orderId} order by r.id`
  return Promise.all(reports.map((report) => reportOnScreen(sql, report)))
}

async function reportOnScreen(
  sql: AnySql,
  { id, state }: { id: string; state: ReportState },
): Promise<ReportOnScreen> {
  const [draft] = await sql<StoredDraft[]>`
    select d.content->'sections' as sections, ${inDepartmentTime(sql, sql`d.saved_at`)} as "savedAt", u.name as "savedBy",
      d.fence, d.revision, d.written_in as window
    from report_drafts d join users u on u.id = d.saved_by where d.report_id = ${id}`
  const versions = await sql<ReportVersionRow[]>`
    select v.version, v.kind, v.content->'sections' as sections, u.name as signer, v.signed_at as "signedAt",
      v.released_at as "releasedAt", v.recalled_at as "recalledAt", v.content_hash as hash
    from report_versions v left join users u on u.id = v.signer_id where v.report_id = ${id} order by v.version desc`
  return {
    id,
    state,
    draft: draft ?? null,
    versions: [...versions],
  }
}

/** This patient's other studies that were let on to readers, newest first, with what was released about them. */
export async function priorsOf(sql: AnySql, orderId: string): Promise<PriorStudy[]> {
  return await sql<PriorStudy[]>`
    select s.study_uid as uid, s.study_date as date, s.modalities, s.description, s.instance_count - s.report_count as images,
      (select l.order_id from study_links l where l.study_id = s.id and l.undone_at is null limit 1) as "orderId",
      (select jsonb_agg(part.value order by v.version, part.ordinality)
        from (select rp.report_id, v.version from study_links l join report_procedures rp on rp.procedure_id = l.procedure_id
            join reports r on r.id = rp.report_id and r.state <> 'CANCELLED' join report_versions v on v.report_id = rp.report_id
          where l.study_id = s.id and l.undone_at is null and v.released_at is not null and v.kind <> 'addendum'
          order by v.created_at desc limit 1) text
        join report_versions v on v.report_id = text.report_id and v.version >= text.version and v.released_at is not null
        cross join lateral jsonb_array_elements(v.content->'sections') with ordinality part) as report
    from orders o join studies s on s.patient_id = o.patient_id
    where o.id = ${orderId} and s.instance_count > s.report_count
      and not exists (select 1 from study_links l where l.study_id = s.id and l.undone_at is null
        and (l.order_id = o.id or l.procedure_id in (${readWith(sql, orderId)})))
      and exists (select 1 from quality_decisions q where q.study_id = s.id and q.verdict = 'accepted')
    order by s.study_date desc, s.study_time desc limit 8`
}

/** Procedures under a report of this order's, those of other orders included. */
export function readWith(sql: AnySql, orderId: string) {
  return sql`
    select other.procedure_id from procedures p join report_procedures own on own.procedure_id = p.id
      join reports r on r.id = own.report_id and r.state <> 'CANCELLED'
      join report_procedures other on other.report_id = r.id
    where p.order_id = ${orderId}`
}

export interface RecallableVersion {
  reportId: string
  version: number
  accession: string
  signedAt: Date
  recallUntil: Date
}

/** What this person signed and may still take back. @param now department clock, as recall time is a policy time */
export async function recallableVersions(
  sql: AnySql,
  userId: string,
  now: Date,
): Promise<RecallableVersion[]> {
  // Everybody's in one read: a version can be recalled for minutes only, and fifty screens ask at once.
  const all = await sharedRead(
    sql,
    'recallable',
    () => sql<(RecallableVersion & { signerId: string })[]>`
    select v.signer_id as "signerId", v.report_id as "reportId", v.version, o.accession, v.signed_at as "signedAt",
      v.recall_until as "recallUntil"
    from report_versions v join reports r on r.id = v.report_id join orders o on o.id = r.order_id
    where v.released_at is null and v.recalled_at is null and v.recall_until > ${now}
    order by v.signed_at desc`,
  )
  return all
    .filter(({ signerId, recallUntil }) => signerId === userId && recallUntil > now)
    .slice(0, 3)
    .map(({ signerId: _, ...version }) => version)
}

/** The launch that this session already has open on an order for this purpose, as long as it holds every study of now. */
export async function openLaunch(
  sql: AnySql,
  {
    sessionId,
    orderId,
    purpose,
    studies,
  }: { sessionId: string; orderId: string; purpose: string; studies: string[] },
): Promise<{ id: string; studies: string[] } | null> {
  const [row] = await sql<{ id: string; studies: string[] }[]>`
    select id, studies from launches where session_id = ${sessionId} and order_id = ${orderId} and purpose = ${purpose}
      and ended_at is null and studies @> ${studies} order by created_at desc limit 1`
  return row ?? null
}

interface ItemRow {
  id: string
  kind: string
  state: ReadingRoom['item']['state']
  subject_id: string
  order_id: string
  holder: string | null
  holder_name: string | null
  claimed_at: Date
  fence: number
  lease_until: Date | null
  due_from: Date
  due_at: Date | null
  late_at: Date | null
  blocked_by: 'move' | 'clarify' | 'retake' | null
}
