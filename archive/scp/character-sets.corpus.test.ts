import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset } from '#archive/dimse/dataset.ts'
import { parsePersonName } from '#archive/dimse/person-name.ts'
import { find } from '#archive/scu/find.ts'
import { type Storable, storableFile, store } from '#archive/scu/store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { openArchive, readDataset, type TestArchive, until } from './archive.fixture.ts'

const DATA = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../../shared/data')

const [head, ...lines] = readFileSync(join(DATA, 'charset_expected.tsv'), 'utf8').trimEnd().split('\n')
const columns = head!.split('\t')
const rows = lines.map((line) =>
  Object.fromEntries(line.split('\t').map((value, index) => [columns[index]!, value])),
) as { file: string; PatientName?: string; PatientID?: string; StudyInstanceUID?: string }[]
const named = rows.filter(({ StudyInstanceUID }) => StudyInstanceUID)

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const files = await Promise.all(named.map(({ file }) => storable(join(DATA, 'dicom', file))))
  const sent = await store(peer(), files)
  expect(sent.filter(({ status }) => status !== 0)).toEqual([])
  const distinct = new Set(named.map(({ StudyInstanceUID }) => StudyInstanceUID)).size
  await until('every study in the index', async () => {
    const [row] = await archive.department.sql`select count(*) from studies where instance_count > 0`
    return row!.count === distinct
  })
})

afterAll(() => archive.close())

// Two of the files have another SOP Instance UID in their File Meta than in their data set.
async function storable(path: string): Promise<Storable> {
  const sopInstanceUid = readDataset(path).text('SOPInstanceUID') ?? ''
  return { ...(await storableFile(path)), sopInstanceUid }
}

const peer = () => ({
  host: '127.0.0.1',
  port: archive.port,
  callingAe: 'FINDSCU',
  calledAe: 'ISOCENTER',
})

const studies = (keys: Record<string, string | string[] | null>) =>
  find(peer(), 'study', Dataset.of({ ...keys, QueryRetrieveLevel: 'STUDY' }))

test.each(named)('[AR-02] the name in $file is answered right, in UTF-8 and in its own set', async (row) => {
  const uid = row.StudyInstanceUID!
  const sets = [...readDataset(join(DATA, 'dicom', row.file)).characterSets]
  for (const asked of [['ISO_IR 192'], sets]) {
    const [study] = await studies({
      SpecificCharacterSet: asked,
      StudyInstanceUID: uid,
      PatientName: null,
      PatientID: null,
    })
    expect(study!.characterSets).toEqual(asked)
    expect(study!.personName('PatientName')).toEqual(parsePersonName(row.PatientName ?? ''))
    expect(study!.text('PatientID')).toBe(row.PatientID)
  }
})

test.each(named)('[AR-02] the patient of $file is found by the name, written in its own set', async (row) => {
  const sets = [...readDataset(join(DATA, 'dicom', row.file)).characterSets]
  const found = await studies({
    SpecificCharacterSet: sets,
    StudyInstanceUID: null,
    PatientName: row.PatientName ?? '',
  })
  expect(found.map((study) => study.text('StudyInstanceUID'))).toContain(row.StudyInstanceUID)
})
