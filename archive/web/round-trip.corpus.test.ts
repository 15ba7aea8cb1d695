import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { decodeDataset, swapped } from '../dimse/decode.ts'
import { toDicomJson } from '../dimse/dicom-json.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { type HeaderScan, type Identity, identityOf, scanHeader } from '../dimse/header-scan.ts'
import { encodeFileMeta } from '../dimse/part10.ts'
import { program, type Served, serve, type TestArchive, testArchive } from './archive.fixture.ts'
import { decodeFrame } from './codecs.ts'
import type { Header } from './header.ts'
import { pixelShapeOf } from './pixel-shape.ts'

const DATA = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../../shared/data')
const DICOM = join(DATA, 'dicom')

interface Sample {
  file: string
  bytes: Buffer
  scan: HeaderScan
  identity: Identity
}

interface Home {
  archive: TestArchive
  served: Served
  held: Set<string>
}

const homes: Home[] = []
const homeOf = new Map<string, Home>()

async function openHome(): Promise<Home> {
  const archive = await testArchive(await emptyDatabase())
  const served = await serve(archive, () => program)
  const home = { archive, served, held: new Set<string>() }
  homes.push(home)
  return home
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesUnder(path) : [path]
  })
}

function sampleFrom(file: string, bytes: Buffer): Sample {
  const scan = scanHeader(bytes)
  return { file, bytes, scan, identity: identityOf(scan.dataset) }
}

/** Broken ones, directories and worklist items are no objects to store. */
const files = filesUnder(DICOM)
  .map((path) => path.slice(DICOM.length + 1))
  .filter((file) => !/^broken\/|DICOMDIR|\.wl$/.test(file))
  .sort()

/** These say no study, or nothing at all of what they are: they cannot be filed as they stand. */
const UNFILED = [
  'charset/chrSQEncoding.dcm',
  'charset/chrSQEncoding1.dcm',
  'transfer-syntax/HTJ2KLossless_08_RGB.dcm',
  'transfer-syntax/HTJ2K_08_RGB.dcm',
  'transfer-syntax/SC_rgb_jls_lossy_line.dcm',
]

const read = (file: string) => readFileSync(join(DICOM, file))

/** The same object with the UIDs that it lacks. */
function filed(file: string): Sample {
  const whole = read(file)
  const { transferSyntaxUid, datasetOffset } = scanHeader(whole)
  const dataset = decodeDataset(whole, transferSyntaxUid, { offset: datasetOffset })
  const sopInstanceUid = dataset.text('SOPInstanceUID')!
  dataset.set('StudyInstanceUID', '1.2.3.4.5.1').set('SeriesInstanceUID', '1.2.3.4.5.2')
  const meta = { sopClassUid: dataset.text('SOPClassUID')!, sopInstanceUid, transferSyntaxUid }
  const bytes = Buffer.concat([encodeFileMeta(meta), encodeDataset(dataset, transferSyntaxUid)])
  return sampleFrom(`${file} with a study`, bytes)
}

const samples = [
  ...files.filter((file) => !UNFILED.includes(file)).map((file) => sampleFrom(file, read(file))),
  ...UNFILED.filter((file) => file.startsWith('transfer-syntax/')).map(filed),
]

const datasetOf = ({ bytes, scan }: Sample) => bytes.subarray(scan.datasetOffset)

function at({ identity }: Sample): string {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = identity
  return `/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`
}

// Files that share a SOP Instance UID go to separate homes.
async function homeFor({ identity, file }: Sample): Promise<Home> {
  const uid = identity.sopInstanceUid
  const home = homes.find(({ held }) => !held.has(uid)) ?? (await openHome())
  home.held.add(uid)
  homeOf.set(file, home)
  return home
}

beforeAll(async () => {
  for (const sample of samples) {
    const response = await post(await homeFor(sample), sample.bytes)
    expect([sample.file, response.status]).toEqual([sample.file, 200])
    await response.body?.cancel()
  }
}, 600_000)

afterAll(async () => {
  for (const { served, archive } of homes) {
    served.close()
    await archive.close()
  }
})

