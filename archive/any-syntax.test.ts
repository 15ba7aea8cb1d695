import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { Dataset } from './dimse/dataset.ts'
import { encodeDataset } from './dimse/encode.ts'
import { scanHeader } from './dimse/header-scan.ts'
import { shelf } from './dimse/store-sink.fixture.ts'
import { openArchive, type TestArchive, until } from './scp/archive.fixture.ts'
import { get, receivingContexts } from './scu/retrieve.ts'
import { store } from './scu/store.ts'
import { type Served, serve } from './web/archive.fixture.ts'
import { type DicomwebService, openDicomweb } from './web/service.ts'

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'
const ULTRASOUND_CINE = '1.2.840.10008.5.1.4.1.1.3.1'
const VIDEO_ENDOSCOPIC = '1.2.840.10008.5.1.4.1.1.77.1.1.1'
const TO_COME = '1.2.840.10008.5.1.4.1.1.9999.1'
const OF_A_VENDOR = '1.3.12.2.1107.5.9.1'

interface Kind {
  name: string
  transferSyntaxUid: string
  sopClassUid: string
  frames?: number
  /** A video is one stream, in one fragment or several. */
  fragments?: number
  media: string
}

const KINDS: Kind[] = [
  ['High-Throughput JPEG 2000, lossless', '4.201', SECONDARY_CAPTURE, 'image/jphc'],
  ['High-Throughput JPEG 2000, lossless by resolution', '4.202', SECONDARY_CAPTURE, 'image/jphc'],
  ['High-Throughput JPEG 2000', '4.203', TO_COME, 'image/jphc'],
  ['JPEG XL, lossless', '4.110', SECONDARY_CAPTURE, 'image/jxl'],
  ['JPEG XL of a JPEG', '4.111', SECONDARY_CAPTURE, 'image/jxl'],
  ['JPEG XL', '4.112', ULTRASOUND_CINE, 'image/jxl', { frames: 3, fragments: 3 }],
  ['frames deflated each', '8.1', ULTRASOUND_CINE, 'application/octet-stream', { frames: 2, fragments: 2 }],
  ['MPEG-2', '4.100', VIDEO_ENDOSCOPIC, 'video/mpeg', { frames: 250, fragments: 1 }],
  ['MPEG-4', '4.102', VIDEO_ENDOSCOPIC, 'video/mp4', { frames: 250, fragments: 3 }],
  ['HEVC', '4.107', VIDEO_ENDOSCOPIC, 'video/mp4', { frames: 250, fragments: 2 }],
].map(([name, syntax, sopClassUid, media, more = {}]) => ({
  ...(more as object),
  name: name as string,
  transferSyntaxUid: `1.2.840.10008.1.2.${syntax}`,
  sopClassUid: sopClassUid as string,
  media: media as string,
}))

KINDS.push({
  name: 'a syntax and a class of a vendor’s own',
  transferSyntaxUid: '1.3.46.670589.33.1.4.1',
  sopClassUid: OF_A_VENDOR,
  media: 'application/octet-stream',
})

const HAS_DECODER = /^1\.2\.840\.10008\.1\.2\.(4\.20[123]|8\.1)$/

const made = KINDS.map((kind, n) => {
  const parts = Array.from({ length: kind.fragments ?? 1 }, () => randomBytes(2000 + 2 * n))
  const uid = `2.25.4711.${n}`
  const dataset = Dataset.of({
    SOPClassUID: kind.sopClassUid,
    SOPInstanceUID: uid,
    Modality: 'OT',
    PatientName: 'TESTPERSON^SYNTAX',
    PatientID: 'SYNTAX',
    StudyInstanceUID: `${uid}.1`,
    SeriesInstanceUID: `${uid}.2`,
    ...(kind.frames ? { NumberOfFrames: kind.frames } : {}),
    Rows: 16,
    Columns: 16,
    BitsAllocated: 8,
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
  })
  const fragments = [Buffer.alloc(0), ...parts]
  dataset.put({ kind: 'fragments', tag: 0x7fe00010, vr: 'OB', fragments })
  return { ...kind, uid, parts, bytes: encodeDataset(dataset, kind.transferSyntaxUid) }
})

