/** Released versions that are still to be written into their studies, with all that their objects say. */
import type { NameSaid } from '#domain/order-message.ts'
import type { ReportObjectKind } from '#domain/report-object.ts'
import type { ReportVersionKind } from '#domain/words.ts'
import type { AnySql } from '../client.ts'
import { assistantsOf, type ReportForDelivery, type ReportPerson, sectionsOf } from './report-content.ts'
import type { Fragment } from './study-scope.ts'

export interface ReportObject {
  sopInstanceUid: string
  seriesUid: string
  kind: ReportObjectKind
  version: number
  studyUid: string
  /** Patient and study as the study's objects say them (DICOM JSON). */
  attributes: Record<string, { vr: string; Value?: unknown[] }>
  versionKind: ReportVersionKind
  /** SHA-256 of what was signed, in hexadecimal. */
  contentHash: string
  /** Department clock: when it was signed, or given as a first word. */
  saidAt: Date
  releasedAt: Date
  site: { name: string; zone: string }
  /** Who signed it, or who wrote a word that nobody signs. */
  person: ReportPerson
  /** Who wrote the words that this person signed, before them. */
  assistants: ReportPerson[]
  patient: {
    name: NameSaid
    birthDate: string | null
    sex: string | null
    identifiers: { value: string; issuer: string }[]
  }
  /** Every order that the report answers, in id order. */
  requests: ReportRequest[]
  sections: ReportForDelivery['sections']
  /** The version that was out before it, as it stands in this study. */
  predecessor: ReportReference | null
  /** The same document in the other studies of the report. */
  identical: ReportReference[]
  /** The document of this version in this study: what a PDF is a rendering of. */
  document: ReportReference
  /** The images that the report is about, of all its studies. */
  evidence: { studyUid: string; seriesUid: string; sopClassUid: string; sopInstanceUid: string }[]
}

export interface ReportRequest {
  accession: string
  placerNumber: string | null
  fillerNumber: string
  reason: string | null
  procedures: {
    requestedProcedureId: string
    code: string
    scheme: string
    text: string
    studyUid: string
  }[]
}

export interface ReportReference {
  kind: ReportObjectKind
  studyUid: string
  seriesUid: string
  sopInstanceUid: string
}

/** Oldest first, documents before their renderings; those that have just failed wait for their time. */
export async function reportObjectsOwed(
  sql: AnySql,
  { limit, machineNow }: { limit: number; machineNow: Date },
): Promise<{ sopInstanceUid: string }[]> {
  return await sql<{ sopInstanceUid: string }[]>`
    select sop_instance_uid as "sopInstanceUid" from report_objects
    where stored_at is null and (next_attempt_at is null or next_attempt_at <= ${machineNow})
    order by owed_at, report_id, version, kind desc, study_id limit ${limit}`
}

/** Null when it is written already. */
export function reportObject(sql: AnySql, sopInstanceUid: string): Promise<ReportObject | null> {
  return objectWhere(sql, sql`ro.sop_instance_uid = ${sopInstanceUid} and ro.stored_at is null`)
}

/** The PDF of the version that a delivery is of, written into its study or not; null where no study has one. */
export function documentOfDelivery(sql: AnySql, deliveryId: string): Promise<ReportObject | null> {
  return objectWhere(
    sql,
    sql`ro.sop_instance_uid = (select x.sop_instance_uid from deliveries d join report_objects x
      on x.report_id = d.report_id and x.version = d.version and x.kind = 'pdf'
      where d.id = ${deliveryId} order by x.study_id limit 1)`,
  )
}

