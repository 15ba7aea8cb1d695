import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { connect, type Sql } from '../client.ts'
import { milestones, placeAfter, type Search, search } from './dicomweb.ts'
import type { Level } from './matching-keys.ts'

const STUDIES = 12_000
const SITE = ['MAIN']

let sql: Sql
/** Remembers the statement it ran last. */
let watched: { sql: Sql; last: { text: string; parameters: unknown[] } }

beforeAll(async () => {
  const url = await emptyDatabase()
  sql = connect(url, { name: 'dicomweb-queries', max: 2 })
  const last = { text: '', parameters: [] as unknown[] }
  const debug = (_: number, text: string, parameters: unknown[]) => Object.assign(last, { text, parameters })
  watched = { sql: postgres(url, { max: 1, debug }) as unknown as Sql, last }
  await sql`insert into sites (id, name, zone) values ('MAIN', 'Main', 'Europe/Berlin'), ('SMALL', 'Small', 'Europe/Berlin')`
  await sql`
    insert into studies (id, study_uid, site_id, dicom_patient_id, patient_name_key, accession, study_date, study_time,
      study_id, description, referring_physician, modalities, attributes, instance_count, series_count)
    select 'S' || n, '1.2.3.' || n, 'MAIN', 'P' || n / 3, (array['SMITH', 'YAMADA', 'GARCIA'])[1 + n % 3] || n % 977 || '^ANNA',
      'A' || n, to_char(date '2015-01-01' + n % 3650, 'YYYYMMDD'), lpad((n % 240000)::text, 6, '0'), 'ID' || n,
      'examination ' || n % 977, 'DOC' || n % 977, array[(array['CT', 'MR', 'US'])[1 + n % 3]],
      jsonb_build_object('00100030', jsonb_build_object('vr', 'DA', 'Value', jsonb_build_array(to_char(date '1930-01-01' + n % 30000, 'YYYYMMDD')))),
      1, 1
    from generate_series(1, ${STUDIES}) n`
  await sql`
    insert into series (id, study_id, series_uid, modality, series_number, instance_count)
    select 'E' || n, 'S' || n, '1.2.4.' || n, 'CT', 1, 1 from generate_series(1, ${STUDIES}) n`
  await sql`
    insert into instances (id, sop_instance_uid, sop_class_uid, series_id, study_id, instance_number, transfer_syntax_uid,
      blob, bytes, dataset_offset, sha256, stored_at)
    select 'I' || n, '1.2.5.' || n, '1.2', 'E' || n, 'S' || n, 1, '1.2', 'b' || n, 1, 1, '', now()
    from generate_series(1, ${STUDIES}) n`
  await sql`vacuum analyze studies, series, instances`
})

afterAll(() => Promise.all([sql.end(), watched.sql.end()]))

interface Asked {
  level: Level
  key?: [tag: string, value: string]
  offset?: number
  fuzzy?: boolean
}

/** How many rows one search read through, and how many it fetched by an index. */
async function cost({ level, key, offset = 0, fuzzy = false }: Asked) {
  return sql.begin(async (tx) => {
    // A table of twelve thousand rows is read through for a hundred of them, which at a million would be folly.
    await tx`set local random_page_cost = 1`
    const matches = key ? [{ tag: key[0], value: key[1] }] : []
    const scope = { studies: null, sites: SITE }
    const before = await rowsRead(tx as never)
    await search(tx as never, { level, scope, matches, limit: 101, offset, fuzzy })
    const after = await rowsRead(tx as never)
    return { through: after.through - before.through, fetched: after.fetched - before.fetched }
  })
}

async function rowsRead(tx: Sql): Promise<{ through: number; fetched: number }> {
  const [read] = await tx<{ through: number; fetched: number }[]>`
    select sum(seq_tup_read)::int as through, sum(coalesce(idx_tup_fetch, 0))::int as fetched
    from pg_stat_xact_user_tables where relname in ('studies', 'series', 'instances')`
  return read!
}

