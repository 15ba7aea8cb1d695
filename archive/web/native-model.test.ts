import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import {
  madeFile,
  program,
  type Served,
  type Stored,
  sendFile,
  serve,
  type TestArchive,
  testArchive,
} from './archive.fixture.ts'
import { nativeModel } from './native-model.ts'

const PARTS = 'multipart/related; type="application/dicom+xml"'

let archive: TestArchive
let served: Served
let ct: Stored

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase())
  ;[ct] = (await archive.store('ct-head/01.dcm', 'ct-head/02.dcm')) as [Stored, Stored]
  served = await serve(archive, () => program)
})

afterAll(async () => {
  served.close()
  await archive.close()
})

async function partsOf(path: string): Promise<string[]> {
  const response = await fetch(`${served.url}${path}`, { headers: { accept: PARTS } })
  const [, boundary] = /^multipart\/related; type="application\/dicom\+xml"; boundary=(\S+)$/.exec(
    response.headers.get('content-type')!,
  )!
  const parts = (await response.text()).split(`--${boundary}`).slice(1, -1)
  return parts.map((part) => {
    expect(part).toMatch(/^\r\nContent-Type: application\/dicom\+xml\r\n\r\n/)
    return part.slice(part.indexOf('\r\n\r\n') + 4)
  })
}

/** Tag, VR, keyword and private creator of each attribute, as they come in the text. */
const attributesIn = (xml: string) =>
  [...xml.matchAll(/<DicomAttribute ([^>]*?)\/?>/g)].map(([, named]) =>
    [...named!.matchAll(/(tag|vr|keyword|privateCreator)="([^"]*)"/g)]
      .map(([, name, value]) => `${name}=${name === 'tag' ? value!.toUpperCase() : value}`)
      .sort()
      .join(' '),
  )

test('[DW-02] metadata in XML name every attribute as DCMTK names it', async () => {
  const metadata = await partsOf(`/studies/${ct.studyUid}/metadata`)
  expect(metadata).toHaveLength(2)
  const file = new URL('../../corpus/ct-head/01.dcm', import.meta.url).pathname
  const { stdout } = await promisify(execFile)('dcm2xml', ['-nat', file], { maxBuffer: 64 * 1024 * 1024 })
  const ours = new Set(attributesIn(metadata[0]!))
  // File Meta is none of the metadata, and DCMTK says of a creator that it was created by itself.
  const theirs = attributesIn(stdout).filter((one) => !/tag=(0002|....00[1-9A-F]\d )/.test(one))
  expect(theirs.length).toBeGreaterThan(30)
  expect(theirs.filter((one) => !ours.has(one))).toEqual([])
  expect(metadata[0]).toContain(`<BulkData uri="${served.url}/studies/${ct.studyUid}/series/`)
})

test('[DW-01] results of a search come as XML, a part each', async () => {
  const results = await partsOf(`/studies/${ct.studyUid}/instances`)
  expect(results).toHaveLength(2)
  expect(results[0]).toContain(`keyword="SOPInstanceUID"><Value number="1">${ct.sopInstanceUid}</Value>`)
  for (const accept of ['application/dicom+xml', 'multipart/related; type="text/xml"'])
    expect((await fetch(`${served.url}/studies`, { headers: { accept } })).status).toBe(406)
})

test('[DW-03] what became of an object is said in XML to who wants that', async () => {
  const stored = await sendFile(served, madeFile({ StudyInstanceUID: '2.25.9' }), {
    accept: 'application/dicom+xml',
  })
  expect([stored.status, stored.headers.get('content-type')]).toEqual([200, 'application/dicom+xml'])
  expect(await stored.text()).toContain(`<Value number="1">${served.url}/studies/2.25.9</Value>`)
})

test('[DW-02] metadata in XML are another body than in JSON', async () => {
  const path = `${served.url}/studies/${ct.studyUid}/metadata`
  const tagIn = async (accept: string) => (await fetch(path, { headers: { accept } })).headers.get('etag')
  expect(await tagIn(PARTS)).not.toBe(await tagIn('application/dicom+json'))
})

test('groups and components of names, gaps between values, items and what XML cannot write keep their places', () => {
  const xml = nativeModel({
    '00080008': { vr: 'CS', Value: ['A', null, 'B'] },
    '00081140': { vr: 'SQ', Value: [{}, { '00081155': { vr: 'UI', Value: ['1.2'] } }] },
    '00090010': { vr: 'LO', Value: ['A "CREATOR"'] },
    '00091001': { vr: 'UN', InlineBinary: 'YWJj' },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^^T', Ideographic: '山田^太郎' }] },
    '00204000': { vr: 'LT', Value: ['a < b & c\u0001\r\n"'] },
  })
  expect(xml.slice(xml.indexOf('<DicomAttribute'), xml.indexOf('</NativeDicomModel>'))).toBe(
    [
      '<DicomAttribute tag="00080008" vr="CS" keyword="ImageType"><Value number="1">A</Value>',
      '<Value number="2"></Value><Value number="3">B</Value></DicomAttribute>',
      '<DicomAttribute tag="00081140" vr="SQ" keyword="ReferencedImageSequence"><Item number="1"></Item><Item number="2">',
      '<DicomAttribute tag="00081155" vr="UI" keyword="ReferencedSOPInstanceUID"><Value number="1">1.2</Value></DicomAttribute>',
      '</Item></DicomAttribute>',
      '<DicomAttribute tag="00090010" vr="LO"><Value number="1">A &quot;CREATOR&quot;</Value></DicomAttribute>',
      '<DicomAttribute tag="00090001" vr="UN" privateCreator="A &quot;CREATOR&quot;"><InlineBinary>YWJj</InlineBinary></DicomAttribute>',
      '<DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1"><Alphabetic><FamilyName>Yamada',
      '</FamilyName><MiddleName>T</MiddleName></Alphabetic><Ideographic><FamilyName>山田</FamilyName><GivenName>太郎',
      '</GivenName></Ideographic></PersonName></DicomAttribute>',
      '<DicomAttribute tag="00204000" vr="LT" keyword="ImageComments"><Value number="1">a &lt; b &amp; c\ufffd&#13;\n&quot;',
      '</Value></DicomAttribute>',
    ].join(''),
  )
})
