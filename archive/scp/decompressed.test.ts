import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset } from '#archive/dimse/dataset.ts'
import { decodeDataset } from '#archive/dimse/decode.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { shelf } from '#archive/dimse/store-sink.fixture.ts'
import {
  EXPLICIT_BIG,
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
  RLE_LOSSLESS,
} from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { get, move, receivingContexts } from '#archive/scu/retrieve.ts'
import { type Storable, storableFile, store } from '#archive/scu/store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { freePort } from '#bin/testing/free-port.ts'
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
const folder = mkdtempSync(join(tmpdir(), 'decompressed-'))

/** What DCMTK makes of each of them without any transfer syntax but the uncompressed ones. */
interface Sample {
  path: string
  uid: string
  studyUid: string
  expected: Dataset
  /** By how much the decoders may differ: those of lossy JPEG round each in its own way. */
  within: number
}

const samples: Sample[] = []

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  await sample(await compressed('ct-head/01', 'dcmcjpeg', '+e1'), 'dcmdjpeg')
  await sample(await compressed('ct-head/02', 'dcmcjpls'), 'dcmdjpls')
  await sample(await compressed('ct-head/03', 'dcmcrle'), 'dcmdrle')
  await sample(`${CORPUS}transfer-syntax/mr-small-jpeg-ls-lossless.dcm`, 'dcmdjpls')
  await sample(`${CORPUS}transfer-syntax/emri-small-rle.dcm`, 'dcmdrle')
  await sample(`${CORPUS}transfer-syntax/sc-rgb-rle-2frame.dcm`, 'dcmdrle')
  await sample(`${CORPUS}transfer-syntax/sc-rgb-jpeg-dcmtk.dcm`, 'dcmdjpeg', 3)
  await sample(await compressed('transfer-syntax/explvr-bigend', 'dcmcjpeg', '+e1', '+ua'), 'dcmdjpeg')
  await sample(await compressed('transfer-syntax/explvr-bigend', 'dcmcjpls', '+ua'), 'dcmdjpls')
  await sample(await compressed('transfer-syntax/explvr-bigend', 'dcmcrle', '+ua'), 'dcmdrle')
  await stored(await Promise.all(samples.map(({ path }) => storableFile(path))))
})

afterAll(() => archive.close())

const peer = () => ({ host: '127.0.0.1', port: archive.port, callingAe: 'MOVESCU', calledAe: 'ISOCENTER' })

async function compressed(name: string, tool: string, ...options: string[]): Promise<string> {
  const path = join(folder, `${basename(name)}-${tool}.dcm`)
  expect(await dcmtk(tool, [...options, `${CORPUS}${name}.dcm`, path])).toMatchObject({ code: 0 })
  return path
}

async function sample(path: string, decoder: string, within = 0): Promise<void> {
  const decoded = join(folder, `${samples.length}-decoded.dcm`)
  expect(await dcmtk(decoder, [path, decoded])).toMatchObject({ code: 0 })
  const dataset = readDataset(path)
  const uid = dataset.text('SOPInstanceUID')!
  const studyUid = dataset.text('StudyInstanceUID')!
  samples.push({ path, uid, studyUid, expected: byPixel(readDataset(decoded)), within })
}

// DCMTK leaves colours by plane where RLE has them so; they come from here pixel by pixel.
function byPixel(decoded: Dataset): Dataset {
  if (decoded.number('PlanarConfiguration') !== 1) return decoded
  const planes = decoded.bytes('PixelData')!
  const pixels = planes.length / 3
  const mixed = planes.map((_, at) => planes[(at % 3) * pixels + Math.floor(at / 3)]!)
  return decoded.set('PlanarConfiguration', 0).set('PixelData', Buffer.from(mixed), 'OB')
}

async function stored(storables: Storable[], callingAe = 'MOVESCU'): Promise<void> {
  expect((await store({ ...peer(), callingAe }, storables)).filter(({ status }) => status !== 0)).toEqual([])
  const uids = storables.map(({ sopInstanceUid }) => sopInstanceUid)
  await until('all objects in the index', async () => {
    const rows = await archive.department.sql`select 1 from instances where sop_instance_uid = any(${uids})`
    return rows.length === uids.length
  })
}

const studies = () => [...new Set(samples.map(({ studyUid }) => studyUid))]
const everything = () => Dataset.of({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: studies() })

