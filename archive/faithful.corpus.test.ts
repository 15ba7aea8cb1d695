/** Every object of the corpus into the archive by each way in, and out again by each way out. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { Dataset } from './dimse/dataset.ts'
import { decodeDataset, swapped } from './dimse/decode.ts'
import { isDicomError } from './dimse/dicom-error.ts'
import { encodeDataset } from './dimse/encode.ts'
import { type HeaderScan, type Identity, identityOf, scanHeader } from './dimse/header-scan.ts'
import { encodeFileMeta } from './dimse/part10.ts'
import { parsePersonName } from './dimse/person-name.ts'
import { shelf } from './dimse/store-sink.fixture.ts'
import { openArchive, type TestArchive, until } from './scp/archive.fixture.ts'
import { find } from './scu/find.ts'
import { get, receivingContexts } from './scu/retrieve.ts'
import { type Storable, store } from './scu/store.ts'
import { type Served, serve } from './web/archive.fixture.ts'
import { type DicomwebService, openDicomweb } from './web/service.ts'

const DATA = process.env.ISOCENTER_CORPUS ?? resolve(import.meta.dirname, '../../shared/data')
const DICOM = join(DATA, 'dicom')

function table(name: string): Record<string, string>[] {
  const [head, ...lines] = readFileSync(join(DATA, name), 'utf8').trimEnd().split('\n')
  const keys = head!.split('\t')
  return lines.map((line) =>
    Object.fromEntries(line.split('\t').map((value, index) => [keys[index]!, value])),
  )
}

/** What the list of the corpus calls an object to store: not broken, no directory and no worklist item. */
const listed = table('MANIFEST.tsv').filter(
  ({ file }) => !/^broken\//.test(file!) && !/\/DICOMDIR[^/]*$/.test(file!) && !/\.wl$/.test(file!),
)

interface Sample {
  file: string
  path: string
  bytes: Buffer
  scan: HeaderScan
  identity: Identity
}

/** The name of the study that those get which name none. */
const GIVEN_STUDY = '1.2.3.4.5.1'

const folder = mkdtempSync(join(tmpdir(), 'isocenter-faithful-'))
const unfiled: string[] = []
const samples = listed.flatMap(({ file }) => sampleOf(file!))

function sampleOf(file: string): Sample[] {
  const path = join(DICOM, file)
  const bytes = readFileSync(path)
  const scan = scanHeader(bytes)
  try {
    return [{ file, path, bytes, scan, identity: identityOf(scan.dataset) }]
  } catch (error) {
    if (!isDicomError(error)) throw error
    unfiled.push(file)
    return scan.pixelData ? [givenStudy(file, bytes)] : []
  }
}

/** The same image with the UIDs that it lacks. */
function givenStudy(file: string, whole: Buffer): Sample {
  const { transferSyntaxUid, datasetOffset } = scanHeader(whole)
  const dataset = decodeDataset(whole, transferSyntaxUid, { offset: datasetOffset })
  const [sopClassUid, sopInstanceUid] = [dataset.text('SOPClassUID')!, dataset.text('SOPInstanceUID')!]
  dataset.set('StudyInstanceUID', GIVEN_STUDY).set('SeriesInstanceUID', '1.2.3.4.5.2')
  const meta = encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid })
  const bytes = Buffer.concat([meta, encodeDataset(dataset, transferSyntaxUid)])
  const path = join(folder, file.replaceAll('/', '-'))
  writeFileSync(path, bytes)
  const scan = scanHeader(bytes)
  return { file, path, bytes, scan, identity: identityOf(scan.dataset) }
}

const uidOf = ({ identity }: Sample) => identity.sopInstanceUid
const studyOf = ({ identity }: Sample) => identity.studyInstanceUid
const datasetOf = ({ bytes, scan }: Sample) => bytes.subarray(scan.datasetOffset)

/** The first of each SOP Instance UID, the second of each, and so on: those that share one go to separate homes. */
function byHome(all: readonly Sample[]): Sample[][] {
  const homes: Sample[][] = []
  const seen = new Map<string, number>()
  for (const sample of all) {
    const nth = seen.get(uidOf(sample)) ?? 0
    seen.set(uidOf(sample), nth + 1)
    homes[nth] ??= []
    homes[nth]!.push(sample)
  }
  return homes
}