async function objectWhere(sql: AnySql, where: Fragment): Promise<ReportObject | null> {
  const [row] = await sql<Row[]>`
    select ro.sop_instance_uid, ro.series_uid, ro.kind, ro.report_id, ro.version, ro.study_id, s.study_uid, s.attributes,
      v.kind as version_kind, v.signer_id as signed_by, v.content_hash, coalesce(v.signed_at, v.created_at) as said_at, v.released_at,
      t.name as site_name, t.zone, jsonb_build_object('id', u.id, 'family', u.family, 'given', u.given, 'prefix', u.prefix,
        'degree', u.degree) as person, p.id as patient_id, p.name, p.birth_date, p.sex
    from report_objects ro join studies s on s.id = ro.study_id
      join report_versions v on v.report_id = ro.report_id and v.version = ro.version
      join reports r on r.id = ro.report_id join sites t on t.id = r.site_id
      join users u on u.id = coalesce(v.signer_id, v.author_id)
      join orders o on o.id = r.order_id join patients p on p.id = o.patient_id
    where ${where}`
  if (!row) return null
  const references = await referencesOf(sql, row)
  const ofVersion = (version: number) => references.filter((one) => one.version === version)
  const here = (one: Reference) => one.studyUid === row.study_uid
  const before = Math.max(...references.map(({ version }) => version).filter((n) => n < row.version))
  return {
    sopInstanceUid: row.sop_instance_uid,
    seriesUid: row.series_uid,
    kind: row.kind,
    version: row.version,
    studyUid: row.study_uid,
    attributes: row.attributes,
    versionKind: row.version_kind,
    contentHash: row.content_hash,
    saidAt: row.said_at,
    releasedAt: row.released_at,
    site: { name: row.site_name, zone: row.zone },
    person: row.person,
    assistants: row.signed_by === null ? [] : await assistantsOf(sql, row),
    patient: {
      name: row.name,
      birthDate: row.birth_date,
      sex: row.sex,
      identifiers: await identifiersOf(sql, row.patient_id),
    },
    requests: await requestsOf(sql, row.report_id),
    sections: await sectionsOf(sql, row),
    predecessor: ofVersion(before).find((one) => here(one) && one.kind === row.kind) ?? null,
    identical: ofVersion(row.version).filter((one) => !here(one) && one.kind === row.kind),
    document: ofVersion(row.version).find((one) => here(one) && one.kind === 'sr')!,
    evidence: await evidenceOf(sql, row),
  }
}

interface Row {
  sop_instance_uid: string
  series_uid: string
  kind: ReportObjectKind
  report_id: string
  version: number
  study_id: string
  study_uid: string
  attributes: ReportObject['attributes']
  version_kind: ReportVersionKind
  content_hash: string
  said_at: Date
  released_at: Date
  site_name: string
  zone: string
  person: ReportPerson
  signed_by: string | null
  patient_id: string
  name: NameSaid
  birth_date: string | null
  sex: string | null
}

type Reference = ReportReference & { version: number }

async function referencesOf(sql: AnySql, { report_id }: Row): Promise<Reference[]> {
  return await sql<Reference[]>`
    select ro.version, ro.kind, s.study_uid as "studyUid", ro.series_uid as "seriesUid", ro.sop_instance_uid as "sopInstanceUid"
    from report_objects ro join studies s on s.id = ro.study_id where ro.report_id = ${report_id}
    order by ro.version, s.id, ro.kind`
}

async function identifiersOf(
  sql: AnySql,
  patientId: string,
): Promise<ReportObject['patient']['identifiers']> {
  return await sql<{ value: string; issuer: string }[]>`
    select value, issuer from patient_identifiers where patient_id = ${patientId} and retired_at is null and type = 'MR'
    order by issuer, value`
}

async function requestsOf(sql: AnySql, reportId: string): Promise<ReportRequest[]> {
  return await sql<ReportRequest[]>`
    select o.accession, o.placer_number as "placerNumber", o.filler_number as "fillerNumber", o.reason,
      jsonb_agg(jsonb_build_object('requestedProcedureId', p.requested_procedure_id, 'code', p.code, 'scheme', p.scheme,
        'text', p.text, 'studyUid', coalesce((select st.study_uid from study_links l join studies st on st.id = l.study_id
          where l.procedure_id = p.id and l.undone_at is null
          order by (st.study_uid = p.study_uid) desc, l.at, l.id limit 1), p.study_uid)) order by p.position, p.id) as procedures
    from report_procedures rp join procedures p on p.id = rp.procedure_id join orders o on o.id = p.order_id
    where rp.report_id = ${reportId} group by o.id order by o.id`
}

// As it was when the version went out, whatever has come since.
async function evidenceOf(sql: AnySql, row: Row): Promise<ReportObject['evidence']> {
  return await sql<ReportObject['evidence']>`
    select s.study_uid as "studyUid", e.series_uid as "seriesUid", i.sop_class_uid as "sopClassUid",
      i.sop_instance_uid as "sopInstanceUid"
    from report_objects ro join studies s on s.id = ro.study_id join series e on e.study_id = s.id
      join instances i on i.series_id = e.id
    where ro.report_id = ${row.report_id} and ro.version = ${row.version} and ro.kind = ${row.kind}
      and i.rejected_code is null and not i.is_note and not i.is_report and i.stored_at <= ${row.released_at}
    order by s.id, e.series_number nulls last, e.series_uid, i.instance_number nulls last, i.sop_instance_uid`
}