/** DCMTK's receiver as it comes: uncompressed transfer syntaxes and no others. */
async function storescp(out: string): Promise<{ title: string; end(): void }> {
  const port = await freePort()
  await archive.department.sql`
    insert into devices (id, ae_title, site_id, kind, profile, host, port)
    values ('SHELF', 'SHELF', 'MAIN', 'tool', 'unknown', '127.0.0.1', ${port})`
  const receiver = spawn('storescp', ['-od', out, String(port)], { stdio: 'ignore' })
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.end()
    })
  await until('storescp', listens)
  return { title: 'SHELF', end: () => receiver.kill() }
}

function sameAs({ expected, within, path }: Sample, got: Dataset): void {
  const rows = ['Rows', 'Columns', 'BitsAllocated', 'BitsStored', 'HighBit', 'PixelRepresentation']
  for (const name of ['SamplesPerPixel', 'PlanarConfiguration', ...rows])
    expect(got.number(name), `${path} ${name}`).toBe(expected.number(name))
  for (const name of ['PhotometricInterpretation', 'LossyImageCompression', 'NumberOfFrames'])
    expect(got.text(name), `${path} ${name}`).toBe(expected.text(name))
  const [pixels, wanted] = [got.bytes('PixelData')!, expected.bytes('PixelData')!]
  expect(pixels.length).toBe(wanted.length)
  const furthest = pixels.reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at]!)), 0)
  expect(furthest, path).toBeLessThanOrEqual(within)
}

const received = (out: string) => readdirSync(out).map((name) => readDataset(join(out, name)))

function allArrived(got: Dataset[]): void {
  expect(got).toHaveLength(samples.length)
  for (const one of samples) sameAs(one, got.find((dataset) => dataset.text('SOPInstanceUID') === one.uid)!)
}

test('[AR-02] storescp as it comes receives what is stored in JPEG, JPEG-LS and RLE with the pixels that DCMTK decodes', async () => {
  const out = mkdtempSync(join(tmpdir(), 'storescp-'))
  const receiver = await storescp(out)
  try {
    const asked = { root: 'study', destination: receiver.title, identifier: everything() } as const
    expect(await move(peer(), asked)).toMatchObject({
      status: 0x0000,
      subOperations: { completed: samples.length, failed: 0, warning: 0 },
    })
  } finally {
    receiver.end()
  }
  allArrived(received(out))
})

