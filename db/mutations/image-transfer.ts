/** Series that change their study in the index: rows move, the stored bytes stay as they were received. */
import { formatPersonName, nameKeyOfDicom } from '#domain/identity.ts'
import type { NameSaid } from '#domain/order-message.ts'
import { seriesOfStep } from '#domain/series-of-step.ts'
import { ulid } from '../ulid.ts'
import { askOfAllNumbers } from './another-patient.ts'
import type { Scope } from './mutate.ts'
import { count } from './study-counts.ts'
import { linkStudy, unlinkStudy } from './study-links.ts'

export interface Transfer {
  fromStudyUid: string
  toStudyUid: string
  seriesUids: readonly string[]
  /** The order that the images come to. */
  toOrderId: string
}

/** What a transfer came to; the studies are null when nothing was stored of these series. */
export interface Transferred {
  instances: number
  fromStudyId: string | null
  toStudyId: string | null
  /** The last image of the study went. */
  emptied: boolean
}

/**
 * Files the series under the other study; each study is then linked to its orders as its images say, or to none when
 * it has none left. Completeness and quality begin anew for both.
 */
export async function transferSeries(scope: Scope, transfer: Transfer): Promise<Transferred> {
  const { sql } = scope
  const [from] = await sql<
    { id: string }[]
  >`select id from studies where study_uid = ${transfer.fromStudyUid}`
  const concerned = from ? await storedOf(scope, from.id, transfer.seriesUids) : []
  if (!from || concerned.length === 0)
    return { instances: 0, fromStudyId: null, toStudyId: null, emptied: false }
  if (transfer.fromStudyUid === transfer.toStudyUid) {
    await beginAnew(scope, from.id)
    return { instances: total(concerned), fromStudyId: from.id, toStudyId: from.id, emptied: false }
  }
  const toStudyId = await studyFor(scope, transfer, from.id)
  for (const { seriesId } of concerned) await moveSeries(scope, { seriesId, fromStudyId: from.id, toStudyId })
  for (const id of [from.id, toStudyId]) {
    await count(scope, id)
    await beginAnew(scope, id)
  }
  const orderIds = await linkStudy(scope, toStudyId, { studyUid: transfer.toStudyUid, header: {} })
  // Images that come back to the study they were made in were perhaps why somebody was asked.
  if (await anyOwn(scope, toStudyId, transfer))
    for (const orderId of orderIds) await askOfAllNumbers(scope, toStudyId, orderId)
  const emptied = await isEmpty(scope, from.id)
  if (emptied) await unlinkStudy(scope, from.id)
  return { instances: total(concerned), fromStudyId: from.id, toStudyId, emptied }
}

async function anyOwn(
  { sql }: Scope,
  studyId: string,
  { toStudyUid, seriesUids }: Transfer,
): Promise<boolean> {
  const [one] = await sql`
    select 1 from instances i join series e on e.id = i.series_id
    where e.study_id = ${studyId} and e.series_uid = any(${seriesUids as string[]})
      and i.attributes->'0020000D'->'Value'->>0 = ${toStudyUid} limit 1`
  return one !== undefined
}

/** The series of a performed step (a report of ours is nobody's scan), in the study its images came in, with those its MPPS named and that are yet to come. */
export async function seriesMadeBy(
  { sql }: Scope,
  { performedStepId, studyUid }: { performedStepId: string; studyUid: string },
): Promise<string[]> {
  const performed = await sql<{ id: string; sopInstanceUid: string; startedAt: Date; named: string[] }[]>`
    select ps.id, ps.sop_instance_uid as "sopInstanceUid", ps.started_at as "startedAt",
      array(select distinct series_uid from named_instances n where n.performed_step_id = ps.id and series_uid is not null) as named
    from performed_steps ps where ps.study_uid = ${studyUid} order by ps.id`
  const stored = await sql<{ seriesUid: string; firstAt: Date; refersTo: string[] }[]>`
    select e.series_uid as "seriesUid", min(i.stored_at) as "firstAt",
      coalesce(array_agg(distinct r.uid) filter (where r.uid is not null), '{}') as "refersTo"
    from series e join studies s on s.id = e.study_id join instances i on i.series_id = e.id and not i.is_note and not i.is_report
      left join lateral (select item->'00081155'->'Value'->>0 as uid
        from jsonb_array_elements(coalesce(i.attributes->'00081111'->'Value', '[]')) item) r on true
    where s.study_uid = ${studyUid} group by e.series_uid order by e.series_uid`
  const own = performed.find(({ id }) => id === performedStepId)
  return [...new Set([...seriesOfStep(performedStepId, performed, stored), ...(own?.named ?? [])])]
}

interface StoredSeries {
  seriesId: string
  images: number
}

const total = (series: readonly StoredSeries[]): number => series.reduce((sum, { images }) => sum + images, 0)

async function storedOf({ sql }: Scope, studyId: string, uids: readonly string[]): Promise<StoredSeries[]> {
  return await sql<StoredSeries[]>`
    select e.id as "seriesId", count(*)::int as images from series e join instances i on i.series_id = e.id
      and not i.is_note and not i.is_report
    where e.study_id = ${studyId} and e.series_uid = any(${uids as string[]}) group by e.id order by e.id`
}

