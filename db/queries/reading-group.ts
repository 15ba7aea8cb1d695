/** What is read together with a case, and what of the same patient could be. */
import type { AnySql } from '../client.ts'

export interface ReadTogether {
  itemId: string
  fence: number
  /** Who holds it; null while nobody does. */
  holderId: string | null
  orderId: string
  accession: string
  procedure: string
  studyUid: string
}

export interface ReadingGroup {
  /** Other orders that the report answers, whatever the item asks: reading, signing or checking it. */
  others: { orderId: string; accession: string; procedure: string }[]
  /** Under the same report, in the order of their accession numbers. */
  together: ReadTogether[]
  /** Other exams of this patient that wait for a reader, earliest due first; none once the report has said something. */
  offers: Omit<ReadTogether, 'fence' | 'holderId'>[]
}

const MOST_OFFERS = 4

export async function readingGroup(
  sql: AnySql,
  { itemId, machineNow }: { itemId: string; machineNow: Date },
): Promise<ReadingGroup> {
  const together = await sql<ReadTogether[]>`
    select w.id as "itemId", w.fence, w.holder as "holderId", ${said(sql)}
    from work_items w join orders o on o.id = w.order_id join studies s on s.id = w.subject_id
    where w.subject_type = 'study' and w.kind = 'read' and w.state in ('open', 'claimed') and w.id <> ${itemId}
      and w.subject_id in (
        select l.study_id from (${reportOf(sql, itemId)}) r join report_procedures rp on rp.report_id = r.id
          join study_links l on l.procedure_id = rp.procedure_id and l.undone_at is null)
    order by o.accession, w.id`
  const offers = await sql<ReadingGroup['offers']>`
    select w.id as "itemId", ${said(sql)}
    from work_items own join orders mine on mine.id = own.order_id join orders o on o.patient_id = mine.patient_id
      join work_items w on w.order_id = o.id join studies s on s.id = w.subject_id
    where own.id = ${itemId} and own.kind = 'read' and own.subject_type = 'study'
      and w.kind = 'read' and w.subject_type = 'study' and w.id <> own.id and w.blocked_by is null
      and (w.state = 'open' or (w.state = 'claimed' and (w.lease_until <= ${machineNow} or w.holder = own.holder)))
      and w.id <> all(${together.map((one) => one.itemId)})
      and not exists (select 1 from (${reportOf(sql, itemId)}) r where r.state <> 'DRAFT'
        or exists (select 1 from report_versions v where v.report_id = r.id))
      and not exists (
        select 1 from study_links l join report_procedures rp on rp.procedure_id = l.procedure_id
          join reports r on r.id = rp.report_id and r.state <> 'CANCELLED' left join report_drafts d on d.report_id = r.id
        where l.study_id = w.subject_id and l.undone_at is null
          and (r.state <> 'DRAFT' or exists (select 1 from report_versions v where v.report_id = r.id and v.recalled_at is null)
            or exists (select 1 from jsonb_array_elements(d.content->'sections') part where trim(part->>'text') <> '')))
    order by w.due_at nulls last, o.accession, w.id limit ${MOST_OFFERS}`
  const [own] = await sql<{ reportIds: string[]; orderId: string }[]>`
    select array(select id from (${reportOf(sql, itemId)}) r) || w.subject_id as "reportIds", w.order_id as "orderId"
    from work_items w where w.id = ${itemId}`
  const others = own ? await answeredBeside(sql, own) : []
  return { others, together: [...together], offers: [...offers] }
}

/** What a report answers beside one of its orders, in the order of accession numbers. */
export async function answeredBeside(
  sql: AnySql,
  { reportIds, orderId }: { reportIds: readonly string[]; orderId: string },
): Promise<ReadingGroup['others']> {
  return await sql<ReadingGroup['others']>`
    select o.id as "orderId", o.accession, string_agg(coalesce(c.name, p.text), ' · ' order by p.position) as procedure
    from report_procedures rp join procedures p on p.id = rp.procedure_id join orders o on o.id = p.order_id
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
    where rp.report_id = any(${reportIds as string[]}) and o.id <> ${orderId} group by o.id order by o.accession`
}

/** The report that the item's study is under. */
function reportOf(sql: AnySql, itemId: string) {
  return sql`
    select distinct r.id, r.state from work_items own
      join study_links l on l.study_id = own.subject_id and l.undone_at is null
      join report_procedures rp on rp.procedure_id = l.procedure_id
      join reports r on r.id = rp.report_id and r.state <> 'CANCELLED'
    where own.id = ${itemId} and own.kind = 'read' and own.subject_type = 'study'`
}

function said(sql: AnySql) {
  return sql`
    o.id as "orderId", o.accession, s.study_uid as "studyUid",
    coalesce((select string_agg(coalesce(c.name, p.text), ' · ' order by p.position) from study_links l
      join procedures p on p.id = l.procedure_id and p.order_id = o.id
      left join catalogue c on c.scheme = p.catalogue_scheme and c.code = p.catalogue_code
      where l.study_id = s.id and l.undone_at is null), '') as procedure`
}
