/** What the rows of a study and its series say: what an object of theirs says (PS3.18 tables 10.6.3-3 and -4). */
import { nameKeyOfDicom } from '#domain/identity.ts'
import type { AnySql } from '../client.ts'
import { date, integer, text, time } from './header-values.ts'
import type { Scope } from './mutate.ts'
import type { DicomJson } from './studies.ts'

export const studyFrom = (header: DicomJson) => {
  const name = text(header, '00100010')
  return {
    dicom_patient_id: text(header, '00100020'),
    dicom_issuer: text(header, '00100021'),
    dicom_patient_name: name,
    patient_name_key: nameKeyOfDicom(name),
    accession: text(header, '00080050'),
    study_date: date(header, '00080020'),
    study_time: time(header, '00080030'),
    study_id: text(header, '00200010'),
    description: text(header, '00081030'),
    referring_physician: text(header, '00080090'),
    attributes: pick(header, studyLevel),
  }
}

export const seriesFrom = (header: DicomJson) => ({
  modality: text(header, '00080060'),
  series_number: integer(header, '00200011'),
  description: text(header, '0008103E'),
  series_date: date(header, '00080021'),
  series_time: time(header, '00080031'),
  body_part: text(header, '00180015'),
  attributes: pick(header, seriesLevel),
})

/** The object that a study, or a series, is described by. */
export interface Describing {
  header: DicomJson
  sourceAe: string
  sopInstanceUid: string
}

/**
 * After an object was replaced, withdrawn or brought back: the study and its series say what the first of their objects
 * says that is shown, or what the first of all said while none is. A study that images were moved to keeps what its
 * order says: they speak of another one.
 */
export async function stateAnew({ sql }: Scope, studyId: string): Promise<void> {
  const { study, series, isOwn } = await describing(sql, studyId)
  if (!study || !isOwn) return
  await write(sql, studyId, studyFrom(study.header), null)
  for (const { id, header } of series) await writeSeries(sql, id, seriesFrom(header))
  await sql`insert into studies_to_state (study_id) values (${studyId})`
}

export interface Described {
  study: Describing | undefined
  series: (Describing & { id: string })[]
  /** False: all that is here was moved here from another study. */
  isOwn: boolean
}

/** The first objects of a study and of each series of it: of those that are shown and speak of this study, if there are any. */
export async function describing(sql: AnySql, studyId: string): Promise<Described> {
  const rows = await sql<(Describing & { id: string; isOwn: boolean; rank: number })[]>`
    select e.id, i.header, i."sourceAe", i."sopInstanceUid", i."isOwn",
      row_number() over (order by not i."isOwn", i.hidden, i.is_note, i.is_report, i.id)::integer as rank
    from studies s join series e on e.study_id = s.id cross join lateral (
      select f.id, f.attributes as header, f.source_ae as "sourceAe", f.sop_instance_uid as "sopInstanceUid", f.is_note,
        f.is_report, f.rejected_code is not null as hidden,
        coalesce(f.attributes->'0020000D'->'Value'->>0 = s.study_uid, false) as "isOwn"
      from (select * from instances where series_id = e.id order by rejected_code is not null, id limit 1) f) i
    where s.id = ${studyId}`
  const study = rows.find(({ rank }) => rank === 1)
  return { study, series: rows.filter(({ isOwn }) => isOwn === study?.isOwn), isOwn: study?.isOwn ?? false }
}

/** What objects say of a study where its row says what goes out. */
export interface Said {
  patientId: string
  issuer: string
  accession: string
}

/** What goes out of a study and its series. `said`: of the objects, where that is something else. */
export interface GoingOut {
  studyId: string
  study: ReturnType<typeof studyFrom>
  said: Said | null
  series: readonly { id: string; says: ReturnType<typeof seriesFrom> }[]
}

/** Queries answer it from now on; what they answer already stays untouched. */
export async function stateAsItGoesOut(
  sql: AnySql,
  { studyId, study, said, series }: GoingOut,
): Promise<void> {
  await write(sql, studyId, study, said)
  for (const { id, says } of series) await writeSeries(sql, id, says)
}

