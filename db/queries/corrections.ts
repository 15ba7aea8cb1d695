/** What the order of a study says that its images may say otherwise: read when they go out, so that a correction shows at once. */
import type { NameSaid } from '#domain/order-message.ts'
import type { AnySql } from '../client.ts'

export interface Correction {
  /** Where the images are filed: one that says another study was moved here by a person. */
  studyUid: string
  patient: {
    name: NameSaid
    id: string | null
    issuer: string | null
    /** YYYY, YYYY-MM or YYYY-MM-DD. */
    birthDate: string | null
    sex: string | null
  }
  /** Patient IDs by which images mean this patient, merged ones and the study's own included. */
  patientIds: readonly string[]
  /** Those of them that are right as they stand. */
  activeIds: readonly string[]
  requests: readonly {
    accession: string
    requestedProcedureId: string
    text: string
    /** Null: the procedure has several steps, or none. */
    stepNumber: string | null
  }[]
  /** When the study was linked to its order. */
  at: Date
}

interface Row {
  study_uid: string
  says: string
  at: Date
  patient_id: string
  name: NameSaid
  birth_date: string | null
  sex: string | null
  identifier: { value: string; issuer: string } | null
  active_ids: string[]
  all_ids: string[]
  is_anothers: boolean
  accession: string
  requested_procedure_id: string
  text: string
  step_number: string | null
}

/**
 * By Study Instance UID. A study of several patients, of a provisional one, or without an order is left as it is; so
 * are a patient's attributes of images that carry another known patient's number: that is somebody's doubt to settle.
 */
export async function correctionsOf(
  sql: AnySql,
  studyUids: readonly string[],
): Promise<Map<string, Correction>> {
  if (studyUids.length === 0) return new Map()
  const rows = await sql<Row[]>`
    select s.study_uid, s.says, l.at, patient.id as patient_id, p.name, p.birth_date, p.sex,
      (select jsonb_build_object('value', value, 'issuer', issuer) from patient_identifiers
        where patient_id = patient.id and retired_at is null order by (type = 'MR') desc, value limit 1) as identifier,
      array(select value from patient_identifiers where patient_id = patient.id and retired_at is null) as active_ids,
      array(select value from patient_identifiers where patient_id in (${family(sql)})) as all_ids,
      exists (select 1 from patient_identifiers x where x.value = s.says and s.says <> ''
        and (s.says_issuer = '' or x.issuer = s.says_issuer) and x.patient_id not in (${family(sql)}))
        and not exists (select 1 from patient_identifiers own where own.value = s.says
          and (s.says_issuer = '' or own.issuer = s.says_issuer) and own.patient_id in (${family(sql)})) as is_anothers,
      o.accession, pr.requested_procedure_id, pr.text,
      (select min(step_number) from steps where procedure_id = pr.id having count(*) = 1) as step_number
    from (select id, study_uid, coalesce(said->>'patientId', dicom_patient_id) as says,
        coalesce(said->>'issuer', dicom_issuer) as says_issuer from studies where study_uid = any(${studyUids as string[]})) s
      join study_links l on l.study_id = s.id and l.undone_at is null
      join procedures pr on pr.id = l.procedure_id join orders o on o.id = l.order_id
      join lateral (${survivor(sql)}) patient on true join patients p on p.id = patient.id
    where p.trust = 'trusted'
    order by s.study_uid, o.id, pr.position`
  const found = new Map<string, Correction>()
  for (const [studyUid, list] of Map.groupBy(rows, (row) => row.study_uid)) {
    const isOnePatient = new Set(list.map((row) => row.patient_id)).size === 1
    if (isOnePatient) found.set(studyUid, correctionFrom(list))
  }
  return found
}

function correctionFrom(rows: readonly Row[]): Correction {
  const [first] = rows as [Row]
  const { name, identifier, birth_date: birthDate, sex } = first
  return {
    studyUid: first.study_uid,
    patient: { name, id: identifier?.value ?? null, issuer: identifier?.issuer ?? null, birthDate, sex },
    patientIds: [...first.all_ids, first.says].filter((id) => id !== first.says || !first.is_anothers),
    activeIds: first.active_ids,
    requests: rows.map((row) => ({
      accession: row.accession,
      requestedProcedureId: row.requested_procedure_id,
      text: row.text,
      stepNumber: row.step_number,
    })),
    at: first.at,
  }
}