const post = ({ served }: Home, bytes: Buffer) =>
  fetch(`${served.url}/studies`, {
    method: 'POST',
    headers: { 'content-type': 'application/dicom' },
    body: new Uint8Array(bytes),
  })

const get = (sample: Sample, path: string, accept: string) =>
  fetch(`${homeOf.get(sample.file)!.served.url}${path}`, { headers: { accept } })

test('every storable sample goes in by STOW and comes back by WADO, bit for bit', async () => {
  expect(samples.length).toBeGreaterThan(300)
  for (const sample of samples) {
    const response = await get(sample, at(sample), 'application/dicom; transfer-syntax=*')
    const back = Buffer.from(await response.arrayBuffer())
    const same = back.subarray(scanHeader(back).datasetOffset).equals(datasetOf(sample))
    expect([sample.file, response.status, same]).toEqual([sample.file, 200, true])
  }
}, 300_000)

test('what does not say which study it belongs to is refused and kept aside', async () => {
  for (const file of UNFILED) expect([file, (await post(homes[0]!, read(file))).status]).toEqual([file, 409])
  const aside = await homes[0]!.archive.department.sql`select 1 from quarantine`
  expect(aside).toHaveLength(UNFILED.length)
})

test('every frame of every sample comes back as encoded bytes, native ones bit-exact in little endian', async () => {
  let frames = 0
  for (const sample of samples) {
    const { pixelData } = sample.scan
    for (const n of new Set([1, pixelData?.frames.length ?? 0])) {
      if (!pixelData || n === 0) continue
      const accept = 'multipart/related; type=application/octet-stream; transfer-syntax=*'
      const response = await get(sample, `${at(sample)}/frames/${n}`, accept)
      const body = onlyPart(Buffer.from(await response.arrayBuffer()))
      expect([sample.file, n, response.status, body.equals(frameOf(sample, n))]).toEqual([
        sample.file,
        n,
        200,
        true,
      ])
      frames++
    }
  }
  expect(frames).toBeGreaterThan(300)
}, 300_000)

function frameOf({ bytes, scan }: Sample, n: number): Buffer {
  const source = scan.inflated ?? bytes
  const stretches = scan.pixelData!.frames[n - 1]!
  const frame = Buffer.concat(stretches.map(({ offset, length }) => source.subarray(offset, offset + length)))
  const isTurned =
    scan.transferSyntaxUid === '1.2.840.10008.1.2.2' && scan.dataset.number('BitsAllocated') === 16
  return isTurned ? swapped(frame, 2) : frame
}

function onlyPart(body: Buffer): Buffer {
  const boundary = body.subarray(0, body.indexOf('\r\n'))
  const start = body.indexOf('\r\n\r\n') + 4
  return body.subarray(start, body.lastIndexOf(boundary) - 2)
}