interface Home {
  archive: TestArchive
  web: DicomwebService
  served: Served
  held: Sample[]
}

const actor = { kind: 'token', id: 'test', roles: [], sites: ['*'], areas: [], credentials: [] } as const

async function openHome(held: Sample[]): Promise<Home> {
  const archive = await openArchive(await testDatabase())
  const { department, root } = archive
  const log = { info() {}, warn() {}, error() {} } as never
  const web = await openDicomweb({ department, blobFolder: root, aeTitle: 'ISOCENTER', log })
  const access = { kind: 'program', actor, sites: null, mayStore: true } as const
  return { archive, web, held, served: await serve({ service: web }, () => access) }
}

async function closeHome({ archive, web, served }: Home): Promise<void> {
  served.close()
  await web.close()
  await archive.close()
}

const peer = ({ archive }: Home) => ({
  host: '127.0.0.1',
  port: archive.port,
  callingAe: 'CORPUS',
  calledAe: 'ISOCENTER',
})

const BIG_ENDIAN = '1.2.840.10008.1.2.2'
/** Not compressed: a sender has the choice among them. */
const NATIVE = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2', BIG_ENDIAN]

/** Transfer syntaxes of after DCMTK 3.6.7: HTJ2K and deflated frames. */
const AFTER_DCMTK = ['1.2.840.10008.1.2.4.201', '1.2.840.10008.1.2.4.203', '1.2.840.10008.1.2.8.1']

const byScu = ({ bytes, scan, identity }: Sample): Storable => ({
  sopClassUid: identity.sopClassUid,
  sopInstanceUid: identity.sopInstanceUid,
  transferSyntaxUid: scan.transferSyntaxUid,
  bytes: () => bytes.subarray(scan.datasetOffset),
})

/** By the program `dcmsend`, as they are; those in syntaxes that it does not know by our own sender. */
async function bySending(home: Home): Promise<void> {
  const [others, known] = [true, false].map((isNew) =>
    home.held.filter(({ scan }) => AFTER_DCMTK.includes(scan.transferSyntaxUid) === isNew),
  ) as [Sample[], Sample[]]
  const report = join(mkdtempSync(join(folder, 'dcmsend-')), 'report')
  const options = ['-aet', 'CORPUS', '-aec', 'ISOCENTER', '-dn', '-nh', '-nuc', '+crf', report]
  const to = ['127.0.0.1', String(home.archive.port)]
  await promisify(execFile)('dcmsend', [...options, ...to, ...known.map(({ path }) => path)], {
    env: { ...process.env, TCP_NODELAY: '1' },
    maxBuffer: 2 ** 26,
  })
  const succeeded = readFileSync(report, 'utf8').split('DIMSE Status  : 0x0000 (Success)').length - 1
  expect(succeeded).toBe(known.length)
  const results = await store(peer(home), others.map(byScu))
  expect(results.filter(({ status }) => status !== 0)).toEqual([])
  const { sql } = home.archive.department
  const isThere = async () => (await sql`select 1 from instances`).length === home.held.length
  await until('all of them in the index', isThere, 60_000)
}

async function byStow(home: Home): Promise<void> {
  const { status, stored, failed } = await stow(home, home.held)
  expect([status, stored, failed]).toEqual([200, home.held.map(uidOf), []])
}

/** All of them in one request: which were stored, and which were not. */
async function stow({ served }: Home, some: readonly Sample[]) {
  const head = Buffer.from('--boundary\r\nContent-Type: application/dicom\r\n\r\n')
  const body = some.flatMap(({ bytes }) => [head, bytes, Buffer.from('\r\n')])
  const response = await fetch(`${served.url}/studies`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/related; type="application/dicom"; boundary=boundary' },
    body: new Uint8Array(Buffer.concat([...body, Buffer.from('--boundary--\r\n')])),
  })
  const answer = (await response.json()) as Json
  const uids = (tag: string) =>
    ((answer[tag]?.Value ?? []) as Json[]).map((item) => item['00081155']?.Value?.[0])
  return { status: response.status, stored: uids('00081199'), failed: uids('00081198') }
}

