import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset } from '#archive/dimse/dataset.ts'
import { isDicomError } from '#archive/dimse/dicom-error.ts'
import { identityOf, scanHeader } from '#archive/dimse/header-scan.ts'
import { shelf } from '#archive/dimse/store-sink.fixture.ts'
import { get, receivingContexts } from '#archive/scu/retrieve.ts'
import { type Storable, store } from '#archive/scu/store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { openArchive, type TestArchive, until } from './archive.fixture.ts'

const DATA = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../../shared/data')
const DICOM = join(DATA, 'dicom')

type Stored = Storable & { file: string; studyUid: string; dataset: Buffer }

let archive: TestArchive

/** Every object of the corpus that can be stored, the first of each SOP Instance UID. */
const objects = firstOfEachUid(
  filesUnder(DICOM)
    .filter((path) => !/\/broken\/|DICOMDIR|\.wl$/.test(path))
    .flatMap(storedFrom),
)

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  for (let from = 0; from < objects.length; from += 50) {
    const results = await store(peer(), objects.slice(from, from + 50))
    expect(results.filter(({ status }) => status !== 0)).toEqual([])
  }
  await until(
    'all of them in the index',
    async () => {
      const [row] = await archive.department.sql`select count(*) from instances`
      return row!.count === objects.length
    },
    60_000,
  )
})

afterAll(() => archive.close())

const peer = () => ({
  host: '127.0.0.1',
  port: archive.port,
  callingAe: 'GETSCU',
  calledAe: 'ISOCENTER',
})

test('[AR-02] every study of the corpus comes back by C-GET, each object as the bytes it was', async () => {
  expect(objects.length).toBeGreaterThan(300)
  const studies = Map.groupBy(objects, ({ studyUid }) => studyUid)
  const altered: string[] = []
  for (const [studyUid, held] of studies) {
    const { kept, services } = shelf()
    const classes = Map.groupBy(
      held,
      ({ sopClassUid, transferSyntaxUid }) => `${sopClassUid} ${transferSyntaxUid}`,
    )
    const contexts = receivingContexts(
      [...classes.values()].map(([one]) => ({
        sopClassUid: one!.sopClassUid,
        transferSyntaxes: [one!.transferSyntaxUid],
      })),
    )
    const identifier = Dataset.of({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: studyUid })
    const ended = await get(peer(), { root: 'study', identifier }, { contexts, cStore: services.cStore! })
    expect(ended, studyUid).toMatchObject({
      status: 0x0000,
      subOperations: { completed: held.length, failed: 0, warning: 0 },
    })
    const came = new Map(kept.map((one) => [one.sopInstanceUid, one]))
    for (const { file, sopInstanceUid, transferSyntaxUid, dataset } of held) {
      const got = came.get(sopInstanceUid)
      if (got?.transferSyntaxUid !== transferSyntaxUid || !got.bytes.equals(dataset)) altered.push(file)
    }
  }
  expect(altered).toEqual([])
})

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesUnder(path) : [path]
  })
}

function storedFrom(file: string): Stored[] {
  const bytes = readFileSync(file)
  try {
    const scan = scanHeader(bytes)
    const { sopClassUid, sopInstanceUid, studyInstanceUid } = identityOf(scan.dataset)
    const dataset = bytes.subarray(scan.datasetOffset)
    const { transferSyntaxUid } = scan
    return [
      {
        file,
        sopClassUid,
        sopInstanceUid,
        studyUid: studyInstanceUid,
        transferSyntaxUid,
        dataset,
        bytes: () => dataset,
      },
    ]
  } catch (error) {
    // Without the UIDs an object is filed by, or a File Meta, it is no object to store.
    if (isDicomError(error)) return []
    throw error
  }
}

function firstOfEachUid(all: Stored[]): Stored[] {
  return [...new Map([...all].reverse().map((one) => [one.sopInstanceUid, one])).values()].reverse()
}
