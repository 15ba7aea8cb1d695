/** What one delivery must say: the report version with its order, patient, exam and signer, as rows know them. */
import type { ProviderSaid } from '#domain/order-message.ts'
import type { CodedField, WrittenSection } from '#domain/report-text.ts'
import type { ReportVersionKind } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import type { OrderDelivery } from './order-delivery.ts'
import { survivorOf } from './survivor.ts'

export interface ReportForDelivery extends OrderDelivery {
  reason: string | null
  copiesTo: ProviderSaid[]
  /** Of this order, as far as the report is about them, in the order's order. */
  procedures: {
    code: string
    scheme: string
    text: string
    requestedProcedureId: string
    stepId: string | null
    modality: string
    studyInstanceUid: string
    exam: { start: Date | null; end: Date | null }
  }[]
  version: { kind: ReportVersionKind; at: Date }
  signer: ReportPerson | null
  /** Who wrote what it says and did not sign it: the resident behind a first word, or behind what an attending signed. */
  assistants: ReportPerson[]
  /** The whole report, since receivers replace what they have: addenda follow the text they add to. */
  sections: {
    key: string
    text: string
    /** Its words that answer coded fields. */
    fields: readonly CodedField[]
    addendum: { by: ReportPerson; at: Date } | null
  }[]
}

export interface ReportPerson {
  id: string
  family: string
  given: string
  prefix: string | null
  degree: string | null
}

/** Null when there is no such delivery. */
export async function reportForDelivery(sql: AnySql, deliveryId: string): Promise<ReportForDelivery | null> {
  const [row] = await sql<Row[]>`
    select d.control_id, d.report_id, d.version, t.receiving_application, t.receiving_facility, t.policy,
      d.order_id, o.site_id, s.zone, p.id as patient_id, o.patient_class, o.location, o.visit_number, o.placer_number, o.placer_authority,
      o.filler_number, o.filler_authority, o.accession, o.priority, o.reason, o.requester, o.copies_to,
      p.name as patient_name, p.birth_date, p.sex, v.kind, coalesce(v.signed_at, v.created_at) as version_at,
      v.signer_id as signed_by, u.id as signer_id, u.family, u.given, u.prefix, u.degree
    from deliveries d join destinations t on t.id = d.destination_id join orders o on o.id = d.order_id
      join sites s on s.id = o.site_id join lateral (${survivorOf(sql, sql`o.patient_id`)}) same on true
      join patients p on p.id = same.id join report_versions v on v.report_id = d.report_id and v.version = d.version
      left join users u on u.id = coalesce(v.signer_id, v.author_id)
    where d.id = ${deliveryId}`
  if (!row) return null
  return {
    ...ofOrder(row),
    controlId: row.control_id,
    destination: {
      receivingApplication: row.receiving_application,
      receivingFacility: row.receiving_facility,
      policy: row.policy,
    },
    patient: {
      identifiers: await identifiersOf(sql, row.patient_id),
      name: row.patient_name,
      birthDate: row.birth_date,
      sex: row.sex,
    },
    procedures: await proceduresOf(sql, row),
    version: { kind: row.kind, at: row.version_at },
    signer:
      row.signer_id === null
        ? null
        : { id: row.signer_id, family: row.family, given: row.given, prefix: row.prefix, degree: row.degree },
    assistants: await assistantsOf(sql, {
      ...{ report_id: row.report_id, version: row.version, signed_by: row.signed_by },
    }),
    sections: await sectionsOf(sql, { report_id: row.report_id, version: row.version }),
  }
}

/** Of the text that stands and of what was added to it, in the order in which they wrote. */
export async function assistantsOf(
  sql: AnySql,
  { report_id, version, signed_by }: { report_id: string; version: number; signed_by: string | null },
): Promise<ReportPerson[]> {
  return await sql<ReportPerson[]>`
    select u.id, u.family, u.given, u.prefix, u.degree from (
      select v.author_id, min(v.version) as since from report_versions v
      where v.report_id = ${report_id} and v.version <= ${version} and v.recalled_at is null
        and v.version >= (select max(t.version) from report_versions t where t.report_id = ${report_id}
          and t.version <= ${version} and t.kind <> 'addendum' and t.recalled_at is null)
      group by v.author_id) w join users u on u.id = w.author_id and u.id <> ${signed_by ?? ''}
    order by w.since`
}

// One row of a wide join, read once each just below.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Row = Record<string, any>

function ofOrder(row: Row) {
  return {
    site: { id: row.site_id, zone: row.zone },
    visit: { patientClass: row.patient_class, location: row.location, number: row.visit_number },
    placer: row.placer_number === null ? null : { value: row.placer_number, authority: row.placer_authority },
    filler: { value: row.filler_number, authority: row.filler_authority },
    accession: row.accession,
    priority: row.priority,
    reason: row.reason,
    requester: row.requester,
    copiesTo: row.copies_to,
  }
}

async function identifiersOf(
  sql: AnySql,
  patientId: string,
): Promise<ReportForDelivery['patient']['identifiers']> {
  return await sql<{ value: string; issuer: string; type: string }[]>`
    select value, issuer, type from patient_identifiers where patient_id = ${patientId} and retired_at is null
    order by (type = 'MR') desc, issuer, value`
}

// The study is the one its images are in: two procedures done as one have one study, whatever was planned.
async function proceduresOf(sql: AnySql, row: Row): Promise<ReportForDelivery['procedures']> {
  const rows = await sql<Row[]>`
    select p.code, p.scheme, p.text, p.requested_procedure_id as "requestedProcedureId", p.modality,
      (select step_number from steps where procedure_id = p.id and status <> 'cancelled' order by id limit 1) as "stepId",
      image.study_uid as "studyInstanceUid", e.started_at, e.ended_at
    from report_procedures rp join procedures p on p.id = rp.procedure_id
      cross join lateral (select coalesce((select st.study_uid from study_links l join studies st on st.id = l.study_id
        where l.procedure_id = p.id and l.undone_at is null
        order by (st.study_uid = p.study_uid) desc, l.at, l.id limit 1), p.study_uid) as study_uid) image
      cross join lateral (select min(started_at) as started_at, max(ended_at) as ended_at
        from performed_steps where study_uid = image.study_uid) e
    where rp.report_id = ${row.report_id} and p.order_id = ${row.order_id} order by p.position, p.id`
  return rows.map(({ started_at: start, ended_at: end, ...procedure }) => ({
    ...(procedure as Omit<ReportForDelivery['procedures'][number], 'exam'>),
    exam: { start, end },
  }))
}

/** A correction replaces what stood; an addendum is added to it; a first word is replaced by whatever follows. */
export async function sectionsOf(
  sql: AnySql,
  row: { report_id: string; version: number },
): Promise<ReportForDelivery['sections']> {
  const versions = await sql<VersionRow[]>`
    select v.kind, v.content, coalesce(v.signed_at, v.created_at) as at, u.id, u.family, u.given, u.prefix, u.degree
    from report_versions v join users u on u.id = coalesce(v.signer_id, v.author_id)
    where v.report_id = ${row.report_id} and v.version <= ${row.version} and v.recalled_at is null order by v.version`
  const textAt = versions.findLastIndex((version) => version.kind !== 'addendum')
  return versions.slice(Math.max(0, textAt)).flatMap(({ kind, content, at, ...by }) =>
    content.sections.map(({ key, text, fields = [] }) => ({
      key,
      text,
      fields,
      addendum: kind === 'addendum' ? { by, at } : null,
    })),
  )
}

interface VersionRow extends ReportPerson {
  kind: ReportVersionKind
  content: { sections: WrittenSection[] }
  at: Date
}