type Json = Record<string, { vr: string; Value?: unknown[] }>

/** An object as it came back: its data set, and in which transfer syntax. */
interface Back {
  transferSyntaxUid: string
  dataset: Buffer
}

async function byGet(home: Home, studyUid: string): Promise<Map<string, Back>> {
  const held = home.held.filter((sample) => studyOf(sample) === studyUid)
  const { kept, services } = shelf()
  const wanted = held.flatMap(({ identity, scan }) =>
    [...(NATIVE.includes(scan.transferSyntaxUid) ? NATIVE : [scan.transferSyntaxUid])].map(
      (transferSyntax) => [identity.sopClassUid, transferSyntax] as const,
    ),
  )
  // A context for each, so that the archive may choose the one in which it holds an object.
  const contexts = new Map(
    wanted.map(([sopClassUid, transferSyntax]) => [
      `${sopClassUid} ${transferSyntax}`,
      { sopClassUid, transferSyntaxes: [transferSyntax] },
    ]),
  )
  const identifier = Dataset.of({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: studyUid })
  const ended = await get(
    peer(home),
    { root: 'study', identifier },
    { contexts: receivingContexts([...contexts.values()]), cStore: services.cStore! },
  )
  const subOperations = { completed: held.length, failed: 0, warning: 0 }
  expect(ended, studyUid).toMatchObject({ status: 0, subOperations })
  return new Map(
    kept.map(({ sopInstanceUid, transferSyntaxUid, bytes }) => [
      sopInstanceUid,
      { transferSyntaxUid, dataset: bytes },
    ]),
  )
}

async function byWado({ served }: Home, studyUid: string): Promise<Map<string, Back>> {
  const accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
  const response = await fetch(`${served.url}/studies/${studyUid}`, { headers: { accept } })
  expect([studyUid, response.status]).toEqual([studyUid, 200])
  const boundary = /boundary="?([^;"]+)/.exec(response.headers.get('content-type')!)![1]!
  const parts = partsOf(Buffer.from(await response.arrayBuffer()), boundary)
  return new Map(
    parts.map((part) => {
      const { dataset, transferSyntaxUid, datasetOffset } = scanHeader(part)
      return [dataset.text('SOPInstanceUID')!, { transferSyntaxUid, dataset: part.subarray(datasetOffset) }]
    }),
  )
}

function partsOf(body: Buffer, boundary: string): Buffer[] {
  const parts: Buffer[] = []
  for (let at = body.indexOf(`--${boundary}\r\n`); at >= 0; ) {
    const start = body.indexOf('\r\n\r\n', at) + 4
    const end = body.indexOf(`\r\n--${boundary}`, start)
    parts.push(body.subarray(start, end))
    at = body.indexOf(`--${boundary}\r\n`, end)
  }
  return parts
}

/** Every frame of an object: encoded bytes as they stand, native pixels in little endian. */
function framesOf({ dataset, transferSyntaxUid }: Back): Buffer[] {
  const meta = encodeFileMeta({ sopClassUid: '1.2', sopInstanceUid: '1.2', transferSyntaxUid })
  const whole = Buffer.concat([meta, dataset])
  const { pixelData, inflated, dataset: header } = scanHeader(whole)
  const from = inflated ?? whole
  const width = transferSyntaxUid === BIG_ENDIAN ? (header.number('BitsAllocated') ?? 8) / 8 : 1
  return (pixelData?.frames ?? []).map((stretches) => {
    const frame = Buffer.concat(stretches.map(({ offset, length }) => from.subarray(offset, offset + length)))
    return width > 1 ? swapped(frame, width as 2) : frame
  })
}

const asIs = (sample: Sample): Back => ({
  transferSyntaxUid: sample.scan.transferSyntaxUid,
  dataset: datasetOf(sample),
})

