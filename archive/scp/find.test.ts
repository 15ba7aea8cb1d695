import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { CT_IMAGE_STORAGE } from '#archive/dimse/sop-class.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { openAssociation } from '#archive/scu/association.ts'
import { find as findByScu, findContext, findOn } from '#archive/scu/find.ts'
import { storableDataset, store } from '#archive/scu/store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import {
  CORPUS,
  dcmtk,
  findscu,
  openArchive,
  readDataset,
  type TestArchive,
  until,
} from './archive.fixture.ts'

let archive: TestArchive

const files = [
  'ct-head/01',
  'ct-head/02',
  'ct-head/03',
  'mr-head/01',
  'charset/chrH31',
  'charset/chrGerm',
  'dx-chest/01',
].map((name) => `${CORPUS}${name}.dcm`)

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const { said } = await dcmtk('dcmsend', [
    '-v',
    '-aec',
    'ISOCENTER',
    '127.0.0.1',
    String(archive.port),
    ...files,
  ])
  await until(`all objects in the index (${said})`, async () => {
    const [row] = await archive.department.sql`select count(*) from instances`
    return row!.count === files.length
  })
})

afterAll(() => archive.close())

const ct = readDataset(files[0]!)
const uid = (keyword: string) => ct.text(keyword)!

function find(keys: string[], aet = 'FINDSCU', model: '-S' | '-P' = '-S') {
  return findscu(archive.port, { model, aet, keys })
}

const peer = () => ({
  host: '127.0.0.1',
  port: archive.port,
  callingAe: 'FINDSCU',
  calledAe: 'ISOCENTER',
})

const studies = (keys: Record<string, Value>) =>
  findByScu(peer(), 'study', Dataset.of({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: null, ...keys }))

test('[AR-02] a query at study level answers what was asked, with its counts', async () => {
  const keys = [
    '0008,0052=STUDY',
    `0020,000D=${uid('StudyInstanceUID')}`,
    '0010,0020',
    '0008,0020',
    '0008,0061',
    '0020,1206',
    '0020,1208',
  ]
  const [study, ...others] = await find(keys)
  expect(others).toEqual([])
  expect(study!.text('PatientID')).toBe(ct.text('PatientID'))
  expect(study!.text('StudyDate')).toBe(ct.text('StudyDate'))
  expect(study!.texts('ModalitiesInStudy')).toEqual(['CT'])
  expect(study!.number('NumberOfStudyRelatedSeries')).toBe(1)
  expect(study!.number('NumberOfStudyRelatedInstances')).toBe(3)
  expect(study!.has('StudyTime')).toBe(false)
})

test('[AR-02] a query at series and at image level goes down below the unique keys above it', async () => {
  const study = `0020,000D=${uid('StudyInstanceUID')}`
  const [series] = await find(['0008,0052=SERIES', study, '0020,000E', '0008,0060', '0020,1209'])
  expect(series!.text('SeriesInstanceUID')).toBe(uid('SeriesInstanceUID'))
  expect(series!.number('NumberOfSeriesRelatedInstances')).toBe(3)
  const images = await find([
    '0008,0052=IMAGE',
    study,
    `0020,000E=${uid('SeriesInstanceUID')}`,
    '0008,0018',
    '0020,0013',
    '0008,0016',
  ])
  expect(images.map((image) => image.text('SOPInstanceUID'))).toContain(uid('SOPInstanceUID'))
  expect(images).toHaveLength(3)
  expect(images[0]!.text('SOPClassUID')).toBe('1.2.840.10008.5.1.4.1.1.2')
})

