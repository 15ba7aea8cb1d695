/** Reads for query and retrieve by DIMSE (PS3.4 annex C): the objects a C-MOVE or C-GET names, and who a peer is. */
import type { AnySql } from '../client.ts'
import { countsShown, instanceShown, levelShown, type View } from './visibility.ts'

export type RetrieveLevel = 'patient' | 'study' | 'series' | 'instance'

export interface RetrieveAsked {
  level: RetrieveLevel
  /** Sites whose studies the requestor may have; null: all. */
  sites: readonly string[] | null
  /** What it sees of rejected instances. */
  view: View
  /** Unique keys named, from the level upwards; empty: not named. */
  patientIds: readonly string[]
  issuers: readonly string[]
  studyUids: readonly string[]
  seriesUids: readonly string[]
  sopInstanceUids: readonly string[]
}

/** A visible object as sending it takes. */
export interface Retrievable {
  sopInstanceUid: string
  sopClassUid: string
  transferSyntaxUid: string
  studyUid: string
  blob: string
  bytes: number
  datasetOffset: number
  /** Read again, its bytes were not what was received, or gone. */
  isDamaged: boolean
}

/** Visible objects below the unique keys, study by study in the order of their images; a key not named limits nothing. */
export async function retrievable(sql: AnySql, asked: RetrieveAsked): Promise<Retrievable[]> {
  const limit = (column: string, values: readonly string[] | null) =>
    values === null || values.length === 0 ? sql`` : sql`and ${sql(column)} = any(${values as string[]})`
  return sql<Retrievable[]>`
    select i.sop_instance_uid as "sopInstanceUid", i.sop_class_uid as "sopClassUid",
      i.transfer_syntax_uid as "transferSyntaxUid", s.study_uid as "studyUid", i.blob, i.bytes,
      i.dataset_offset as "datasetOffset", i.damaged is not null as "isDamaged"
    from studies s join series e on e.study_id = s.id join instances i on i.series_id = e.id
    where ${instanceShown(sql, asked.view)} ${asked.sites === null ? sql`` : sql`and s.site_id = any(${asked.sites as string[]})`}
      ${limit('s.dicom_patient_id', asked.patientIds)} ${limit('s.dicom_issuer', asked.issuers)}
      ${limit('s.study_uid', asked.studyUids)} ${limit('e.series_uid', asked.seriesUids)}
      ${limit('i.sop_instance_uid', asked.sopInstanceUids)}
    order by s.study_date, s.study_uid, e.series_number nulls last, e.series_uid,
      i.instance_number nulls last, i.sop_instance_uid`
}

export interface PeerAddress {
  aeTitle: string
  host: string
  port: number
  /** Its row lets it talk over TLS only. */
  isSecure: boolean
  certificate: { commonName?: string; fingerprint?: string } | null
}

/** Where an enabled device of this AE title listens; null when no row says so. */
export async function addressOf(sql: AnySql, aeTitle: string): Promise<PeerAddress | null> {
  // Which no column can be asked for.
  if (aeTitle.includes('\0')) return null
  const [row] = await sql<PeerAddress[]>`
    select ae_title as "aeTitle", host, port, policy->'certificate' as certificate,
      policy->>'tls' is not null or policy->'certificate' is not null as "isSecure"
    from devices
    where ae_title = ${aeTitle} and enabled and host is not null and port is not null`
  return row ?? null
}

export interface PatientCounts {
  studies: number
  series: number
  instances: number
}

/** What is visible of each patient named by ID and issuer, in the order given. */
export async function patientCounts(
  sql: AnySql,
  patients: readonly { patientId: string; issuer: string }[],
  { sites, view }: { sites: readonly string[] | null; view?: View },
): Promise<PatientCounts[]> {
  if (patients.length === 0) return []
  const counted = countsShown(sql, view)
  return sql<PatientCounts[]>`
    select c.studies, c.series, c.instances
    from unnest(${patients.map((one) => one.patientId)}::text[], ${patients.map((one) => one.issuer)}::text[])
        with ordinality as p(patient_id, issuer, at)
      cross join lateral (select count(*) as studies, coalesce(sum(${counted.series}), 0) as series,
          coalesce(sum(${counted.instances}), 0) as instances
        from studies s where s.dicom_patient_id = p.patient_id and s.dicom_issuer = p.issuer and ${levelShown(sql, 'study', view)}
          ${sites === null ? sql`` : sql`and s.site_id = any(${sites as string[]})`}) c
    order by p.at`
}

/** An instance in the index, and what its bytes have to be. */
export interface CommittedInstance {
  sopInstanceUid: string
  sopClassUid: string
  studyUid: string
  blob: string
  bytes: number
  datasetOffset: number
  sha256: string
}

/** Those of the instances named that are in the index; rejected ones are kept as safely as others. */
export async function instancesNamed(sql: AnySql, uids: readonly string[]): Promise<CommittedInstance[]> {
  return sql<CommittedInstance[]>`
    select i.sop_instance_uid as "sopInstanceUid", i.sop_class_uid as "sopClassUid", s.study_uid as "studyUid", i.blob,
      i.bytes, i.dataset_offset as "datasetOffset", i.sha256
    from instances i join studies s on s.id = i.study_id where i.sop_instance_uid = any(${uids as string[]})`
}

/** Those of the instances named that came and were set aside: kept, and not stored. */
export async function setAsideOf(sql: AnySql, uids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ uid: string }[]>`
    select distinct sop_instance_uid as uid from quarantine where sop_instance_uid = any(${uids as string[]})`
  return rows.map(({ uid }) => uid)
}

/**
 * Those of the instances named that this device sent with other content than is filed, while nobody has said which one
 * is right: what the device holds is kept, and is not what would be given out under its name.
 */
export async function contestedOf(
  sql: AnySql,
  { aeTitle, uids }: { aeTitle: string; uids: readonly string[] },
): Promise<string[]> {
  const rows = await sql<{ uid: string }[]>`
    select distinct sop_instance_uid as uid from quarantine where sop_instance_uid = any(${uids as string[]})
      and source_ae = ${aeTitle} and reason = 'duplicate-instance' and decision is null`
  return rows.map(({ uid }) => uid)
}