let archive: TestArchive
let web: DicomwebService
let served: Served

const peer = () => ({ host: '127.0.0.1', port: archive.port, callingAe: 'CT1', calledAe: 'ISOCENTER' })

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const { department, root } = archive
  const log = { info() {}, warn() {}, error() {} } as never
  web = await openDicomweb({ department, blobFolder: root, aeTitle: 'ISOCENTER', log })
  const actor = { kind: 'token', id: 'test', roles: [], sites: ['*'], areas: [], credentials: [] } as const
  served = await serve({ service: web }, () => ({ kind: 'program', actor, sites: null, mayStore: false }))
  const storables = made.map(({ uid, bytes, ...kind }) => ({
    ...kind,
    sopInstanceUid: uid,
    bytes: () => bytes,
  }))
  const results = await store(peer(), storables)
  expect(results.map(({ status }) => status)).toEqual(made.map(() => 0))
  const { sql } = department
  await until('all in the index', async () => (await sql`select 1 from instances`).length === made.length)
})

afterAll(async () => {
  served.close()
  await web.close()
  await archive.close()
})

test.each(made)(
  '[AR-01] an object in $name is taken, and comes back as the very bytes by C-GET',
  async (one) => {
    const { kept, services } = shelf()
    const { sopClassUid, transferSyntaxUid, uid, bytes } = one
    const contexts = receivingContexts([{ sopClassUid, transferSyntaxes: [transferSyntaxUid] }])
    const identifier = Dataset.of({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: `${uid}.1` })
    const ended = await get(peer(), { root: 'study', identifier }, { contexts, cStore: services.cStore! })
    expect(ended).toMatchObject({ status: 0, subOperations: { completed: 1, failed: 0, warning: 0 } })
    expect(kept[0]).toMatchObject({ transferSyntaxUid, sopInstanceUid: uid })
    expect(kept[0]!.bytes.equals(bytes)).toBe(true)
  },
)

test.each(made)(
  '[DW-02] an object in $name comes back as it is over the web, its frames too, or not at all',
  async (one) => {
    const { transferSyntaxUid, uid, bytes, parts, frames = 1, fragments = 1, media } = one
    const at = `${served.url}/studies/${uid}.1/series/${uid}.2/instances/${uid}`
    const ask = (path: string, accept: string) => fetch(`${at}${path}`, { headers: { accept } })
    const whole = await ask('', 'application/dicom; transfer-syntax=*')
    const back = Buffer.from(await whole.arrayBuffer())
    const scan = scanHeader(back)
    expect([whole.status, scan.transferSyntaxUid]).toEqual([200, transferSyntaxUid])
    expect(back.subarray(scan.datasetOffset).equals(bytes)).toBe(true)

    const response = await ask(
      '/frames/1',
      'multipart/related; type="application/octet-stream"; transfer-syntax=*',
    )
    const body = Buffer.from(await response.arrayBuffer())
    const [head] = body.toString('latin1').split('\r\n\r\n', 1)
    const isVideo = media.startsWith('video/')
    const first = isVideo || frames === 1 ? Buffer.concat(parts) : parts[0]!
    expect([response.status, head]).toEqual([
      200,
      expect.stringContaining(`transfer-syntax=${transferSyntaxUid}`),
    ])
    expect(body.includes(first)).toBe(true)
    if (!isVideo && fragments > 1) expect(body.includes(parts[1]!)).toBe(false)

    // Without a decoder that is said, and nothing else is given.
    const native = await ask('', 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1')
    if (!HAS_DECODER.test(transferSyntaxUid)) expect(native.status).toBe(406)
    await native.body?.cancel()
  },
)
