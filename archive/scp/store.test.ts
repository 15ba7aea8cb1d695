import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMAND } from '#archive/dimse/command.ts'
import { readPart10 } from '#archive/dimse/part10.ts'
import { structureSet } from '#archive/dimse/structure-set.fixture.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { openAssociation } from '#archive/scu/association.ts'
import { storableFile, store } from '#archive/scu/store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { settleDuplicate } from '#db/mutations/settle-duplicate.ts'
import { actAs } from '#db/order.fixture.ts'
import {
  bookedOrder,
  CORPUS,
  dcmtk,
  openArchive,
  readDataset,
  type TestArchive,
  until,
} from './archive.fixture.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})

afterAll(() => archive.close())

const at = () => ['127.0.0.1', String(archive.port)]

async function storescu(files: string[], options: string[] = []) {
  return dcmtk('storescu', ['-v', '-aet', 'CT1', '-aec', 'ISOCENTER', ...options, ...at(), ...files])
}

/** dcmsend proposes each file's own transfer syntax, so nothing is converted on the way. */
async function dcmsend(files: string[]) {
  return dcmtk('dcmsend', ['-v', '-aet', 'CT1', '-aec', 'ISOCENTER', ...at(), ...files])
}

interface Row {
  blob: string
  sha256: string
  transfer_syntax_uid: string
  dataset_offset: number
  bytes: number
  frames: number
  pixel: { offset: number; length: number; encapsulated: boolean; frames: unknown[] } | null
  source_ae: string
  attributes: Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string }>
}

async function indexed(sopInstanceUid: string): Promise<Row> {
  const find = () =>
    archive.department.sql<Row[]>`select * from instances where sop_instance_uid = ${sopInstanceUid}`
  await until('the object in the index', async () => (await find()).length === 1)
  return (await find())[0]!
}

const bytesOf = (blob: string) => readFileSync(join(archive.root, blob))

/** The data set of a file as it lies there. */
function datasetBytes(path: string): Buffer {
  const file = readFileSync(path)
  return file.subarray(readPart10(file).datasetOffset)
}

const uidOf = (path: string) => readDataset(path).text('SOPInstanceUID')!

/** A copy under its own name, its bytes changed. */
function altered(path: string, change: (bytes: Buffer) => Buffer): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'altered-')), 'object.dcm')
  writeFileSync(copy, change(Buffer.from(readFileSync(path))))
  return copy
}

test('[AR-01] an object is on disk as it came, behind our own File Meta, and in the index within a second', async () => {
  const file = `${CORPUS}ct-head/01.dcm`
  expect((await storescu([file])).said).toContain('Received Store Response (Success)')
  const row = await indexed(uidOf(file))
  const stored = bytesOf(row.blob)
  expect(stored.subarray(row.dataset_offset).equals(datasetBytes(file))).toBe(true)
  expect(createHash('sha256').update(datasetBytes(file)).digest('hex')).toBe(row.sha256)
  const { meta } = readPart10(stored)
  expect(meta.text('SourceApplicationEntityTitle')).toBe('CT1')
  expect(meta.text('MediaStorageSOPInstanceUID')).toBe(uidOf(file))
  expect(row).toMatchObject({ source_ae: 'CT1', transfer_syntax_uid: '1.2.840.10008.1.2.1', frames: 1 })
  expect(row.attributes['00080060']).toEqual({ vr: 'CS', Value: ['CT'] })
  expect(row.attributes['7FE00010']).toBeUndefined()
  expect(row.pixel).toMatchObject({ length: 512 * 512 * 2, encapsulated: false })
  // dcmdump reads our file without a complaint: the File Meta is right to the byte.
  const dump = await dcmtk('dcmdump', ['+E', join(archive.root, row.blob)])
  expect(dump.code).toBe(0)
  expect(dump.said).not.toMatch(/^[EW]:/m)
})

test('[AR-01] compressed, deflated, implicit and big endian objects keep every byte and their transfer syntax', async () => {
  const files = readdirSync(`${CORPUS}transfer-syntax`).map((name) => `${CORPUS}transfer-syntax/${name}`)
  const peer = { host: '127.0.0.1', port: archive.port, callingAe: 'CT1', calledAe: 'ISOCENTER' }
  const results = await store(peer, await Promise.all(files.map(storableFile)))
  expect(results.map(({ status }) => status)).toEqual(files.map(() => 0))
  const syntaxes = new Set<string>()
  const { sql } = archive.department
  for (const file of files) {
    // Several of these files are one image in several encodings: the first is indexed, the others are kept aside.
    const kept = () => sql<{ blob: string }[]>`
      select blob from instances where sha256 = ${sha256(datasetBytes(file))}
      union select blob from quarantine where sha256 = ${sha256(datasetBytes(file))}`
    await until(`${file} in the archive`, async () => (await kept()).length === 1)
    const stored = bytesOf((await kept())[0]!.blob)
    const { transferSyntaxUid, datasetOffset } = readPart10(stored)
    expect(transferSyntaxUid, file).toBe(readPart10(readFileSync(file)).transferSyntaxUid)
    expect(stored.subarray(datasetOffset).equals(datasetBytes(file)), file).toBe(true)
    syntaxes.add(transferSyntaxUid)
  }
  expect(syntaxes.size).toBeGreaterThan(6)
  const frames = await sql<Row[]>`select frames, pixel from instances where (pixel->>'encapsulated')::boolean`
  expect(frames.length).toBeGreaterThan(2)
  for (const row of frames) expect(row.pixel!.frames).toHaveLength(row.frames)
})