/** A study that waits, and the rows that say so. */
export interface ToState {
  studyId: string
  rows: readonly number[]
}

/** The newest first; a study that is named twice stands there once, and one that failed is left for a while. */
export async function studiesToState(sql: AnySql, most: number): Promise<ToState[]> {
  const rows = await sql<{ id: number; study_id: string }[]>`
    select id, study_id from studies_to_state where try_again_at is null or try_again_at <= now()
    order by id desc limit ${most}`
  return [...Map.groupBy(rows, (row) => row.study_id)].map(([studyId, list]) => ({
    studyId,
    rows: list.map(({ id }) => id),
  }))
}

/** In the transaction that states it, and before it reads: whoever changes something meanwhile names it anew. */
export async function takeToState(sql: AnySql, { studyId }: ToState): Promise<void> {
  await sql`delete from studies_to_state where study_id = ${studyId}`
}

/** One that could not be stated: it is on the health page until it can. Machine clock. */
export async function leaveToState(sql: AnySql, { rows }: ToState): Promise<void> {
  await sql`
    update studies_to_state set try_again_at = now() + interval '10 minutes' where id = any(${rows as number[]})`
}

async function write(
  sql: AnySql,
  studyId: string,
  study: ReturnType<typeof studyFrom>,
  said: Said | null,
): Promise<void> {
  await sql`
    update studies s set dicom_patient_id = r.dicom_patient_id, dicom_issuer = r.dicom_issuer,
      dicom_patient_name = r.dicom_patient_name, patient_name_key = r.patient_name_key, accession = r.accession,
      study_date = r.study_date, study_time = r.study_time, study_id = r.study_id, description = r.description,
      referring_physician = r.referring_physician, attributes = r.attributes, said = r.said, rev = s.rev + 1
    from (select *, ${said === null ? null : sql.json(said as never)}::jsonb as said
      from jsonb_to_record(${sql.json(study as never)}) as j(dicom_patient_id text, dicom_issuer text,
        dicom_patient_name text, patient_name_key text, accession text, study_date text, study_time text, study_id text,
        description text, referring_physician text, attributes jsonb)) r
    where s.id = ${studyId}
      and (s.dicom_patient_id, s.dicom_issuer, s.dicom_patient_name, s.patient_name_key, s.accession, s.study_date,
        s.study_time, s.study_id, s.description, s.referring_physician, s.attributes, s.said)
      is distinct from (r.dicom_patient_id, r.dicom_issuer, r.dicom_patient_name, r.patient_name_key, r.accession,
        r.study_date, r.study_time, r.study_id, r.description, r.referring_physician, r.attributes, r.said)`
}

async function writeSeries(sql: AnySql, id: string, series: ReturnType<typeof seriesFrom>): Promise<void> {
  await sql`
    update series e set modality = r.modality, series_number = r.series_number, description = r.description,
      series_date = r.series_date, series_time = r.series_time, body_part = r.body_part, attributes = r.attributes
    from jsonb_to_record(${sql.json(series as never)}) as r(modality text, series_number integer, description text,
      series_date text, series_time text, body_part text, attributes jsonb)
    where e.id = ${id} and (e.modality, e.series_number, e.description, e.series_date, e.series_time, e.body_part, e.attributes)
      is distinct from (r.modality, r.series_number, r.description, r.series_date, r.series_time, r.body_part, r.attributes)`
}

// What QIDO answers; the rest stays in the instance's own header.
const studyLevel = [
  '00080005',
  '00080020',
  '00080030',
  '00080050',
  '00080051',
  '00080090',
  '00080201',
  '00081030',
  '00100010',
  '00100020',
  '00100021',
  '00100030',
  '00100040',
  '0020000D',
  '00200010',
]
const seriesLevel = [
  '00080005',
  '00080021',
  '00080031',
  '00080060',
  '0008103E',
  '00180015',
  '0020000E',
  '00200011',
  '00200060',
  '00400244',
  '00400245',
  '00400275',
]

function pick(header: DicomJson, tags: readonly string[]): DicomJson {
  return Object.fromEntries(tags.filter((tag) => header[tag]).map((tag) => [tag, header[tag]!]))
}