// Along active merge links: a merged patient's images go out under the survivor's name and number.
const survivor = (sql: AnySql) => sql`
  with recursive chain as (
    select o.patient_id as id, 0 as hops
    union all select m.to_patient, c.hops + 1 from merge_links m join chain c on m.from_patient = c.id
      where m.undone_at is null and c.hops < 32)
  select id from chain order by hops desc limit 1`

// The survivor and everybody merged into them.
const family = (sql: AnySql) => sql`
  with recursive merged as (
    select patient.id as id, 0 as hops
    union all select m.from_patient, f.hops + 1 from merge_links m join merged f on m.to_patient = f.id
      where m.undone_at is null and f.hops < 32)
  select id from merged`

/** Patient ID (0010,0020) and Issuer of Patient ID (0010,0021) as an object says them; empty: not said. */
export interface NumberSaid {
  patientId: string
  issuer: string
}

/** Whether a number is one of another patient of ours than the order's: of neither the survivor nor anybody merged into them. */
export async function isNumberOfAnother(
  sql: AnySql,
  orderId: string,
  { patientId, issuer }: NumberSaid,
): Promise<boolean> {
  if (patientId === '') return false
  const [row] = await sql<{ isOwn: boolean }[]>`
    select bool_or(x.patient_id in (${family(sql)})) as "isOwn"
    from orders o join lateral (${survivor(sql)}) patient on true
      join patient_identifiers x on x.value = ${patientId} and (${issuer} = '' or x.issuer = ${issuer})
    where o.id = ${orderId} having count(*) > 0`
  return row?.isOwn === false
}

/** The study that a series is of. */
export async function studyOfSeries(sql: AnySql, seriesId: string): Promise<string> {
  const [row] = await sql<{ study_uid: string }[]>`
    select s.study_uid from series e join studies s on s.id = e.study_id where e.id = ${seriesId}`
  return row?.study_uid ?? ''
}

export interface SaidOfObject {
  sopInstanceUid: string
  studyUid: string
  sourceAe: string
  /** The attributes that a correction may be about, as DICOM JSON. */
  header: Record<string, { vr: string; Value?: unknown[] }>
}

/**
 * What an object says of its patient and visit besides: in one that was moved here it is said of somebody else.
 * @see PS3.3 C.2.2, C.2.3, C.7.1.1 and C.7.2.2
 */
// biome-ignore format: a list is read by its rows
export const OF_ANOTHER: readonly string[] = [
  '00080090', '00081080', '00081110', '00081120', '00100024', '00100032', '00101000', '00101001', '00101002', '00101005',
  '00101010', '00101020', '00101030', '00101040', '00101060', '00101080', '00101090', '00102000', '00102110', '00102150',
  '00102154', '00102160', '00102180', '001021A0', '001021B0', '001021C0', '001021D0', '001021F0', '00104000', '00200010',
  '00321032', '00321060', '00321064', '00380010', '00380050', '00380300', '00380500', '00401400',
]

/** What stored objects say of patient and request. */
export async function saidOf(sql: AnySql, sopInstanceUids: readonly string[]): Promise<SaidOfObject[]> {
  return await sql<SaidOfObject[]>`
    select i.sop_instance_uid as "sopInstanceUid", s.study_uid as "studyUid", i.source_ae as "sourceAe",
      jsonb_strip_nulls(jsonb_build_object('00080050', i.attributes->'00080050', '00100010', i.attributes->'00100010',
        '00100020', i.attributes->'00100020', '00100021', i.attributes->'00100021', '00100030', i.attributes->'00100030',
        '00100040', i.attributes->'00100040', '0020000D', i.attributes->'0020000D', '00400275', i.attributes->'00400275')
        || case when i.attributes->'0020000D'->'Value'->>0 = s.study_uid then '{}'::jsonb else
          (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(i.attributes)
            where key = any(${OF_ANOTHER as string[]})) end) as header
    from instances i join studies s on s.id = i.study_id where i.sop_instance_uid = any(${sopInstanceUids as string[]})`
}
