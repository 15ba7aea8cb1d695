import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { readPart10 } from '../dimse/part10.ts'
import { program, type Served, type Stored, serve, type TestArchive, testArchive } from './archive.fixture.ts'

const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1'

let archive: TestArchive
let served: Served

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  served = await serve(archive, () => program)
})

afterAll(async () => {
  served.close()
  await archive.close()
})

const at = ({ studyUid, seriesUid, sopInstanceUid }: Stored) =>
  `${served.url}/studies/${studyUid}/series/${seriesUid}/instances/${sopInstanceUid}`

async function syntaxOf(object: Stored, accept: string): Promise<string> {
  const response = await fetch(at(object), { headers: { accept } })
  const bytes = Buffer.from(await response.arrayBuffer())
  const said = /transfer-syntax=([\d.]+)/.exec(response.headers.get('content-type') ?? '')?.[1]
  const { transferSyntaxUid } = readPart10(bytes.subarray(bytes.indexOf('DICM') - 128))
  if (said !== undefined) expect(said).toBe(transferSyntaxUid)
  return transferSyntaxUid
}

test('[DW-02] without a transfer syntax an object goes in Explicit VR Little Endian, and one in lossy compression as it is', async () => {
  for (const [file, usual, stored] of [
    ['transfer-syntax/mr-small-implicit.dcm', EXPLICIT_LITTLE, '1.2.840.10008.1.2'],
    ['transfer-syntax/explvr-bigend.dcm', EXPLICIT_LITTLE, '1.2.840.10008.1.2.2'],
    ['transfer-syntax/image-dfl.dcm', EXPLICIT_LITTLE, '1.2.840.10008.1.2.1.99'],
    ['transfer-syntax/sc-rgb-rle-2frame.dcm', EXPLICIT_LITTLE, '1.2.840.10008.1.2.5'],
    ['transfer-syntax/sc-rgb-jpeg-dcmtk.dcm', '1.2.840.10008.1.2.4.50', '1.2.840.10008.1.2.4.50'],
  ] as const) {
    const [object] = (await archive.store(file)) as [Stored]
    for (const [accept, wanted] of [
      ['application/dicom', usual],
      ['multipart/related; type="application/dicom"', usual],
      ['*/*', usual],
      ['application/dicom; transfer-syntax=*', stored],
      ['multipart/related; type="application/dicom"; transfer-syntax=*', stored],
    ] as const)
      expect([file, accept, await syntaxOf(object, accept)]).toEqual([file, accept, wanted])
  }
})

test('[DW-02] encapsulated pixels are bytes in the metadata', async () => {
  for (const [file, vr] of [
    ['transfer-syntax/emri-small-rle.dcm', 'OB'],
    ['ct-head/01.dcm', 'OW'],
  ] as const) {
    const [object] = (await archive.store(file)) as [Stored]
    const [header] = (await (await fetch(`${at(object)}/metadata`)).json()) as Record<
      string,
      { vr: string }
    >[]
    expect([file, header!['7FE00010']!.vr]).toEqual([file, vr])
  }
})