test('[AR-02] a query that names no level, or a lower level without its study, is refused', async () => {
  const asking = (...keys: string[]) =>
    dcmtk('findscu', [
      '-v',
      '-S',
      '-aec',
      'ISOCENTER',
      ...keys.flatMap((key) => ['-k', key]),
      '127.0.0.1',
      String(archive.port),
    ])
  expect((await asking('0010,0020')).said).toMatch(/0xa900|DataSetDoesNotMatch/i)
  expect((await asking('0008,0052=SERIES', '0020,000E')).said).toMatch(/0xa900|DataSetDoesNotMatch/i)
  expect((await asking('0008,0052=IMAGE', `0020,000D=${uid('StudyInstanceUID')}`)).said).toMatch(
    /0xa900|DataSetDoesNotMatch/i,
  )
})

test('[AR-02] patients are found by name in their own script, and answered in UTF-8', async () => {
  const [yamada] = await find(['0008,0005=ISO_IR 192', '0008,0052=STUDY', '0010,0010=Yamada*', '0020,000D'])
  expect(yamada!.personName('PatientName')).toMatchObject({
    alphabetic: 'Yamada^Tarou',
    ideographic: '山田^太郎',
  })
  const [aneas] = await find(['0008,0005=ISO_IR 192', '0008,0052=STUDY', '0010,0010=Äneas*', '0020,000D'])
  expect(aneas!.text('PatientName')).toBe('Äneas^Rüdiger')
})

test('[AR-02] the patient root answers patients with what is held of them, and their studies below them', async () => {
  const patientId = uid('PatientID')
  const keys = ['0010,0010', '0010,0030', '0020,1200', '0020,1202', '0020,1204']
  const [patient, ...others] = await find(
    ['0008,0052=PATIENT', `0010,0020=${patientId}`, ...keys],
    'FINDSCU',
    '-P',
  )
  expect(others).toEqual([])
  expect(patient!.text('QueryRetrieveLevel')).toBe('PATIENT')
  expect(patient!.text('RetrieveAETitle')).toBe('ISOCENTER')
  expect(patient!.text('PatientName')).toBe(ct.text('PatientName'))
  expect(patient!.number('NumberOfPatientRelatedStudies')).toBe(1)
  expect(patient!.number('NumberOfPatientRelatedSeries')).toBe(1)
  expect(patient!.number('NumberOfPatientRelatedInstances')).toBe(3)
  const all = await find(['0008,0052=PATIENT', '0010,0020'], 'FINDSCU', '-P')
  expect(all.length).toBeGreaterThanOrEqual(4)
  expect(new Set(all.map((one) => one.text('PatientID'))).size).toBe(all.length)

  const below = await find(
    ['0008,0052=STUDY', `0010,0020=${patientId}`, '0020,000D', '0008,0054', '0008,0056'],
    'FINDSCU',
    '-P',
  )
  expect(below.map((study) => study.text('StudyInstanceUID'))).toEqual([uid('StudyInstanceUID')])
  expect(below[0]!.text('InstanceAvailability')).toBe('ONLINE')
  const refused = findByScu(peer(), 'patient', Dataset.of({ QueryRetrieveLevel: 'STUDY' }))
  await expect(refused).rejects.toMatchObject({ outcome: { status: 0xa900 } })
})

test.each([
  ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'the whole name'],
  ['YAMADA', 'a family name, in capitals'],
  ['yam?da^*', 'wildcards for a letter and for a component'],
  ['*tarou', 'the end of it'],
  ['^tar*', 'the given name alone'],
  ['山田*', 'ideographs alone'],
  ['=山田^太郎', 'the ideographic group'],
  ['==やまだ*', 'the phonetic group'],
])('[AR-02] a patient is found by %s: %s', async (name) => {
  const found = await studies({ PatientName: name })
  expect(found.map((study) => study.personName('PatientName')?.phonetic)).toEqual(['やまだ^たろう'])
})

test('[AR-02] a name of empty components asks for everybody, as an empty one does', async () => {
  const everybody = await studies({ PatientName: null })
  expect(everybody.length).toBeGreaterThan(3)
  expect(await studies({ PatientName: '^^^^' })).toHaveLength(everybody.length)
})

