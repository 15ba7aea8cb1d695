/**
 * Rows of one department's archive after its first days and after ten years: 275 studies on every day up to the same
 * last one, as the index writes them, so that a question about a day or a patient has as many answers in either.
 */
import { createHash } from 'node:crypto'
import type postgres from 'postgres'

export const STUDIES_A_DAY = 275
const LAST_DAY = Date.UTC(2025, 11, 31)
const BATCH = 50_000

/** What a question needs to know about the n-th of `studies` studies; the newest is the last. */
export interface Known {
  studyUid: string
  seriesUid: string
  sopInstanceUid: string
  accession: string
  patientId: string
  /** A patient's name that no other family has. */
  name: string
  birthDate: string
  /** DA */
  day: string
  /** DA, a week before. */
  weekBefore: string
}

export function nthStudy(n: number, studies: number): Known {
  const daysAgo = Math.floor((studies - 1 - n) / STUDIES_A_DAY)
  const patient = n % patientsOf(studies)
  return {
    studyUid: `1.2.826.0.1.3680043.10.1605.1.${n}`,
    seriesUid: `1.2.826.0.1.3680043.10.1605.2.${n}`,
    sopInstanceUid: `1.2.826.0.1.3680043.10.1605.3.${n}`,
    accession: `A${String(n).padStart(8, '0')}`,
    patientId: `P${String(patient).padStart(7, '0')}`,
    name: ownName(patient),
    birthDate: new Date(Date.UTC(1930, 0, 1 + ((patient * 7919) % 32_000)))
      .toISOString()
      .slice(0, 10)
      .replaceAll('-', ''),
    day: daOf(daysAgo),
    weekBefore: daOf(daysAgo + 6),
  }
}