const RT_STRUCTURE_SET = '1.2.840.10008.5.1.4.1.1.481.3'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('[AR-06] an object sent twice is answered Success twice and kept once', async () => {
  const file = `${CORPUS}dx-chest/01.dcm`
  await dcmsend([file])
  const { blob } = await indexed(uidOf(file))
  const before = blobs().length
  expect((await dcmsend([file])).code).toBe(0)
  await until(
    'the second copy gone',
    async () => blobs().length === before && archive.ingest.state().backlog === 0,
  )
  expect((await indexed(uidOf(file))).blob).toBe(blob)
  const [row] = await archive.department
    .sql`select count(*) from quarantine where sop_instance_uid = ${uidOf(file)}`
  expect(row!.count).toBe(0)
})

function blobs(): string[] {
  return readdirSync(archive.root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.dcm'),
  )
}

test('[AR-06] other content under a known UID is answered Success, kept aside and shown; the first stays', async () => {
  const file = `${CORPUS}ct-head/02.dcm`
  await storescu([file])
  const first = await indexed(uidOf(file))
  const other = altered(file, (bytes) => {
    bytes[bytes.length - 10]! ^= 0xff
    return bytes
  })
  expect((await storescu([other])).said).toContain('Received Store Response (Success)')
  const { sql } = archive.department
  const aside =
    () => sql`select q.blob, q.reason, e.state from quarantine q join exceptions e on e.id = q.exception_id
    where q.sop_instance_uid = ${uidOf(file)}`
  await until('the second object in quarantine', async () => (await aside()).length === 1)
  const [row] = await aside()
  expect(row).toMatchObject({ reason: 'duplicate-instance', state: 'open' })
  expect(bytesOf(row!.blob).subarray(-10).equals(readFileSync(other).subarray(-10))).toBe(true)
  expect((await indexed(uidOf(file))).blob).toBe(first.blob)
})

/** A copy under its own name whose last bytes are others. */
const withOtherPixels = (file: string, mask = 0xff) =>
  altered(file, (bytes) => {
    bytes[bytes.length - 10]! ^= mask
    return bytes
  })

const shaOf = (path: string) => sha256(datasetBytes(path))

async function setRule(duplicateInstance: string): Promise<void> {
  const { sql } = archive.department
  await sql`update devices set policy = policy || ${sql.json({ duplicateInstance })} where ae_title = 'CT1'`
  // The rule is at hand for a second.
  await archive.reopen()
}

async function duplicatesOf(sopInstanceUid: string) {
  return archive.department.sql<
    { sha256: string; blob: string; decision: string | null; exception_id: string }[]
  >`
    select sha256, blob, decision, exception_id from quarantine where sop_instance_uid = ${sopInstanceUid} order by id`
}

test('[AR-06] the same other content sent again is kept once and counted up', async () => {
  const file = `${CORPUS}ct-head/08.dcm`
  const uid = uidOf(file)
  const other = withOtherPixels(file)
  for (const sent of [file, other, other]) {
    const before = archive.ingest.state().stored!
    await storescu([sent])
    await until('it stored', async () => archive.ingest.state().stored! > before)
    await until('nothing waiting', async () => archive.ingest.state().backlog === 0)
  }
  const aside = await duplicatesOf(uid)
  expect(aside.map((row) => row.sha256)).toEqual([shaOf(other)])
  const [exception] = await archive.department
    .sql`select times from exceptions where id = ${aside[0]!.exception_id}`
  expect(exception!.times).toBe(2)
  await until('one blob for each content', async () => {
    const rows = await archive.department.sql<{ blob: string }[]>`
      select blob from instances union select blob from quarantine`
    const filed = new Set(rows.map(({ blob }) => blob))
    return blobs().every((name) => filed.has(name))
  })
})