/** The objects whose bytes are other ones; of those that were written anew on the way, whose frames are. */
function altered(home: Home, came: Map<string, Back>, isSentAsIs: (sample: Sample) => boolean): string[] {
  return home.held
    .filter((sample) => {
      const [was, is] = [asIs(sample), came.get(uidOf(sample))]
      if (!is) return true
      if (isSentAsIs(sample) && !isMadeEven(was, is))
        return is.transferSyntaxUid !== was.transferSyntaxUid || !is.dataset.equals(was.dataset)
      return !isSameSyntax(was, is) || !areSameFrames(framesOf(was), framesOf(is))
    })
    .map(({ file }) => file)
}

/** No message has an odd number of bytes (PS3.8 section 9.3.1): over DIMSE such an object is written anew. */
const isMadeEven = (was: Back, is: Back) => was.dataset.length % 2 === 1 && is.dataset.length % 2 === 0

const isSameSyntax = (was: Back, is: Back) =>
  is.transferSyntaxUid === was.transferSyntaxUid ||
  (NATIVE.includes(was.transferSyntaxUid) && NATIVE.includes(is.transferSyntaxUid))

function areSameFrames(was: readonly Buffer[], is: readonly Buffer[]): boolean {
  return (
    was.length === is.length &&
    was.every((frame, n) => {
      // The last of an odd number of bytes gets the one that the sample lacks (PS3.5 section 8.1.1).
      const isPadded = n === was.length - 1 && is[n]!.length === frame.length + 1
      return is[n]!.equals(frame) || (isPadded && is[n]!.subarray(0, -1).equals(frame))
    })
  )
}

async function counts({ archive, served, ...home }: Home, studyUid: string): Promise<unknown> {
  const at = peer({ archive, served, ...home })
  const ask = (keys: Record<string, string | null>) =>
    find(at, 'study', Dataset.of({ StudyInstanceUID: studyUid, ...keys }))
  const [study] = await ask({
    QueryRetrieveLevel: 'STUDY',
    NumberOfStudyRelatedSeries: null,
    NumberOfStudyRelatedInstances: null,
  })
  const ofSeries = await ask({
    QueryRetrieveLevel: 'SERIES',
    SeriesInstanceUID: null,
    NumberOfSeriesRelatedInstances: null,
  })
  const byDimse = {
    series: study!.number('NumberOfStudyRelatedSeries'),
    instances: study!.number('NumberOfStudyRelatedInstances'),
    each: Object.fromEntries(
      ofSeries.map((one) => [one.text('SeriesInstanceUID'), one.number('NumberOfSeriesRelatedInstances')]),
    ),
  }
  const read = async (path: string) => (await (await fetch(`${served.url}${path}`)).json()) as Json[]
  const [json] = await read(`/studies?StudyInstanceUID=${studyUid}`)
  const seriesJson = await read(`/studies/${studyUid}/series`)
  const byWeb = {
    series: json!['00201206']!.Value![0],
    instances: json!['00201208']!.Value![0],
    each: Object.fromEntries(
      seriesJson.map((one) => [one['0020000E']!.Value![0], one['00201209']!.Value![0]]),
    ),
  }
  expect(byWeb, studyUid).toEqual(byDimse)
  return byDimse
}

/** What a study holds of these samples. */
function expectedCounts(some: readonly Sample[]) {
  const each = new Map<string, number>()
  for (const { identity } of some)
    each.set(identity.seriesInstanceUid, (each.get(identity.seriesInstanceUid) ?? 0) + 1)
  return { series: each.size, instances: some.length, each: Object.fromEntries(each) }
}

const studiesOf = (held: readonly Sample[]) => Map.groupBy(held, studyOf)

test('[AR-01] the list names every file of the corpus, and all but those that say no study can be stored', () => {
  const names = readdirSync(DICOM, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(DICOM.length + 1))
  expect(names.sort()).toEqual(
    table('MANIFEST.tsv')
      .map(({ file }) => file!)
      .sort(),
  )
  expect(listed).toHaveLength(387)
  expect(unfiled.sort()).toEqual([
    'charset/chrSQEncoding.dcm',
    'charset/chrSQEncoding1.dcm',
    'transfer-syntax/HTJ2KLossless_08_RGB.dcm',
    'transfer-syntax/HTJ2K_08_RGB.dcm',
    'transfer-syntax/SC_rgb_jls_lossy_line.dcm',
  ])
  expect(samples).toHaveLength(385)
  for (const { file, study_uid: studyUid } of listed) {
    const sample = samples.find((one) => one.file === file)
    if (sample) expect([file, studyOf(sample)]).toEqual([file, studyUid || GIVEN_STUDY])
  }
})