// The request that the scanner was given (0040,0275) is not the one these images are of.
async function moveSeries(
  { sql }: Scope,
  { seriesId, fromStudyId, toStudyId }: { seriesId: string; fromStudyId: string; toStudyId: string },
): Promise<void> {
  const [target] = await sql<{ id: string }[]>`
    insert into series (id, study_id, series_uid, modality, series_number, description, series_date, series_time, body_part,
      station_ae, attributes)
    select ${ulid()}, ${toStudyId}, series_uid, modality, series_number, description, series_date, series_time, body_part,
      station_ae, attributes - '00400275' from series where id = ${seriesId}
    on conflict (study_id, series_uid) do update set series_uid = excluded.series_uid
    returning id`
  await sql`
    update instances set study_id = ${toStudyId}, series_id = ${target!.id}
    where series_id = ${seriesId} and study_id = ${fromStudyId} and not is_note and not is_report`
}

interface OrderRow {
  site_id: string
  patient_id: string
  accession: string
  accession_issuer: string
  name: NameSaid
  birth_date: string | null
  sex: string | null
  value: string | null
  issuer: string | null
  text: string
  study_date: string
  study_time: string
  when: Record<string, unknown>
}

/** The study the images come to: as it stands, or made from what the department knows of its order. */
async function studyFor(
  { sql }: Scope,
  { toStudyUid, toOrderId }: Transfer,
  fromStudyId: string,
): Promise<string> {
  const [known] = await sql<{ id: string }[]>`select id from studies where study_uid = ${toStudyUid}`
  if (known) return known.id
  const [order] = await sql<OrderRow[]>`
    select o.site_id, o.patient_id, o.accession, o.accession_issuer, pt.name, pt.birth_date, pt.sex, pi.value, pi.issuer,
      (select text from procedures where study_uid = ${toStudyUid} order by position limit 1) as text,
      f.study_date, f.study_time, jsonb_strip_nulls(jsonb_build_object('00080005', f.attributes->'00080005',
        '00080020', f.attributes->'00080020', '00080030', f.attributes->'00080030')) as when
    from orders o join patients pt on pt.id = o.patient_id cross join studies f
      left join lateral (select value, issuer from patient_identifiers where patient_id = pt.id and retired_at is null
        order by (type = 'MR') desc, value limit 1) pi on true
    where o.id = ${toOrderId} and f.id = ${fromStudyId}`
  const row = order!
  const name = formatPersonName(row.name)
  const [made] = await sql<{ id: string }[]>`
    insert into studies (id, study_uid, site_id, patient_id, dicom_patient_id, dicom_issuer, dicom_patient_name,
      patient_name_key, accession, study_date, study_time, description, attributes)
    values (${ulid()}, ${toStudyUid}, ${row.site_id}, ${row.patient_id}, ${row.value ?? ''}, ${row.issuer ?? ''}, ${name},
      ${nameKeyOfDicom(name)}, ${row.accession}, ${row.study_date}, ${row.study_time}, ${row.text.slice(0, 64)},
      ${sql.json({ ...row.when, ...identityOf(row), '0020000D': { vr: 'UI', Value: [toStudyUid] } } as never)})
    returning id`
  return made!.id
}

// DICOM JSON (PS3.18 F.2): an attribute without a value has no Value.
function identityOf(row: OrderRow): Record<string, unknown> {
  const [Alphabetic, Ideographic, Phonetic] = formatPersonName(row.name).split('=')
  const groups = Object.fromEntries(
    Object.entries({ Alphabetic, Ideographic, Phonetic }).filter(([, value]) => value),
  )
  const birthDate = row.birth_date?.length === 10 ? row.birth_date.replaceAll('-', '') : null
  const said = (vr: string, value: string | null) => (value ? { vr, Value: [value] } : { vr })
  return {
    '00080050': said('SH', row.accession),
    '00081030': said('LO', row.text.slice(0, 64)),
    '00100010': { vr: 'PN', Value: [groups] },
    '00100020': said('LO', row.value),
    '00100021': said('LO', row.issuer),
    '00100030': said('DA', birthDate),
    '00100040': said('CS', row.sex),
  }
}

// A verdict about other images says nothing of these; a verdict `incomplete` that is overcome makes the next cycle.
async function beginAnew({ sql }: Scope, studyId: string): Promise<void> {
  await sql`
    update studies s set completeness = 'waiting', completeness_missing = 0, completeness_decided_at = null,
      completeness_recheck_at = ${new Date(0)}, incomplete_accepted_at = null,
      earlier_incompletes = earlier_incompletes + case when completeness = 'incomplete' then 1 else 0 end,
      first_instance_at = i.first_at, last_instance_at = i.last_at
    from (select min(stored_at) as first_at, max(stored_at) as last_at from instances
      where study_id = ${studyId} and not is_note and not is_report) i
    where s.id = ${studyId}`
}

async function isEmpty({ sql }: Scope, studyId: string): Promise<boolean> {
  const [row] = await sql<{ n: number }[]>`select stored_count as n from studies where id = ${studyId}`
  return row!.n === 0
}