test('[AR-06] an administrator takes the new object in place of the first, and may take that back', async () => {
  const file = `${CORPUS}ct-head/09.dcm`
  const uid = uidOf(file)
  const other = withOtherPixels(file)
  await storescu([file])
  await indexed(uid)
  await storescu([other])
  await until('the second kept aside', async () => (await duplicatesOf(uid)).length === 1)
  const exceptionId = (await duplicatesOf(uid))[0]!.exception_id
  const { department } = archive
  const technologist = await actAs(department, 'tech')
  const asked = { exceptionId, decision: 'take' } as const
  await expect(settleDuplicate(department, technologist, asked)).rejects.toMatchObject({ code: 'forbidden' })
  await settleDuplicate(department, await actAs(department, 'admin'), asked)
  const now = await indexed(uid)
  expect(now.sha256).toBe(shaOf(other))
  expect(bytesOf(now.blob).subarray(-10).equals(readFileSync(other).subarray(-10))).toBe(true)
  expect((await duplicatesOf(uid)).map((row) => row.decision).sort()).toEqual(['replaced', 'taken'])
  const closed = await department.sql`
    select e.state, w.state as work from exceptions e join work_items w on w.subject_id = e.id where e.id = ${exceptionId}`
  expect(closed).toEqual([{ state: 'closed', work: 'completed' }])
  const trail = await department.sql<{ type: string }[]>`
    select type from audit_events where data->>'sopInstanceUid' = ${uid} order by id`
  expect(trail.map(({ type }) => type)).toEqual(['instance.duplicate', 'instance.duplicate-settled'])
  // The first is known and not the filed one any more: sent again, it asks again.
  await storescu([file])
  await until('the first kept aside', async () => (await duplicatesOf(uid)).length === 3)
  expect((await indexed(uid)).sha256).toBe(shaOf(other))
})

test('[AR-06] a device whose rule is to refuse is told 0111 for other content, and its bytes are kept all the same', async () => {
  const file = `${CORPUS}ct-head/10.dcm`
  await setRule('refuse')
  expect((await storescu([file])).said).toContain('Received Store Response (Success)')
  expect((await storescu([file])).said).toContain('Received Store Response (Success)')
  const other = withOtherPixels(file)
  expect((await storescu([other])).said).toMatch(/Store Response \(.*0x0?111\)/)
  expect((await duplicatesOf(uidOf(file))).map((row) => row.sha256)).toEqual([shaOf(other)])
  expect((await indexed(uidOf(file))).sha256).toBe(shaOf(file))
})

test('[AR-06] where the newest wins, the first steps aside and somebody is told', async () => {
  const file = `${CORPUS}ct-head/10.dcm`
  await setRule('newest-wins')
  const other = withOtherPixels(file, 0x0f)
  await storescu([other])
  await until('the newest filed', async () => (await indexed(uidOf(file))).sha256 === shaOf(other))
  const aside = await duplicatesOf(uidOf(file))
  expect(aside.map((row) => row.sha256)).toContain(shaOf(file))
  await setRule('first-stays')
})

/** Sends raw bytes as one C-STORE: what no honest tool would send. Answers the status. */
async function storeRaw(
  dataset: Buffer,
  { sopClassUid, sopInstanceUid }: { sopClassUid: string; sopInstanceUid: string },
) {
  const peer = { host: '127.0.0.1', port: archive.port, callingAe: 'CT1', calledAe: 'ISOCENTER' }
  const contexts = [{ abstractSyntax: sopClassUid, transferSyntaxes: ['1.2.840.10008.1.2.1'] }]
  const association = await openAssociation(peer, { contexts })
  const fields = {
    CommandField: COMMAND.cStore,
    AffectedSOPClassUID: sopClassUid,
    AffectedSOPInstanceUID: sopInstanceUid,
    Priority: 0,
  }
  const { status } = await association.request(association.context(sopClassUid)!, fields, dataset)
  await association.release()
  return status
}

const CT_STORAGE = '1.2.840.10008.5.1.4.1.1.2'

