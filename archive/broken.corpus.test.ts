import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ArchiveProcess, type AtRest, startArchive } from './archive-process.fixture.ts'
import { isDicomError } from './dimse/dicom-error.ts'
import { readPart10 } from './dimse/part10.ts'
import { CT_IMAGE_STORAGE } from './dimse/sop-class.ts'
import { EXPLICIT_LITTLE } from './dimse/transfer-syntax.ts'
import { isTolerableUid, newUid } from './dimse/uid.ts'
import { stormImages } from './kill-storm.fixture.ts'
import { until } from './scp/archive.fixture.ts'
import { echo } from './scu/echo.ts'
import { type Storable, type StoreResult, store } from './scu/store.ts'

const DATA = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../shared/data')
const BROKEN = join(DATA, 'dicom/broken')

let archive: ArchiveProcess
let before: AtRest
/** Five hundred images that come in meanwhile. */
let beside: Promise<StoreResult[]>

beforeAll(async () => {
  archive = await startArchive([])
  // What the first objects ask for once and for all is no growth.
  await store(peer('CT2'), stormImages(40, 8_000))
  before = archive.rest()
  beside = store(peer('CT2'), stormImages(500, 32_000))
})

afterAll(() => archive.close())

const peer = (callingAe: string) => ({
  host: '127.0.0.1',
  port: archive.ports.plain,
  callingAe,
  calledAe: 'ISOCENTER',
})

/** As its File Meta says it is; what has none goes out whole, as a data set of whatever it is. */
function storable(file: string): Storable & { dataset: Buffer } {
  const bytes = readFileSync(join(BROKEN, file))
  const unsaid = {
    sopClassUid: CT_IMAGE_STORAGE,
    sopInstanceUid: newUid(),
    transferSyntaxUid: EXPLICIT_LITTLE,
    dataset: bytes,
  }
  const said = (() => {
    try {
      return readPart10(bytes)
    } catch (error) {
      if (!isDicomError(error)) throw error
      return undefined
    }
  })()
  if (!said) return { ...unsaid, bytes: () => unsaid.dataset }
  const sopInstanceUid = said.meta.text('MediaStorageSOPInstanceUID') ?? ''
  const dataset = bytes.subarray(said.datasetOffset)
  return {
    sopClassUid: said.meta.text('MediaStorageSOPClassUID') || unsaid.sopClassUid,
    sopInstanceUid: isTolerableUid(sopInstanceUid) ? sopInstanceUid : unsaid.sopInstanceUid,
    transferSyntaxUid: said.transferSyntaxUid || EXPLICIT_LITTLE,
    dataset,
    bytes: () => dataset,
  }
}

test.each(readdirSync(BROKEN))(
  '[AR-01] %s is stored as it is or set aside as it is, and the archive goes on',
  async (file) => {
    const object = storable(file)
    const [result] = await store(peer('CT1'), [object])
    expect([0x0000, 0xa900, 0xc000]).toContain(result!.status)
    const sha256 = createHash('sha256').update(object.dataset).digest('hex')
    const { sql } = archive.department
    const kept = result!.status === 0 ? sql`instances` : sql`quarantine`
    await until(
      `${file} in its place`,
      async () => (await sql`select 1 from ${kept} where sha256 = ${sha256}`).length === 1,
    )
    expect(await echo(peer('CT1'))).toBe(0)
  },
)

test('[AR-01] beside all of them a series of five hundred images came in, and neither memory nor a descriptor is left over', async () => {
  const sent = await beside
  expect(sent.filter(({ status }) => status !== 0)).toEqual([])
  const { sql } = archive.department
  const filed = async () =>
    (
      await sql`select 1 from instances where sop_instance_uid = any(${sent.map((one) => one.sopInstanceUid)})`
    ).length
  await until('all of them in the index', async () => (await filed()) === 500, 30_000)
  expect(archive.isRunning()).toBe(true)
  expect((archive.mostMemory() - before.memory) / 2 ** 20).toBeLessThan(150)
  await until('the descriptors', async () => archive.hasLetGo(before), 30_000)
})