test('[AR-02] dates and times match as ranges with either end open, lists of UID by each of them', async () => {
  const { sql } = archive.department
  await sql`update studies set study_date = '20040119', study_time = '103015.250' where study_uid = ${uid('StudyInstanceUID')}`
  const [date, time] = ['20040119', '1030']
  const held = async (keys: Record<string, Value>) =>
    (await studies(keys)).some((study) => study.text('StudyInstanceUID') === uid('StudyInstanceUID'))
  expect(await held({ StudyDate: `${date}-${date}`, StudyTime: `${time}-` })).toBe(true)
  expect(await held({ StudyDate: `-${date}`, StudyTime: `-${time}` })).toBe(true)
  expect(await held({ StudyDate: date, StudyTime: time })).toBe(true)
  expect(await held({ StudyDate: `${Number(date) + 1}-` })).toBe(false)
  const both = [uid('StudyInstanceUID'), readDataset(files[3]!).text('StudyInstanceUID')!]
  expect(await studies({ StudyInstanceUID: both })).toHaveLength(2)
  await expect(studies({ StudyDate: 'yesterday' })).rejects.toMatchObject({ outcome: { status: 0xa900 } })
})

test('[AR-02] a study that writes its date and time as ACR-NEMA did is found by range', async () => {
  const studyUid = newUid()
  const old = Dataset.of({
    ...{ SOPClassUID: CT_IMAGE_STORAGE, SOPInstanceUID: newUid(), SeriesInstanceUID: newUid() },
    ...{ StudyInstanceUID: studyUid, StudyDate: '1997.04.24', StudyTime: '14:04:38', Modality: 'CT' },
  })
  expect(await store(peer(), [storableDataset(old)])).toMatchObject([{ status: 0 }])
  const { sql } = archive.department
  await until('it in the index', async () => {
    const rows = await sql`select 1 from studies where study_uid = ${studyUid}`
    return rows.length === 1
  })
  try {
    for (const keys of [
      { StudyDate: '19970101-19971231', StudyTime: '1400-1430' },
      { StudyDate: '19970424', StudyTime: '1404' },
    ]) {
      const found = await studies(keys)
      expect(found.map((study) => study.text('StudyInstanceUID'))).toEqual([studyUid])
    }
    expect(await studies({ StudyDate: '-19970423' })).toEqual([])
  } finally {
    await sql`update studies set instance_count = 0 where study_uid = ${studyUid}`
  }
})

test('[AR-02] modalities in study match any of them, and a key that is not held is said not to be matched on', async () => {
  const { said } = await dcmtk('findscu', [
    ...['-d', '-S', '-aec', 'ISOCENTER', '-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID'],
    ...['-k', 'ModalitiesInStudy=MR', '-k', 'PatientWeight=70', '127.0.0.1', String(archive.port)],
  ])
  expect(said.match(/ff01/gi)).toHaveLength(1)
  expect(await studies({ ModalitiesInStudy: 'MR', PatientWeight: null })).toHaveLength(1)
  expect(await studies({ ModalitiesInStudy: ['MR', 'CT'] })).toHaveLength(2)
  expect(await studies({ ModalitiesInStudy: 'XX' })).toEqual([])
})

test('[AR-02] an answer is in the character set the requestor named, or in UTF-8 where that cannot hold it', async () => {
  const yamada = readDataset(files[4]!).text('StudyInstanceUID')!
  const asked = (...sets: string[]) =>
    studies({ SpecificCharacterSet: sets, StudyInstanceUID: yamada, PatientName: null })
  for (const [sets, answered] of [
    [
      ['', 'ISO 2022 IR 87'],
      ['', 'ISO 2022 IR 87'],
    ],
    [['GB18030'], ['GB18030']],
    [['ISO_IR 100'], ['ISO_IR 192']],
  ] as const) {
    const [study] = await asked(...sets)
    expect(study!.characterSets).toEqual(answered)
    expect(study!.text('PatientName')).toBe('Yamada^Tarou=山田^太郎=やまだ^たろう')
  }
})

