/** A device that uses a Series Instance UID again in another study: each study keeps a series of its own. */
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CORPUS, openArchive, type TestArchive, until } from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { departmentActor } from '#db/mutations/act.ts'
import { Dataset } from './dimse/dataset.ts'
import { find } from './scu/find.ts'
import { datasetOfFile, type Storable, storableDataset, store } from './scu/store.ts'
import { type Served, serve, type TestArchive as WebArchive } from './web/archive.fixture.ts'
import { type DicomwebService, openDicomweb } from './web/service.ts'

const SERIES = '1.2.276.0.7230010.3.1.3.1'
const STUDIES = ['1.2.276.0.7230010.3.1.2.1', '1.2.276.0.7230010.3.1.2.2']
/** Images of each study. */
const IMAGES = [1, 2]

let archive: TestArchive
let service: DicomwebService
let web: Served

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const { department, root } = archive
  const log = pino({ level: 'silent' })
  service = await openDicomweb({ department, blobFolder: root, aeTitle: 'ISOCENTER', log })
  const requestor = { kind: 'program', actor: departmentActor, mayStore: true, sites: null } as const
  web = await serve({ service } as WebArchive, () => requestor)
  const answers = await store(
    peer(),
    STUDIES.flatMap((_, at) => imagesOf(at)),
  )
  expect(answers.map(({ status }) => status)).toEqual([0, 0, 0])
  await until('the images in the index', async () => {
    const [row] = await department.sql`select count(*) from instances`
    return row!.count === 3
  })
})

afterAll(async () => {
  web.close()
  await service.close()
  await archive.close()
})

const peer = () => ({ host: '127.0.0.1', port: archive.port, calledAe: 'ISOCENTER', callingAe: 'CT1' })

function imagesOf(study: number): Storable[] {
  return Array.from({ length: IMAGES[study]! }, (_, image) => {
    const { dataset, transferSyntaxUid } = datasetOfFile(readFileSync(`${CORPUS}ct-head/01.dcm`))
    dataset
      .set('StudyInstanceUID', STUDIES[study]!)
      .set('SeriesInstanceUID', SERIES)
      .set('SOPInstanceUID', sopInstanceUid(study, image))
      .set('SeriesDescription', `of study ${study}`)
    return storableDataset(dataset, transferSyntaxUid)
  })
}

const sopInstanceUid = (study: number, image: number) => `1.2.276.0.7230010.3.1.4.${study}.${image}`
const uidsOf = (study: number) =>
  Array.from({ length: IMAGES[study]! }, (_, image) => sopInstanceUid(study, image))

type Json = Record<string, { Value?: unknown[] }>

async function asked(path: string): Promise<Json[]> {
  const response = await fetch(`${web.url}/${path}`, { headers: { accept: 'application/dicom+json' } })
  expect(response.status).toBe(200)
  return (await response.json()) as Json[]
}

const values = (rows: Json[], tag: string) => rows.map((row) => row[tag]?.Value?.[0])

test.each([0, 1])('[DW-01] study %i is searched with a series of its own', async (study) => {
  const [found] = await asked(`studies?StudyInstanceUID=${STUDIES[study]}`)
  expect([found?.['00201206']?.Value, found?.['00201208']?.Value]).toEqual([[1], [IMAGES[study]]])
  const series = await asked(`studies/${STUDIES[study]}/series`)
  expect([values(series, '0020000E'), values(series, '0008103E'), values(series, '00201209')]).toEqual([
    [SERIES],
    [`of study ${study}`],
    [IMAGES[study]],
  ])
  const instances = await asked(`studies/${STUDIES[study]}/series/${SERIES}/instances`)
  expect(values(instances, '00080018').sort()).toEqual(uidsOf(study))
})

test('[DW-01] a search for the series alone finds that of either study', async () => {
  const series = await asked(`series?SeriesInstanceUID=${SERIES}`)
  expect(values(series, '0020000D').sort()).toEqual(STUDIES)
})

test.each([0, 1])('[AR-02] C-FIND finds the series of study %i with its images', async (study) => {
  const keys = { StudyInstanceUID: STUDIES[study]!, SeriesInstanceUID: SERIES }
  const identifier = {
    QueryRetrieveLevel: 'SERIES',
    SeriesDescription: null,
    NumberOfSeriesRelatedInstances: null,
    ...keys,
  }
  const series = await find(peer(), 'study', Dataset.of(identifier))
  expect(
    series.map((one) => [one.text('SeriesDescription'), one.text('NumberOfSeriesRelatedInstances')]),
  ).toEqual([[`of study ${study}`, String(IMAGES[study])]])
  const images = { QueryRetrieveLevel: 'IMAGE', SOPInstanceUID: null, ...keys }
  const found = await find(peer(), 'study', Dataset.of(images))
  expect(found.map((one) => one.text('SOPInstanceUID')).sort()).toEqual(uidsOf(study))
})

test.each([0, 1])('[DW-02] metadata and objects of study %i are its own', async (study) => {
  const headers = await asked(`studies/${STUDIES[study]}/series/${SERIES}/metadata`)
  expect(values(headers, '00080018').sort()).toEqual(uidsOf(study))
  const objects = await fetch(`${web.url}/studies/${STUDIES[study]}/series/${SERIES}`, {
    headers: { accept: 'multipart/related; type="application/dicom"' },
  })
  expect(objects.status).toBe(200)
  const bytes = Buffer.from(await objects.arrayBuffer()).toString('latin1')
  expect(STUDIES.map((_, at) => uidsOf(at).some((uid) => bytes.includes(uid)))).toEqual([
    study === 0,
    study === 1,
  ])
})