test.each<[string, Asked]>([
  ['the newest studies', { level: 'study' }],
  ['a Study Instance UID', { level: 'study', key: ['0020000D', '1.2.3.7000'] }],
  ['a Patient ID', { level: 'study', key: ['00100020', 'P700'] }],
  ['the beginning of a Patient ID', { level: 'study', key: ['00100020', 'P70*'] }],
  ['a part of a Patient ID', { level: 'study', key: ['00100020', '*700*'] }],
  ['an accession number', { level: 'study', key: ['00080050', 'A7000'] }],
  ['a Study ID', { level: 'study', key: ['00200010', 'ID7000'] }],
  ['a name', { level: 'study', key: ['00100010', 'yamada80^anna'] }],
  ['the beginning of a name', { level: 'study', key: ['00100010', 'yamada80*'] }],
  ['the beginning of a third of all names', { level: 'study', key: ['00100010', 'yamada*'] }],
  ['a part of a name', { level: 'study', key: ['00100010', '*mada80*'] }],
  ['a name fuzzily', { level: 'study', key: ['00100010', 'yamada80'], fuzzy: true }],
  ['a day', { level: 'study', key: ['00080020', '20170101'] }],
  ['a week', { level: 'study', key: ['00080020', '20170101-20170107'] }],
  ['a modality', { level: 'study', key: ['00080061', 'CT'] }],
  ['a modality that is not there', { level: 'study', key: ['00080061', 'XA'] }],
  ['a part of a description', { level: 'study', key: ['00081030', '*tion 80*'] }],
  ['a referring physician', { level: 'study', key: ['00080090', 'doc80'] }],
  ['a birth date', { level: 'study', key: ['00100030', '19400101'] }],
  ['the series of a study', { level: 'series', key: ['0020000D', '1.2.3.7000'] }],
  ['a Series Instance UID', { level: 'series', key: ['0020000E', '1.2.4.7000'] }],
  ['the newest series', { level: 'series' }],
  ['a SOP Instance UID', { level: 'instance', key: ['00080018', '1.2.5.7000'] }],
  ['the newest instances', { level: 'instance' }],
])('[DW-01] a search for %s reads a small part of the archive', async (_, asked) => {
  const { through, fetched } = await cost(asked)
  // A page is read twice, by its keys and by its rows, with what stands above and below.
  expect({ through, many: fetched > 2_000 }).toEqual({ through: 0, many: false })
})

const BOTH_SITES = { studies: null, sites: ['SMALL', 'MAIN'] }
const SMALL_SITE = { studies: null, sites: ['SMALL'] }

// At a million studies each other plan reads through tens of thousands of them.
test.each<[string, string, Pick<Search, 'level' | 'matches'> & Partial<Search>]>([
  ['the newest studies', 'studies_newest', { level: 'study', matches: [] }],
  ['what follows a page', 'studies_newest', { ...all('study'), after: placeOf('20170101') }],
  ['the newest of one site', 'studies_site_newest', { ...all('study'), scope: SMALL_SITE }],
  ['the newest of several sites', 'studies_site_newest', { ...all('study'), scope: BOTH_SITES }],
  ['a day', 'studies_newest', by('study', '00080020', '20170101')],
  ['a modality', 'studies_modalities_newest', by('study', '00080061', 'CT')],
  ['a modality that is not there', 'studies_modalities_newest', by('study', '00080061', 'XA')],
  ['the series of a modality', 'studies_modalities_newest', by('series', '00080060', 'XA')],
  ['a name', 'studies_name_newest', by('study', '00100010', 'yamada80^anna')],
  ['the beginning of a name', 'studies_name_newest', by('study', '00100010', 'yamada80*')],
  ['a name fuzzily', 'studies_name_parts', { ...by('study', '00100010', 'yamada80'), fuzzy: true }],
  ['a part of a name', 'studies_name_parts', by('study', '00100010', '*mada80*')],
  ['a Patient ID', 'studies_patient_newest', by('study', '00100020', 'P700')],
  ['the beginning of a Patient ID', 'studies_patient_newest', by('study', '00100020', 'P70*')],
  ['an accession number', 'studies_accession_newest', by('study', '00080050', 'A7000')],
  ['a description', 'studies_description_newest', by('study', '00081030', 'Examination 80')],
  ['a referring physician', 'studies_referring_physician_newest', by('study', '00080090', 'doc80')],
  ['a Study ID', 'studies_study_id', by('study', '00200010', 'ID7000')],
  ['a birth date', 'studies_birth_date_newest', by('study', '00100030', '19400101')],
  ['a Study Instance UID', 'studies_study_uid_key', by('study', '0020000D', '1.2.3.7000')],
  ['the series of a study', 'series_of_study', by('series', '0020000D', '1.2.3.7000')],
  ['a Series Instance UID', 'series_uid', by('series', '0020000E', '1.2.4.7000')],
  ['a SOP Instance UID', 'instances_sop_instance_uid_key', by('instance', '00080018', '1.2.5.7000')],
])('[DW-01] a search for %s goes by the index %s', async (_, index, asked) => {
  const { last } = watched
  await search(watched.sql, { scope: { studies: null, sites: null }, limit: 26, offset: 0, ...asked })
  const rows = await watched.sql.unsafe(`explain ${last.text}`, last.parameters as never[])
  const plan = rows.map((row) => String(row['QUERY PLAN']))
  const used = plan.flatMap((line) => / (?:using|Index Scan on) (\S+)/.exec(line)?.[1] ?? [])
  expect(used).toContain(index)
  expect(plan.filter((line) => /Seq Scan on (studies|series|instances)/.test(line))).toEqual([])
})

