import { afterAll, beforeAll, expect, test } from 'vitest'
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

function find(keys: string[], aet = 'FINDSCU') {
  return findscu(archive.port, { model: '-S', aet, keys })
}

test('a query at study level answers what was asked, with its counts', async () => {
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

test('a query at series and at image level goes down below the unique keys above it', async () => {
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

test('a query that names no level, or a lower level without its study, is refused', async () => {
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

test('patients are found by name in their own script, and answered in UTF-8', async () => {
  const [yamada] = await find(['0008,0005=ISO_IR 192', '0008,0052=STUDY', '0010,0010=Yamada*', '0020,000D'])
  expect(yamada!.personName('PatientName')).toMatchObject({
    alphabetic: 'Yamada^Tarou',
    ideographic: '山田^太郎',
  })
  const [aneas] = await find(['0008,0005=ISO_IR 192', '0008,0052=STUDY', '0010,0010=Äneas*', '0020,000D'])
  expect(aneas!.text('PatientName')).toBe('Äneas^Rüdiger')
})

test('a rejected instance is invisible at every level, and so is a study of nothing else', async () => {
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