function daOf(daysAgo: number): string {
  return new Date(LAST_DAY - daysAgo * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')
}

const GIVEN = [
  'ANNA',
  'BEN',
  'CLARA',
  'DAVID',
  'EMMA',
  'FELIX',
  'GRETA',
  'HUGO',
  'IDA',
  'JONAS',
  'KLARA',
  'LEO',
  'MIA',
]

// The letters of a hash, as addStudies has them.
function ownName(patient: number): string {
  const hash = createHash('md5').update(String(patient)).digest('hex').slice(0, 8)
  const family = [...hash].map((digit) => 'ABCDEFGHIKLMNOPR'[Number.parseInt(digit, 16)]).join('')
  return `${family}^${GIVEN[Math.floor(patient / 7) % GIVEN.length]}`
}

/** Whether the n-th study is of a patient with a name of their own. */
export function hasOwnName(n: number, studies: number): boolean {
  return (n % patientsOf(studies)) % 100 > 5
}

// Three studies of each patient, years apart.
const patientsOf = (studies: number) => Math.ceil(studies / 3)

/** Fills an empty archive with `studies` studies of one series and one instance. */
export async function fill(
  sql: postgres.Sql,
  { siteId, studies, say }: { siteId: string; studies: number; say: (words: string) => void },
): Promise<void> {
  const indexes = await withoutIndexes(sql)
  for (let from = 0; from < studies; from += BATCH) {
    const to = Math.min(from + BATCH, studies)
    await sql.begin(async (tx) => {
      await addStudies(tx, { siteId, studies, from, to })
      await addSeries(tx, { from, to })
      await addInstances(tx, { from, to })
    })
    if (to % (BATCH * 4) === 0 || to === studies) say(`${to} of ${studies} studies`)
  }
  await sql`set maintenance_work_mem = '512MB'`
  for (const index of indexes) await sql.unsafe(index)
  say(`${indexes.length} indexes`)
  // What the database's own housekeeping does as rows come.
  await sql`vacuum analyze studies, series, instances`
}

/** Takes away what can be made again at the end, in a tenth of the time, and answers how. */
async function withoutIndexes(sql: postgres.Sql): Promise<string[]> {
  const indexes = await sql<{ name: string; definition: string }[]>`
    select indexrelid::regclass as name, pg_get_indexdef(indexrelid) as definition from pg_index
    where indrelid = any(array['studies', 'series', 'instances']::regclass[]) and not indisunique`
  for (const { name } of indexes) await sql`drop index ${sql(name)}`
  return indexes.map(({ definition }) => definition)
}

interface Batch {
  from: number
  to: number
}

/**
 * One patient in a hundred is a SMITH, five in a hundred share five hundred names, the others have a name of their own.
 * One study in a hundred is an angiography, and one in ten has a report beside its images.
 */
async function addStudies(
  sql: postgres.TransactionSql,
  { siteId, studies, from, to }: Batch & { siteId: string; studies: number },
): Promise<void> {
  await sql`
    with numbered as (
      select n, n % ${patientsOf(studies)}::int as p, ${studies - 1}::int - n as age, (n::bigint * 2654435761) % 4294967296 as h
      from generate_series(${from}::int, ${to - 1}::int) n),
    described as (
      select n, p, h, lpad(p::text, 7, '0') as number, age % ${STUDIES_A_DAY} as later,
        to_char(date '2025-12-31' - age / ${STUDIES_A_DAY}::int, 'YYYYMMDD') as day,
        case when (h >> 10) % 1000 < 300 then 'CT' when (h >> 10) % 1000 < 500 then 'MR' when (h >> 10) % 1000 < 800 then 'DX'
          when (h >> 10) % 1000 < 940 then 'US' when (h >> 10) % 1000 < 990 then 'MG' else 'XA' end as modality,
        case when p % 100 = 0 then 'SMITH' when p % 100 <= 5 then 'SHARED' || p / 100 % 500
          else translate(substr(md5(p::text), 1, 8), '0123456789abcdef', 'ABCDEFGHIKLMNOPR') end as family,
        (${GIVEN}::text[])[1 + p / 7 % ${GIVEN.length}::int] as given,
        to_char(date '1930-01-01' + (p * 7919::bigint % 32000)::int, 'YYYYMMDD') as born
      from numbered),
    named as (select *, family || '^' || given as name, 'DOC' || (h >> 7) % 400 || '^R' as physician,
        modality || ' ' || (array['Thorax', 'Abdomen', 'Skull', 'Spine', 'Pelvis', 'Knee', 'Hip', 'Hand', 'Foot', 'Shoulder'])[1 + (h >> 5) % 10]
          || ' protocol ' || (h >> 15) % 20 as description,
        lpad((7 + later * 12 / ${STUDIES_A_DAY})::text, 2, '0') || lpad((later % 60)::text, 2, '0') || '00' as time
      from described)
    insert into studies (id, study_uid, site_id, dicom_patient_id, dicom_patient_name, patient_name_key, accession,
      study_date, study_time, study_id, description, referring_physician, modalities, attributes, series_count,
      instance_count, stored_count, bytes, first_instance_at, last_instance_at)
    select 'B' || lpad(n::text, 25, '0'), '1.2.826.0.1.3680043.10.1605.1.' || n, ${siteId}, 'P' || number, name, name,
      'A' || lpad(n::text, 8, '0'), day, time, n::text, description, physician,
      case when (h >> 9) % 10 = 0 then array[modality, 'SR'] else array[modality] end,
      jsonb_build_object(
        '00080020', jsonb_build_object('vr', 'DA', 'Value', jsonb_build_array(day)),
        '00080030', jsonb_build_object('vr', 'TM', 'Value', jsonb_build_array(time)),
        '00080050', jsonb_build_object('vr', 'SH', 'Value', jsonb_build_array('A' || lpad(n::text, 8, '0'))),
        '00080090', jsonb_build_object('vr', 'PN', 'Value', jsonb_build_array(jsonb_build_object('Alphabetic', physician))),
        '00081030', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array(description)),
        '00100010', jsonb_build_object('vr', 'PN', 'Value', jsonb_build_array(jsonb_build_object('Alphabetic', name))),
        '00100020', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array('P' || number)),
        '00100030', jsonb_build_object('vr', 'DA', 'Value', jsonb_build_array(born)),
        '00100040', jsonb_build_object('vr', 'CS', 'Value', jsonb_build_array(case when p % 2 = 0 then 'F' else 'M' end)),
        '00200010', jsonb_build_object('vr', 'SH', 'Value', jsonb_build_array(n::text))),
      1, 1, 1, 500000, now(), now()
    from named`
}

async function addSeries(sql: postgres.TransactionSql, { from, to }: Batch): Promise<void> {
  await sql`
    insert into series (id, study_id, series_uid, modality, series_number, description, instance_count)
    select id, id, replace(study_uid, '.1605.1.', '.1605.2.'), modalities[1], 1, description, 1
    from studies where id between ${rowId(from)} and ${rowId(to - 1)}`
}

async function addInstances(sql: postgres.TransactionSql, { from, to }: Batch): Promise<void> {
  await sql`
    insert into instances (id, sop_instance_uid, sop_class_uid, series_id, study_id, instance_number, transfer_syntax_uid,
      blob, bytes, dataset_offset, sha256, stored_at, verified_at)
    select id, replace(study_uid, '.1605.1.', '.1605.3.'), '1.2.840.10008.5.1.4.1.1.2', id, id, 1, '1.2.840.10008.1.2.1',
      'bench/' || id, 500000, 300, '', now(), now()
    from studies where id between ${rowId(from)} and ${rowId(to - 1)}`
}

const rowId = (n: number) => `B${String(n).padStart(25, '0')}`