function by(level: Level, tag: string, value: string) {
  return { level, matches: [{ tag, value }] }
}

function all(level: Level) {
  return { level, matches: [] }
}

function placeOf(studyDate: string) {
  return { studyDate, studyTime: '', studyUid: '', given: 0 }
}

test('[DW-01] the newest of several sets of modalities come in one order, page after page', async () => {
  await sql`update studies set modalities = '{CT,SR}' where modalities = '{CT}' and study_uid like '%7'`
  await sql`update studies set modalities = '{CT,PR}' where modalities = '{CT}' and study_uid like '%3'`
  const uids = async (more: Partial<Search>) => {
    const asked = {
      ...by('study', '00080061', 'CT'),
      scope: { studies: null, sites: null },
      limit: 40,
      offset: 0,
    }
    return (await search(sql, { ...asked, ...more })).map(({ study }) => study.studyUid)
  }
  const rows = await sql<{ uid: string }[]>`
    select study_uid as uid from studies where 'CT' = any(modalities)
    order by study_date desc, study_time desc, study_uid desc limit 40`
  const newest = rows.map(({ uid }) => uid)
  expect(await uids({})).toEqual(newest)
  expect(await uids({ limit: 10, offset: 30 })).toEqual(newest.slice(30))
  expect(await uids({ ...by('study', '00080061', 'C?') })).toEqual(newest)
  const withReports = await uids({ ...by('study', '00080061', 'SR,PR') })
  expect(withReports).toHaveLength(40)
  expect(withReports.every((uid) => /[37]$/.test(uid))).toBe(true)
})

test('[DW-01] the newest of several sites come in one order, and of no other site', async () => {
  await sql`update studies set site_id = 'SMALL' where study_uid like '%00'`
  const asked = { ...all('study'), limit: 100, offset: 20 }
  const uids = async (sites: string[] | null) =>
    (await search(sql, { ...asked, scope: { studies: null, sites } })).map(({ study }) => study.studyUid)
  expect(await uids(['SMALL', 'MAIN', 'SMALL'])).toEqual(await uids(null))
  expect(await uids(['SMALL', 'ELSEWHERE'])).toEqual(await uids(['SMALL']))
  expect((await uids(['SMALL'])).every((uid) => uid.endsWith('00'))).toBe(true)
})

test('[DW-01] a page far behind is reached from a milestone, and follows the one before it', async () => {
  const asked = { ...all('study'), scope: { studies: null, sites: null } }
  const places = await milestones(sql, asked, { every: 5_000, upTo: 10_000 })
  expect(places).toHaveLength(2)
  const uids = async (more: object) =>
    (await search(sql, { ...asked, limit: 10, offset: 0, ...more })).map(({ study }) => study.studyUid)
  expect(await uids({ after: places[1] })).toEqual(await uids({ offset: 10_000 }))
  expect(await uids({ after: places[0], offset: 7 })).toEqual(await uids({ offset: 5_007 }))
  const first = await search(sql, { ...asked, limit: 10, offset: 0 })
  expect(await uids({ after: placeAfter(first, null) })).toEqual(await uids({ offset: 10 }))
})
