import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inflateSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { program, type Served, type Stored, serve, type TestArchive, testArchive } from './archive.fixture.ts'

/** Each SOP Instance UID once: some of the samples are one image in several syntaxes. */
const files = readFileSync(new URL('../../corpus/MANIFEST.tsv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t')[0]!)

let archive: TestArchive
let served: Served
const stored = new Map<string, Stored>()

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  for (const file of files) {
    const [one] = await archive.store(file)
    if (![...stored.values()].some((other) => other.sopInstanceUid === one!.sopInstanceUid))
      stored.set(file, one!)
  }
  served = await serve(archive, () => program)
}, 120_000)

afterAll(async () => {
  served.close()
  await archive.close()
})

const at = (s: Stored) =>
  `${served.url}/studies/${s.studyUid}/series/${s.seriesUid}/instances/${s.sopInstanceUid}`
const ANY_FRAME = 'multipart/related; type=application/octet-stream; transfer-syntax=*'

type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string }>

async function metadataOf(s: Stored): Promise<Json> {
  const response = await fetch(`${at(s)}/metadata`)
  expect(response.status).toBe(200)
  return ((await response.json()) as Json[])[0]!
}

test('[DW-02] every image of the corpus gives metadata, each of its frames, and a picture or a 406', async () => {
  for (const [file, object] of stored) {
    const metadata = await metadataOf(object)
    expect([file, metadata['00080018']!.Value]).toEqual([file, [object.sopInstanceUid]])
    if (!metadata['7FE00010']) continue
    const frames = Number(metadata['00280008']?.Value?.[0] ?? 1)
    for (const frame of new Set([1, frames])) {
      const response = await fetch(`${at(object)}/frames/${frame}`, { headers: { accept: ANY_FRAME } })
      expect([file, frame, response.status]).toEqual([file, frame, 200])
      expect([file, (await response.arrayBuffer()).byteLength > 200]).toEqual([file, true])
    }
    const picture = await fetch(`${at(object)}/rendered`, { headers: { accept: 'image/jpeg' } })
    expect([file, [200, 406].includes(picture.status)]).toEqual([file, true])
  }
}, 60_000)

test('[DW-02] a frame in big endian, and one of a deflated object, are handed out in little endian', async () => {
  for (const file of ['transfer-syntax/explvr-bigend.dcm', 'transfer-syntax/image-dfl.dcm']) {
    const object = stored.get(file)!
    const metadata = await metadataOf(object)
    expect(metadata['00083002']!.Value).toEqual(['1.2.840.10008.1.2.1'])
    const number = (tag: string) => Number(metadata[tag]!.Value![0])
    const wanted = (number('00280010') * number('00280011') * number('00280002') * number('00280100')) / 8
    const response = await fetch(`${at(object)}/frames/1`, {
      headers: { accept: 'application/octet-stream' },
    })
    const bytes = (await response.arrayBuffer()).byteLength
    expect([file, response.status, bytes - wanted <= 1 && bytes >= wanted]).toEqual([file, 200, true])
  }
})

test('[DW-02] every bulk data address that metadata names leads to its value', async () => {
  const addresses: string[] = []
  const walk = (json: unknown): void => {
    if (json === null || typeof json !== 'object') return
    if ('BulkDataURI' in json) addresses.push(String(json.BulkDataURI))
    for (const value of Object.values(json)) walk(value)
  }
  for (const object of stored.values()) walk(await metadataOf(object))
  expect(addresses.some((address) => !address.endsWith('7FE00010'))).toBe(true)
  for (const address of new Set(addresses)) {
    const response = await fetch(address)
    expect([address.split('/bulkdata/')[1], response.status]).toEqual([address.split('/bulkdata/')[1], 200])
    await response.body?.cancel()
  }
}, 60_000)

/** The samples of a PNG of ours and of a PGM or PPM of DCMTK's. */
function samplesOfPng(png: Buffer): Buffer {
  const [width, height, samples] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 2 ? 3 : 1]
  const lines = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)))
  const row = width * samples
  return Buffer.concat(
    Array.from({ length: height }, (_, y) => lines.subarray(y * (row + 1) + 1, (y + 1) * (row + 1))),
  )
}

function samplesOfPnm(pnm: Buffer): Buffer {
  const [header] = /^P[56]\s+(?:#.*\s+)?\d+\s+\d+\s+255\s/.exec(pnm.subarray(0, 200).toString('latin1'))!
  return pnm.subarray(header.length)
}

test.each([
  ['ct-head/05.dcm', '+Wi', '1'],
  ['dx-chest/01.dcm', '+Wi', '1'],
  ['us-abdomen/01.dcm', '+Wn', ''],
  ['us-abdomen/02.dcm', '+Wn', ''],
  ['transfer-syntax/sc-rgb-rle-2frame.dcm', '+Wn', ''],
])('[DW-02] %s is rendered as DCMTK renders it', async (file, ...window) => {
  const response = await fetch(`${at(stored.get(file)!)}/rendered`, { headers: { accept: 'image/png' } })
  expect(response.status).toBe(200)
  const ours = samplesOfPng(Buffer.from(await response.arrayBuffer()))
  const folder = await mkdtemp(join(tmpdir(), 'isocenter-render-'))
  const path = fileURLToPath(new URL(`../../corpus/${file}`, import.meta.url))
  await promisify(execFile)('dcmj2pnm', [
    '+op',
    ...window.filter((word) => word !== ''),
    path,
    join(folder, 'a'),
  ])
  const theirs = samplesOfPnm(await readFile(join(folder, 'a')))
  expect(ours.length).toBe(theirs.length)
  let worst = 0
  for (const [n, value] of ours.entries()) worst = Math.max(worst, Math.abs(value - theirs[n]!))
  expect(worst).toBeLessThanOrEqual(1)
})