test('every image is shown as a picture and decoded on request, or there is no decoder for it', async () => {
  const without: string[] = []
  for (const sample of samples) {
    if (!sample.scan.pixelData) continue
    const picture = await get(sample, `${at(sample)}/rendered`, 'image/jpeg')
    const native = await get(sample, at(sample), 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1')
    const statuses = [picture.status, native.status]
    await Promise.all([picture.arrayBuffer(), native.arrayBuffer()])
    if (statuses.some((status) => status !== 200))
      without.push(`${sample.scan.transferSyntaxUid} ${statuses} ${sample.file}`)
  }
  // Lossy JPEG of twelve bits.
  expect(without.filter((line) => !/^1\.2\.840\.10008\.1\.2\.4\.5[135] 406,406/.test(line))).toEqual([])
}, 300_000)

/** One image each, compressed without loss in several ways: whichever is asked for, its pixels are the same. */
const SAME_PIXELS = [
  ['CT1_J2KR', 'CT1_JLSL', 'CT1_JPLL', 'CT1_RLE'],
  ['MR4_J2KR', 'MR4_JLSL', 'MR4_JPLL'],
  ['emri_small_RLE.dcm', 'emri_small_jpeg_2k_lossless.dcm', 'emri_small_jpeg_ls_lossless.dcm'],
]

test('frames compressed without loss decode to the same pixels, by whichever codec', async () => {
  for (const names of SAME_PIXELS) {
    const natives: Buffer[] = []
    for (const name of names) {
      const sample = samples.find(
        ({ file }) =>
          file
            .split('/')
            .at(-1)!
            .replace(/\.dcm$/, '') === name.replace(/\.dcm$/, ''),
      )
      if (!sample) continue
      const response = await get(sample, `${at(sample)}/frames/1`, 'application/octet-stream')
      expect([name, response.status]).toEqual([name, 200])
      natives.push(Buffer.from(await response.arrayBuffer()))
    }
    expect([names, natives.length > 1]).toEqual([names, true])
    expect([names, natives.every((native) => native.equals(natives[0]!))]).toEqual([names, true])
  }
})

test('lossless HTJ2K decodes to what another library makes of it', async () => {
  const sample = samples.find(({ scan }) => scan.transferSyntaxUid === '1.2.840.10008.1.2.4.201')!
  const response = await get(sample, `${at(sample)}/frames/1`, 'application/octet-stream')
  const shape = pixelShapeOf(toDicomJson(sample.scan.dataset) as Header)!
  const theirs = await decodeFrame('1.2.840.10008.1.2.4.90', frameOf(sample, 1), shape)
  expect(Buffer.from(await response.arrayBuffer()).equals(theirs)).toBe(true)
})

const DCMTK: Record<string, string> = {
  '1.2.840.10008.1.2.4.50': 'dcmdjpeg',
  '1.2.840.10008.1.2.4.57': 'dcmdjpeg',
  '1.2.840.10008.1.2.4.70': 'dcmdjpeg',
  '1.2.840.10008.1.2.4.80': 'dcmdjpls',
  '1.2.840.10008.1.2.4.81': 'dcmdjpls',
}

test('JPEG and JPEG-LS frames decode to what DCMTK decodes them to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'isocenter-corpus-'))
  const compared = new Set<string>()
  for (const sample of samples) {
    const tool = DCMTK[sample.scan.transferSyntaxUid]
    // A series says the same a hundred times.
    if (!tool || sample.file.startsWith('series/')) continue
    const [from, to] = [join(folder, 'from.dcm'), join(folder, 'to.dcm')]
    await writeFile(from, sample.bytes)
    await promisify(execFile)(tool, [from, to])
    const theirs = sampleFrom(sample.file, await readFile(to))
    const response = await get(sample, `${at(sample)}/frames/1`, 'application/octet-stream')
    const ours = Buffer.from(await response.arrayBuffer())
    expect([sample.file, ours.equals(frameOf(theirs, 1).subarray(0, ours.length))]).toEqual([
      sample.file,
      true,
    ])
    compared.add(sample.scan.transferSyntaxUid)
  }
  expect([...compared].sort()).toEqual(Object.keys(DCMTK).sort())
}, 120_000)

function table(name: string): Record<string, string>[] {
  const [head, ...lines] = readFileSync(join(DATA, name), 'utf8').trimEnd().split('\n')
  const keys = head!.split('\t')
  return lines.map((line) =>
    Object.fromEntries(line.split('\t').map((value, index) => [keys[index]!, value])),
  )
}

const bare = (name: string) =>
  name
    .split('=')
    .map((group) => group.replace(/[\^ ]+$/, ''))
    .join('=')
    .replace(/=+$/, '')

test('every name of the character set samples comes back right from QIDO', async () => {
  const rows = table('charset_expected.tsv').filter((row) => row.StudyInstanceUID)
  expect(rows.length).toBeGreaterThan(10)
  for (const row of rows) {
    const { served } = homeOf.get(row.file!)!
    const response = await fetch(`${served.url}/studies?StudyInstanceUID=${row.StudyInstanceUID}`)
    const [study] = (await response.json()) as Record<string, { Value?: unknown[] }>[]
    const name = (study!['00100010']?.Value?.[0] ?? {}) as Record<string, string>
    const text = [name.Alphabetic, name.Ideographic, name.Phonetic].map((group) => group ?? '').join('=')
    expect([row.file, bare(text)]).toEqual([row.file, bare(row.PatientName ?? '')])
    expect(study!['00100020']?.Value?.[0] ?? '').toBe(row.PatientID ?? '')
  }
})