/** DCMTK writes a data set anew as it sends it: what may not differ are the pixels. Ours and the web send bytes. */
const ways = [
  {
    way: 'dcmsend',
    bringIn: bySending,
    isSentAsIs: ({ scan }: Sample) => AFTER_DCMTK.includes(scan.transferSyntaxUid),
  },
  { way: 'STOW', bringIn: byStow, isSentAsIs: () => true },
]

describe.each(ways)('by $way', ({ way, bringIn, isSentAsIs }) => {
  const homes: Home[] = []

  beforeAll(async () => {
    for (const held of byHome(samples)) homes.push(await openHome(held))
    for (const home of homes) await bringIn(home)
  }, 300_000)

  afterAll(async () => {
    for (const home of homes) await closeHome(home)
  })

  test(`[AR-02] every object that came by ${way} comes back by C-GET with the very same frames`, async () => {
    for (const home of homes) {
      const came = new Map<string, Back>()
      for (const studyUid of studiesOf(home.held).keys())
        for (const [uid, back] of await byGet(home, studyUid)) came.set(uid, back)
      expect(came.size).toBe(home.held.length)
      expect(altered(home, came, isSentAsIs)).toEqual([])
    }
  }, 300_000)

  test(`[DW-02] every object that came by ${way} comes back by WADO-RS with the very same frames`, async () => {
    for (const home of homes) {
      const came = new Map<string, Back>()
      for (const studyUid of studiesOf(home.held).keys())
        for (const [uid, back] of await byWado(home, studyUid)) came.set(uid, back)
      expect(came.size).toBe(home.held.length)
      expect(altered(home, came, isSentAsIs)).toEqual([])
    }
  }, 300_000)

  test(`[AR-02] by C-FIND and by QIDO every study that came by ${way} holds what the list says`, async () => {
    const found = new Map<string, number>()
    for (const home of homes)
      for (const [studyUid, held] of studiesOf(home.held)) {
        expect(await counts(home, studyUid), studyUid).toEqual(expectedCounts(held))
        found.set(studyUid, (found.get(studyUid) ?? 0) + held.length)
      }
    const inList = new Map<string, number>()
    for (const { file, study_uid: studyUid } of listed)
      if (samples.some((sample) => sample.file === file))
        inList.set(studyUid || GIVEN_STUDY, (inList.get(studyUid || GIVEN_STUDY) ?? 0) + 1)
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(inList))
  }, 300_000)

  test(`[DW-01] every name that came by ${way} comes back right from C-FIND and from QIDO`, async () => {
    const rows = table('charset_expected.tsv').filter((row) => row.StudyInstanceUID)
    expect(rows).toHaveLength(16)
    for (const { file, PatientName = '', PatientID, StudyInstanceUID } of rows) {
      const home = homes.find(({ held }) => held.some((one) => one.file === file))!
      const keys = { PatientName: null, PatientID: null, StudyInstanceUID: StudyInstanceUID! }
      const [found] = await find(
        peer(home),
        'study',
        Dataset.of({ ...keys, QueryRetrieveLevel: 'STUDY', SpecificCharacterSet: 'ISO_IR 192' }),
      )
      expect([file, found!.personName('PatientName')]).toEqual([file, parsePersonName(PatientName)])
      expect(found!.text('PatientID')).toBe(PatientID)
      const response = await fetch(`${home.served.url}/studies?StudyInstanceUID=${StudyInstanceUID}`)
      const [json] = (await response.json()) as Json[]
      const { Alphabetic, Ideographic, Phonetic } = json!['00100010']!.Value![0] as Record<string, string>
      const groups = [Alphabetic, Ideographic, Phonetic].map((group) => group ?? '').join('=')
      expect([file, parsePersonName(groups)]).toEqual([file, parsePersonName(PatientName)])
      expect(json!['00100020']!.Value).toEqual([PatientID])
    }
  })

  test(`[AR-01] what says no study is refused by ${way}, and its bytes are kept aside`, async () => {
    const home = homes[0]!
    const { sql } = home.archive.department
    for (const file of unfiled) {
      const bytes = readFileSync(join(DICOM, file))
      const scan = scanHeader(bytes)
      const said = scan.meta.text('MediaStorageSOPInstanceUID') ?? '1.2.3'
      const identity = {
        sopClassUid: scan.meta.text('MediaStorageSOPClassUID') ?? '1.2',
        sopInstanceUid: said,
      }
      const sample = { file, path: '', bytes, scan, identity: identity as Identity }
      if (way === 'STOW') expect([file, (await stow(home, [sample])).status]).toEqual([file, 409])
      else {
        const [result] = await store(peer(home), [byScu(sample)])
        expect([file, result?.status]).toEqual([file, 0xa900])
      }
    }
    expect(await sql`select 1 from quarantine`).toHaveLength(unfiled.length)
  })
})