test('[AR-02] an answer of many pages has every study once, newest first, and stops when it is cancelled', async () => {
  const { sql } = archive.department
  await sql`
    insert into studies (id, study_uid, site_id, dicom_patient_id, study_date, study_time, instance_count, attributes)
    select 'many-' || n, '1.2.3.4.' || n, 'MAIN', 'MANY', day, '120000', 1,
      jsonb_build_object('00100020', '{"vr": "LO", "Value": ["MANY"]}'::jsonb,
        '00080020', jsonb_build_object('vr', 'DA', 'Value', jsonb_build_array(day)))
    from generate_series(1, 1100) n cross join lateral (select (20300101 + n % 3)::text as day) d`
  try {
    const all = await studies({ PatientID: 'MANY', StudyDate: null })
    const uids = all.map((study) => study.text('StudyInstanceUID'))
    expect(new Set(uids).size).toBe(1100)
    expect(uids).toHaveLength(1100)
    const dates = all.map((study) => study.text('StudyDate')!)
    expect(dates).toEqual([...dates].sort().reverse())
    const { said } = await dcmtk('findscu', [
      ...['-d', '-S', '--cancel', '3', '-aec', 'ISOCENTER', '-k', 'QueryRetrieveLevel=STUDY'],
      ...['-k', 'PatientID=MANY', '-k', 'StudyInstanceUID', '127.0.0.1', String(archive.port)],
    ])
    expect(said).toMatch(/0xfe00/i)
    expect(said.match(/Find Response:? *\d+/gi)!.length).toBeLessThan(1100)
    const association = await openAssociation(
      { ...peer(), callingAe: 'STORESCU' },
      { contexts: [findContext('study')] },
    )
    const everything = Dataset.of({ QueryRetrieveLevel: 'STUDY', PatientID: 'MANY' })
    const leaving = async () => {
      for await (const _ of findOn(association, 'study', everything)) association.abort('it has seen enough')
    }
    await expect(leaving()).rejects.toMatchObject({ code: 'association-aborted' })
    await until('a query that was broken off in the audit trail', async () => {
      const rows = await sql<{ matches: number }[]>`
        select (data->>'matches')::int as matches from audit_events
        where type = 'archive.queried' and chain = 'device:STORESCU'`
      return rows.length === 1 && rows[0]!.matches > 0 && rows[0]!.matches < 1100
    })
  } finally {
    await sql`delete from studies where dicom_patient_id = 'MANY'`
  }
})

test('[AR-07] a rejected instance is invisible at every level, and so is a study of nothing else', async () => {
  const { sql } = archive.department
  const dx = readDataset(files.at(-1)!)
  const all = () => find(['0008,0052=STUDY', `0020,000D=${dx.text('StudyInstanceUID')}`])
  expect(await all()).toHaveLength(1)
  await sql`update instances set rejected_code = '113001' where sop_instance_uid = ${dx.text('SOPInstanceUID')!}`
  await sql`update series set instance_count = 0 where series_uid = ${dx.text('SeriesInstanceUID')!}`
  await sql`update studies set instance_count = 0 where study_uid = ${dx.text('StudyInstanceUID')!}`
  expect(await all()).toEqual([])
})

test('a scanner finds the studies of its own site only, and every query is audited', async () => {
  const { sql } = archive.department
  const keys = ['0008,0052=STUDY', `0020,000D=${uid('StudyInstanceUID')}`]
  expect(await find(keys, 'CT1')).toHaveLength(1)
  expect(await find(keys, 'CTW')).toEqual([])
  const [row] =
    await sql`select data from audit_events where type = 'archive.queried' and chain = 'device:CTW'`
  expect(row!.data).toEqual({ level: 'study', matches: 0 })
})