test.each([[[]], [['+xb']], [['+xi']]])(
  '[AR-02] getscu %j gets compressed images decoded, in the uncompressed syntax it prefers',
  async (options) => {
    const out = mkdtempSync(join(tmpdir(), 'getscu-'))
    const keys = ['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${studies().join('\\')}`]
    const args = ['-v', '-S', ...options, '-aec', 'ISOCENTER', '-od', out, ...keys]
    const { said } = await dcmtk('getscu', [...args, '127.0.0.1', String(archive.port)])
    expect(said).toMatch(new RegExp(`Completed Suboperations +: ${samples.length}`))
    expect(said).toMatch(/Failed Suboperations +: 0/)
    allArrived(received(out))
  },
)

/** A multi-frame object in RLE, three by three pixels of a byte unless said otherwise. */
function runLengths(frames: Buffer[], more: Record<string, string | number | Dataset[]> = {}): Storable {
  const uid = newUid()
  const dataset = Dataset.of({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.7.2',
    SOPInstanceUID: uid,
    StudyInstanceUID: newUid(),
    SeriesInstanceUID: newUid(),
    PatientID: 'RLE',
    PatientName: 'Length^Run',
    Modality: 'OT',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    NumberOfFrames: String(frames.length),
    Rows: 3,
    Columns: 3,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    ...more,
  })
  const fragments = [Buffer.alloc(0), ...frames]
  dataset.put({ kind: 'fragments', tag: 0x7fe00010, vr: 'OB', fragments })
  const bytes = encodeDataset(dataset, RLE_LOSSLESS)
  return {
    sopClassUid: dataset.text('SOPClassUID')!,
    sopInstanceUid: uid,
    transferSyntaxUid: RLE_LOSSLESS,
    bytes: () => bytes,
  }
}

/** One segment, so many pixels of one value (PS3.5 annex G). */
function frameOf(value: number, pixels: number): Buffer {
  const head = Buffer.alloc(64)
  head.writeUInt32LE(1, 0)
  head.writeUInt32LE(64, 4)
  const runs: number[] = []
  for (let left = pixels; left > 0; left -= 128) runs.push(1 - Math.min(left, 128), value)
  const whole = Buffer.concat([head, Buffer.from(runs.map((byte) => byte & 0xff))])
  return whole.length % 2 === 0 ? whole : Buffer.concat([whole, Buffer.of(0)])
}

async function got(object: Storable, transferSyntaxUid = EXPLICIT_LITTLE) {
  const { kept, services } = shelf()
  const { sopClassUid, bytes } = object
  const studyUid = decodeDataset(bytes() as Buffer, object.transferSyntaxUid).text('StudyInstanceUID')!
  const contexts = receivingContexts([{ sopClassUid, transferSyntaxes: [transferSyntaxUid] }])
  const identifier = Dataset.of({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: studyUid })
  const ended = await get(peer(), { root: 'study', identifier }, { contexts, cStore: services.cStore! })
  return { ended, kept, dataset: kept[0] && decodeDataset(kept[0].bytes, kept[0].transferSyntaxUid) }
}

test('[AR-02] decoded frames follow on each other to an even length, and nothing is left that spoke of the compressed ones', async () => {
  const icon = Dataset.of({ Rows: 1, Columns: 1 })
  icon.put({ kind: 'fragments', tag: 0x7fe00010, vr: 'OB', fragments: [Buffer.alloc(0), Buffer.alloc(2)] })
  const object = runLengths([frameOf(7, 9), frameOf(8, 9), frameOf(9, 9)], { IconImageSequence: [icon] })
  await stored([object])
  const { ended, kept, dataset } = await got(object)
  expect(ended).toMatchObject({ status: 0x0000, subOperations: { completed: 1, failed: 0, warning: 0 } })
  expect(kept[0]).toMatchObject({ sopInstanceUid: object.sopInstanceUid, transferSyntaxUid: EXPLICIT_LITTLE })
  const nine = (value: number) => Buffer.alloc(9, value)
  expect(dataset!.bytes('PixelData')).toEqual(Buffer.concat([nine(7), nine(8), nine(9), Buffer.of(0)]))
  expect(dataset!.element('PixelData')).toMatchObject({ vr: 'OB' })
  expect(dataset!.has('IconImageSequence')).toBe(false)
  const big = await got(object, EXPLICIT_BIG)
  expect(big.dataset!.bytes('PixelData')).toEqual(dataset!.bytes('PixelData'))
})

test('[AR-02] a loop longer than is held at once is decoded frame by frame, and a broken frame of a short one fails its object alone', async () => {
  const side = 1024
  const frames = Array.from({ length: 20 }, (_, n) => frameOf(n, side * side))
  const long = runLengths(frames, { Rows: side, Columns: side })
  const broken = runLengths([frameOf(1, 9), frameOf(2, 9).subarray(0, 64)])
  await stored([long, broken])
  const { ended, dataset } = await got(long)
  expect(ended).toMatchObject({ status: 0x0000, subOperations: { completed: 1, failed: 0, warning: 0 } })
  const pixels = dataset!.bytes('PixelData')!
  expect(pixels.length).toBe(20 * side * side)
  for (const n of frames.keys())
    expect(pixels.subarray(n * side * side, (n + 1) * side * side).equals(Buffer.alloc(side * side, n))).toBe(
      true,
    )
  expect((await got(broken)).ended).toMatchObject({
    status: 0xa702,
    subOperations: { completed: 0, failed: 1, warning: 0 },
    failedSopInstanceUids: [broken.sopInstanceUid],
    comment: '1 failed: object not readable',
  })
})

test.each([EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG])(
  '[AR-05] an image decoded into %s too goes out under the name and the accession number of its order',
  async (transferSyntaxUid) => {
    const order = await bookedOrder(archive.department)
    const object = runLengths([frameOf(1, 9)], { StudyInstanceUID: order.studyUid, PatientID: 'CONSOLE-7' })
    await stored([object], 'CT1')
    const { kept, dataset } = await got(object, transferSyntaxUid)
    expect(kept[0]!.transferSyntaxUid).toBe(transferSyntaxUid)
    expect([dataset!.text('PatientID'), dataset!.text('AccessionNumber')]).toEqual([
      order.patientId,
      order.accession,
    ])
    const record = dataset!.item('OriginalAttributesSequence')!.item('ModifiedAttributesSequence')!
    expect(record.text('PatientID')).toBe('CONSOLE-7')
    expect(dataset!.bytes('PixelData')).toEqual(Buffer.concat([Buffer.alloc(9, 1), Buffer.of(0)]))
  },
)