test('[AR-06] all of them into one home: of each UID the first stays, and every other content is somebody’s to decide', async () => {
  const home = await openHome(samples)
  const { status, stored, failed } = await stow(home, samples)
  expect([status, stored.length, failed]).toEqual([200, samples.length, []])
  const { sql } = home.archive.department
  const byUid = [...Map.groupBy(samples, uidOf)]
  const shared = byUid.filter(([, all]) => all.length > 1)
  expect(shared).toHaveLength(8)
  const filed = await sql<{ uid: string }[]>`select sop_instance_uid as uid from instances`
  expect(filed.map(({ uid }) => uid).sort()).toEqual(byUid.map(([uid]) => uid).sort())

  const others = (all: readonly Sample[]) =>
    new Set(all.map((one) => datasetOf(one).toString('latin1'))).size - 1
  const aside = await sql<{ uid: string; n: number }[]>`
    select sop_instance_uid as uid, count(*)::int as n from quarantine
    where reason = 'duplicate-instance' group by 1`
  const expected = shared.map(([uid, all]) => ({ uid, n: others(all) })).filter(({ n }) => n > 0)
  const inOrder = (some: readonly { uid: string; n: number }[]) =>
    [...some].map(({ uid, n }) => `${uid} ${n}`).sort()
  expect(inOrder(aside)).toEqual(inOrder(expected))
  const asked = await sql<{ key: string }[]>`
    select e.key from exceptions e join work_items w on w.subject_id = e.id and w.kind = 'mend' and w.state = 'open'
    where e.reason_code = 'duplicate-instance' and e.state = 'open'`
  expect(asked.map(({ key }) => key).sort()).toEqual(expected.map(({ uid }) => `instance:${uid}`).sort())

  const came = new Map<string, Back>()
  const firsts = byUid.map(([, [first]]) => first!)
  for (const studyUid of studiesOf(firsts).keys()) {
    for (const [uid, back] of await byWado(home, studyUid)) came.set(uid, back)
    expect(await counts(home, studyUid)).toEqual(
      expectedCounts(firsts.filter((one) => studyOf(one) === studyUid)),
    )
  }
  expect(altered({ ...home, held: firsts }, came, () => true)).toEqual([])
  // Once more, and nothing changes: each is known.
  expect((await stow(home, samples)).status).toBe(200)
  expect(await sql`select 1 from instances`).toHaveLength(byUid.length)
  expect((await sql`select 1 from quarantine`).length).toBe(aside.reduce((sum, { n }) => sum + n, 0))
  const blobs = readdirSync(join(home.archive.root, 'objects'), { recursive: true, encoding: 'utf8' })
  expect(blobs.filter((name) => name.endsWith('.dcm'))).toHaveLength(
    byUid.length + aside.reduce((sum, { n }) => sum + n, 0),
  )
  await closeHome(home)
}, 300_000)