test('[AR-01] an object that is cut short, is garbage or is not what was announced is refused and its bytes are kept', async () => {
  const file = `${CORPUS}ct-head/03.dcm`
  const whole = datasetBytes(file)
  const announced = { sopClassUid: CT_STORAGE, sopInstanceUid: uidOf(file) }
  expect(await storeRaw(whole.subarray(0, whole.length - 1000), announced)).toBe(0xc000)
  expect(await storeRaw(Buffer.from('this is no data set at all'), announced)).toBe(0xc000)
  expect(await storeRaw(whole, { ...announced, sopInstanceUid: '1.2.3.4' })).toBe(0xa900)
  expect(
    await storeRaw(whole, { sopClassUid: '1.2.840.10008.5.1.4.1.1.4', sopInstanceUid: uidOf(file) }),
  ).toBe(0xa900)
  const { sql } = archive.department
  const rows = await sql<{ reason: string; blob: string; state: string; text: string }[]>`
    select q.reason, q.blob, e.state, e.reason as text from quarantine q join exceptions e on e.id = q.exception_id
    where q.source_ae = 'CT1' and e.key like 'object:%' order by q.received_at, q.id`
  expect(rows.map(({ reason }) => reason)).toEqual([
    'dataset-truncated',
    expect.stringMatching(/^dataset-/),
    'sop-instance-mismatch',
    'sop-class-mismatch',
  ])
  expect(statSync(join(archive.root, rows[0]!.blob)).size).toBeGreaterThan(whole.length - 1000)
  expect(rows.every(({ state }) => state === 'open')).toBe(true)
  const [counted] = await sql<
    { count: number }[]
  >`select count(*) from instances where sop_instance_uid = ${uidOf(file)}`
  expect(counted!.count).toBe(0)
})

test('[AR-01] a header that the database cannot hold as it stands is indexed all the same', async () => {
  const file = altered(`${CORPUS}ct-head/04.dcm`, (bytes) => {
    const manufacturer = bytes.indexOf('GE MEDICAL SYSTEMS')
    bytes[manufacturer + 2] = 0
    return bytes
  })
  await storescu([file])
  const row = await indexed(uidOf(file))
  expect(row.attributes['00080070']!.Value).toEqual(['GEMEDICAL SYSTEMS'])
})

test('[AR-01] a structure set of tens of megabytes is filed by what it says, and keeps every outline', async () => {
  const uid = '2.25.30063006'
  const bytes = structureSet(uid, { count: 9_000, points: 250 })
  expect(bytes.length).toBeGreaterThan(40e6)
  const peer = { host: '127.0.0.1', port: archive.port, callingAe: 'CT1', calledAe: 'ISOCENTER' }
  const object = { sopClassUid: RT_STRUCTURE_SET, sopInstanceUid: uid, transferSyntaxUid: EXPLICIT_LITTLE }
  const [result] = await store(peer, [{ ...object, bytes: () => bytes }])
  expect(result!.status).toBe(0)
  const { blob, attributes, dataset_offset } = await indexed(uid)
  expect(attributes['30060020']!.Value).toHaveLength(1)
  expect(Object.keys(attributes)).not.toContain('30060039')
  expect(bytesOf(blob).subarray(dataset_offset).equals(bytes)).toBe(true)
})

test('[MA-06] images under the study UID of an order are linked to it and begin its step', async () => {
  const order = await bookedOrder(archive.department)
  const out = mkdtempSync(join(tmpdir(), 'ordered-'))
  const copies = ['05', '06', '07'].map((name) => {
    const copy = join(out, `${name}.dcm`)
    writeFileSync(copy, readFileSync(`${CORPUS}ct-head/${name}.dcm`))
    return copy
  })
  await dcmtk('dcmodify', ['-nb', '-m', `0020,000D=${order.studyUid}`, '-gin', ...copies])
  expect((await dcmsend(copies)).code).toBe(0)
  const { sql } = archive.department
  const study = () => sql<{ stored_count: number; order_id: string; phase: string }[]>`
    select s.stored_count, l.order_id, o.phase from studies s join study_links l on l.study_id = s.id join orders o on o.id = l.order_id
    where s.study_uid = ${order.studyUid}`
  await until('three images with the order', async () => (await study())[0]?.stored_count === 3)
  expect((await study())[0]).toMatchObject({ order_id: order.orderId, phase: 'acquiring' })
  const events = await sql<{ type: string; added: number | null }[]>`
    select type, (data->>'added')::int as added from order_events
    where order_id = ${order.orderId} and type in ('images.arrived', 'step.started') order by rev`
  expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['images.arrived', 'step.started'])
  // One event for a batch, and the step begins once, however the images fall into batches.
  expect(events.filter(({ type }) => type === 'step.started')).toHaveLength(1)
  expect(events.reduce((sum, { added }) => sum + (added ?? 0), 0)).toBe(3)
})

test('images that nobody ordered are stored and somebody is asked whose they are', async () => {
  const { sql } = archive.department
  const uid = readDataset(`${CORPUS}mr-head/01.dcm`).text('StudyInstanceUID')!
  const { code } = await dcmtk('dcmsend', [
    '-aet',
    'STRANGER',
    '-aec',
    'ISOCENTER',
    ...at(),
    `${CORPUS}mr-head/01.dcm`,
  ])
  expect(code).toBe(0)
  await until('the exception', async () => {
    const found =
      await sql`select 1 from exceptions where kind = 'unmatched-study' and refs->>'studyInstanceUid' = ${uid}`
    return found.length === 1
  })
})
