import { execFile } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { emptyDatabase } from '#bin/testing/database.ts'
import { receivedProtocols } from '#db/queries/viewer-settings.ts'
import { KEY_OBJECT_SELECTION } from '#domain/rejection-note.ts'
import { Dataset } from '../dimse/dataset.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { protocolFile } from '../dimse/hanging-protocol.fixture.ts'
import { scanHeader } from '../dimse/header-scan.ts'
import { encodeFileMeta } from '../dimse/part10.ts'
import { EXPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { newUid } from '../dimse/uid.ts'
import { noteDataset } from '../ingest/rejection-note.ts'
import type { Access } from './access.ts'
import {
  anActor,
  program,
  type Served,
  type Stored,
  serve,
  type TestArchive,
  testArchive,
} from './archive.fixture.ts'
import { multipartRelated } from './multipart.ts'

let archive: TestArchive
let served: Served
let access: Access = program
let ct: Stored[]
let us: Stored
let rle: Stored
let prior: Stored
let charset: Stored
let lastAudit = 0

beforeAll(async () => {
  archive = await testArchive(await emptyDatabase(), { largestBytes: 2_000_000 })
  ct = await archive.store('ct-head/01.dcm', 'ct-head/02.dcm', 'ct-head/03.dcm')
  ;[us, rle, prior, charset] = (await archive.store(
    'us-cine/01.dcm',
    'transfer-syntax/sc-rgb-rle-2frame.dcm',
    'tests/priors/77654033-cr1-6154.dcm',
    'charset/chrH31.dcm',
  )) as [Stored, Stored, Stored, Stored]
  served = await serve(archive, () => access)
})

afterAll(async () => {
  served.close()
  await archive.close()
})

beforeEach(async () => {
  access = program
  const [row] = await archive.department.sql<
    { id: number }[]
  >`select coalesce(max(id), 0) as id from audit_events`
  lastAudit = row!.id
})

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${served.url}${path}`, { headers, method })

/** What stands behind the File Meta, ours or another's. */
const datasetOf = (part10: Buffer) => part10.subarray(scanHeader(part10).datasetOffset)

async function audited(outcome: 'denied' | 'success') {
  return archive.department.sql<{ actor: string; subject: string; type: string; data: object }[]>`
    select actor_id as actor, chain as subject, type, data from audit_events
    where outcome = ${outcome} and id > ${lastAudit} order by id`
}

const denials = () => audited('denied')

type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string }>

async function found(path: string): Promise<Json[]> {
  const response = await get(path, { accept: 'application/dicom+json' })
  expect([path, [200, 204].includes(response.status)]).toEqual([path, true])
  const text = await response.text()
  const results = text === '' ? [] : (JSON.parse(text) as Json[])
  // PS3.18 table 10.6.3-1: nothing found is 204, and 204 only that.
  expect([path, response.status]).toEqual([path, results.length === 0 ? 204 : 200])
  return results
}

const at = (s: Stored) => `/studies/${s.studyUid}/series/${s.seriesUid}/instances/${s.sopInstanceUid}`
const uids = (results: Json[]) => results.map((result) => result['0020000D']!.Value![0])

async function parts(response: Response): Promise<{ head: string; body: Buffer }[]> {
  const boundary = /boundary=([^;]+)/.exec(response.headers.get('content-type')!)![1]!
  const bytes = Buffer.from(await response.arrayBuffer())
  const pieces: { head: string; body: Buffer }[] = []
  for (let from = bytes.indexOf(`--${boundary}\r\n`); from >= 0; ) {
    const start = from + boundary.length + 4
    const blank = bytes.indexOf('\r\n\r\n', start)
    const end = bytes.indexOf(`\r\n--${boundary}`, blank)
    pieces.push({ head: bytes.subarray(start, blank).toString(), body: bytes.subarray(blank + 4, end) })
    const next = bytes.indexOf(`--${boundary}\r\n`, end)
    from = next
  }
  return pieces
}

describe('searching', () => {
  test('[DW-01] a study is found by its UID, accession, patient, date, modality and part of a name', async () => {
    const [all] = await found(`/studies?StudyInstanceUID=${prior.studyUid}`)
    const value = (tag: string) => String(all![tag]!.Value![0])
    const name = (all!['00100010']!.Value![0] as { Alphabetic: string }).Alphabetic
    for (const query of [
      `0020000D=${prior.studyUid}`,
      `PatientID=${value('00100020')}`,
      `AccessionNumber=${encodeURIComponent(value('00080050'))}`,
      `StudyInstanceUID=1.2.3,${prior.studyUid}`,
      `00100020=${value('00100020').slice(0, 4)}*`,
      `StudyDate=${value('00080020')}`,
      `StudyDate=${value('00080020')}-${value('00080020')}`,
      `ModalitiesInStudy=CR`,
      `PatientName=${encodeURIComponent(`${name.slice(0, 2).toLowerCase()}*`)}`,
    ])
      expect([query, uids(await found(`/studies?${query}`)).includes(prior.studyUid)]).toEqual([query, true])
    for (const query of [
      'PatientID=nobody',
      'StudyDate=18990101-18991231',
      'ModalitiesInStudy=XA',
      'PatientName=ZZZ*',
    ])
      expect([query, await found(`/studies?${query}`)]).toEqual([query, []])
    expect(value('00201206')).toBe('1')
    expect(value('00201208')).toBe('1')
    expect(value('00081190')).toBe(`${served.url}/studies/${prior.studyUid}`)
  })

  test('[DW-01] a range of dates and one of times are one range, from its first moment to its last', async () => {
    const [study] = await found(`/studies?StudyInstanceUID=${prior.studyUid}`)
    const [date, time] = ['00080020', '00080030'].map((tag) => String(study![tag]!.Value![0])) as [
      string,
      string,
    ]
    const at = Date.UTC(
      +date.slice(0, 4),
      +date.slice(4, 6) - 1,
      +date.slice(6),
      +time.slice(0, 2),
      +time.slice(2, 4),
    )
    /** Hours from then: a date and a time. */
    const moment = (hours: number) => {
      const iso = new Date(at + hours * 3_600_000).toISOString().replace(/[-:T]/g, '')
      return [iso.slice(0, 8), iso.slice(8, 12)] as const
    }
    const asked = async (from: number, to: number) => {
      const [[day, since], [lastDay, until]] = [moment(from), moment(to)]
      return uids(await found(`/studies?StudyDate=${day}-${lastDay}&StudyTime=${since}-${until}`))
    }
    // A night and more: on no day of it does its time lie between both.
    expect(await asked(-25, 22)).toContain(prior.studyUid)
    expect(await asked(-49, -1)).not.toContain(prior.studyUid)
    expect(await asked(1, 49)).not.toContain(prior.studyUid)
  })

  test('[DW-01] pages follow one another without a gap or a repeat', async () => {
    const whole = uids(await found('/studies'))
    expect(new Set(whole).size).toBe(5)
    const paged: unknown[] = []
    for (let offset = 0; offset < whole.length; offset += 2)
      paged.push(...uids(await found(`/studies?limit=2&offset=${offset}`)))
    expect(paged).toEqual(whole)
    const instances = (await found('/instances')).map((i) => i['00080018']!.Value![0])
    const pagedInstances: unknown[] = []
    for (let offset = 0; offset < instances.length; offset += 2)
      pagedInstances.push(
        ...(await found(`/instances?limit=2&offset=${offset}`)).map((i) => i['00080018']!.Value![0]),
      )
    expect(pagedInstances).toEqual(instances)
    const first = await get('/studies?limit=2&ModalitiesInStudy=CT', { accept: 'application/dicom+json' })
    expect(first.headers.get('link')).toBeNull()
    const { headers } = await get('/studies?limit=2', { accept: 'application/dicom+json' })
    expect(headers.get('link')).toBe(`<${served.url}/studies?limit=2&offset=2>; rel="next"`)
    // A page nobody came to by the pages before it, and one beyond the last.
    expect(uids(await found('/studies?limit=9&offset=3'))).toEqual(whole.slice(3))
    expect(await found('/studies?offset=500')).toEqual([])
    expect(await found('/studies?limit=0')).toEqual([])
  })

  test('[DW-01] series and instances are found below their study and over all studies', async () => {
    const [series] = await found(`/studies/${ct[0]!.studyUid}/series?includefield=0008103E%2C00080021`)
    expect(series!['0020000E']!.Value).toEqual([ct[0]!.seriesUid])
    expect(series!['00201209']!.Value).toEqual([3])
    const instances = await found(`/studies/${ct[0]!.studyUid}/instances`)
    expect(instances.map((i) => i['00080018']!.Value![0])).toEqual(ct.map((s) => s.sopInstanceUid))
    expect(instances[0]!['00280010']!.Value).toEqual([512])
    const cine = await found(`/instances?SOPInstanceUID=${us.sopInstanceUid}`)
    expect(cine.map((i) => [i['0020000D']!.Value![0], i['00280008']!.Value![0]])).toEqual([[us.studyUid, 30]])
    expect(await found('/series?Modality=US')).toHaveLength(1)
  })

  test('[DW-01] what is asked for besides is answered at each level, and all of it for all', async () => {
    const study = `/studies/${ct[0]!.studyUid}`
    const fields = async (path: string) => (await found(path))[0]!
    expect((await fields(`${study}/instances`))['00200032']).toBeUndefined()
    const some = await fields(
      `${study}/instances?includefield=ImagePositionPatient,00080008&includefield=00280030`,
    )
    for (const tag of ['00200032', '00080008', '00280030'])
      expect([tag, some[tag]!.Value!.length > 1]).toEqual([tag, true])
    const all = await fields(`${study}/instances?includefield=all`)
    expect(Object.keys(all).length).toBeGreaterThan(60)
    expect(Object.values(all).some((element) => 'BulkDataURI' in element)).toBe(false)
    const series = await fields(`${study}/series?includefield=Manufacturer`)
    expect([series['00080070']!.Value, series['00180050']]).toEqual([['GE MEDICAL SYSTEMS'], undefined])
    expect((await fields(`${study}/series?includefield=all`))['00080070']!.Value).toEqual([
      'GE MEDICAL SYSTEMS',
    ])
    const uid = `StudyInstanceUID=${ct[0]!.studyUid}`
    expect((await fields(`/studies?${uid}`))['00080070']).toBeUndefined()
    expect((await fields(`/studies?${uid}&includefield=00080070`))['00080070']).toBeDefined()
  })

  test('[DW-01] a name in Japanese writing comes back whole, as UTF-8', async () => {
    const [study] = await found(`/studies?StudyInstanceUID=${charset.studyUid}`)
    expect(study!['00100010']!.Value).toEqual([
      { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
    ])
    expect(study!['00080005']!.Value).toEqual(['ISO_IR 192'])
    expect(uids(await found('/studies?PatientName=yamada'))).toEqual([charset.studyUid])
    expect(uids(await found('/studies?PatientName=taro&fuzzymatching=true'))).toEqual([charset.studyUid])
    expect(uids(await found('/studies?PatientName=taro'))).toEqual([])
  })

  test('[DW-01] what cannot be matched on is said in a warning, and nonsense is refused', async () => {
    const warned = await get('/studies?StudyComments=x', { accept: 'application/dicom+json' })
    expect([warned.status, warned.headers.get('warning')]).toEqual([200, expect.stringContaining('00324000')])
    for (const nonsense of [
      'NoSuchKeyword=x',
      'limit=many',
      'offset=-1',
      'fuzzymatching=perhaps',
      'includefield=NoSuchKeyword',
      'StudyDate=yesterday',
      'StudyDate=20240101-tomorrow',
      'StudyTime=noon',
      'StudyInstanceUID=../../etc',
    ])
      expect([nonsense, (await get(`/studies?${nonsense}`)).status]).toEqual([nonsense, 400])
    expect((await get('/studies', { accept: 'text/html' })).status).toBe(406)
    expect((await get("/studies?PatientID=x'%20or%20'1'='1")).status).toBe(204)
    expect(await found("/studies?PatientID=x'%20or%20'1'='1")).toEqual([])
  })
})

describe('retrieving', () => {
  test('[DW-02] an instance comes back bit for bit, alone or as a part', async () => {
    const alone = await get(at(us), { accept: 'application/dicom; transfer-syntax=*' })
    expect(alone.headers.get('content-type')).toContain('transfer-syntax=1.2.840.10008.1.2.4.50')
    expect(datasetOf(Buffer.from(await alone.arrayBuffer())).equals(us.dataset)).toBe(true)
    const wrapped = await get(at(us), { accept: 'multipart/related; type="application/dicom"' })
    const [part] = await parts(wrapped)
    expect(part!.head).toMatch(/^Content-Type: application\/dicom/)
    expect(datasetOf(part!.body).equals(us.dataset)).toBe(true)
  })

  test('[DW-02] a series and a study are all their instances, each a part', async () => {
    for (const path of [
      `/studies/${ct[0]!.studyUid}`,
      `/studies/${ct[0]!.studyUid}/series/${ct[0]!.seriesUid}`,
    ]) {
      const response = await get(path, {
        accept: 'multipart/related; type="application/dicom"; transfer-syntax=*',
      })
      const bodies = await parts(response)
      expect(bodies.map((part, n) => datasetOf(part.body).equals(ct[n]!.dataset))).toEqual([true, true, true])
    }
  })

  test('[DW-02] frames come in the syntax they are stored in, one or several', async () => {
    const headers = { accept: 'multipart/related; type=application/octet-stream; transfer-syntax=*' }
    const native = await parts(await get(`${at(ct[1]!)}/frames/1`, headers))
    expect(native[0]!.head).toContain(
      'Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1',
    )
    expect(native[0]!.body.equals(ct[1]!.dataset.subarray(-512 * 512 * 2))).toBe(true)

    const jpegs = await parts(await get(`${at(us)}/frames/1,30,2`, headers))
    expect(jpegs.map((part) => part.head.split('\r\n')[0])).toEqual(
      Array(3).fill('Content-Type: image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50'),
    )
    for (const jpeg of jpegs) {
      expect(jpeg.body.subarray(0, 2).toString('hex')).toBe('ffd8')
      expect(us.dataset.includes(jpeg.body)).toBe(true)
    }
    const single = await get(`${at(us)}/frames/2`, { accept: 'image/jpeg' })
    expect(Buffer.from(await single.arrayBuffer()).equals(jpegs[2]!.body)).toBe(true)
    const rles = await parts(await get(`${at(rle)}/frames/1,2`, headers))
    expect(rles.map((part) => part.head)).toEqual(Array(2).fill(expect.stringContaining('image/dicom-rle')))
    expect((await get(`${at(us)}/frames/31`, headers)).status).toBe(404)
    expect((await get(`${at(us)}/frames/0`, headers)).status).toBe(400)
  })

  test('[DW-02] compressed frames and objects are decoded for who cannot read them, as DCMTK decodes them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isocenter-native-'))
    const file = fileURLToPath(new URL('../../corpus/us-cine/01.dcm', import.meta.url))
    await promisify(execFile)('dcmdjpeg', [file, join(folder, 'native.dcm')])
    const theirs = await readFile(join(folder, 'native.dcm'))
    const { frames } = scanHeader(theirs).pixelData!
    const theirFrame = (n: number) =>
      Buffer.concat(frames[n - 1]!.map(({ offset, length }) => theirs.subarray(offset, offset + length)))

    const octets = { accept: 'multipart/related; type="application/octet-stream"' }
    const decoded = await parts(await get(`${at(us)}/frames/1,30`, octets))
    expect(decoded.map((part) => part.head.split('\r\n')[0])).toEqual(
      Array(2).fill('Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1'),
    )
    expect(decoded.map((part, n) => part.body.equals(theirFrame([1, 30][n]!)))).toEqual([true, true])

    const explicit = { accept: 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1' }
    const object = Buffer.from(await (await get(at(us), explicit)).arrayBuffer())
    const ours = scanHeader(object)
    expect(ours.transferSyntaxUid).toBe('1.2.840.10008.1.2.1')
    expect(ours.dataset.text('PhotometricInterpretation')).toBe('RGB')
    const [at0] = ours.pixelData!.frames[29]!
    expect(object.subarray(at0!.offset, at0!.offset + at0!.length).equals(theirFrame(30))).toBe(true)
    const range = await get(at(us), { ...explicit, range: `bytes=${at0!.offset}-${at0!.offset + 9}` })
    expect(Buffer.from(await range.arrayBuffer()).equals(theirFrame(30).subarray(0, 10))).toBe(true)
  })

  test('[DW-02] what cannot be had in the form asked for is a 406', async () => {
    const jp2 = { accept: 'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90' }
    expect((await get(`${at(us)}/frames/1`, jp2)).status).toBe(406)
    const jls = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80'
    expect((await get(at(us), { accept: jls })).status).toBe(406)
    expect((await get(`${at(us)}/frames/1,2`, { accept: 'image/jpeg' })).status).toBe(406)
    expect((await get(`/studies/${ct[0]!.studyUid}`, { accept: 'application/dicom' })).status).toBe(406)
    expect((await get(`${at(us)}/metadata`, { accept: 'text/html' })).status).toBe(406)
    expect((await get(`${at(ct[0]!)}/rendered`, { accept: 'image/gif' })).status).toBe(406)
  })

  test('[DW-02] metadata names every instance of a series in order, with its tags in order', async () => {
    const path = `/studies/${ct[0]!.studyUid}/series/${ct[0]!.seriesUid}/metadata`
    const metadata = await found(path)
    expect(metadata.map((m) => m['00080018']!.Value![0])).toEqual(ct.map((s) => s.sopInstanceUid))
    expect(metadata[0]!['00083002']!.Value).toEqual(['1.2.840.10008.1.2.1'])
    expect(metadata[0]!['00020010']).toBeUndefined()
    const pixels = metadata[0]!['7FE00010']!.BulkDataURI!
    const bytes = await fetch(pixels, { headers: { accept: 'application/octet-stream' } })
    expect(Buffer.from(await bytes.arrayBuffer()).equals(ct[0]!.dataset.subarray(-512 * 512 * 2))).toBe(true)
    expect(await found(`/studies/${ct[0]!.studyUid}/metadata`)).toEqual(metadata)
    expect(await found(`${at(ct[1]!)}/metadata`)).toEqual([metadata[1]])
  })

  test('[DW-02] an unchanged answer is not sent again, and HEAD says how long it is', async () => {
    const path = `/studies/${ct[0]!.studyUid}/series/${ct[0]!.seriesUid}/metadata`
    const first = await get(path)
    expect((await get(path, { 'if-none-match': first.headers.get('etag')! })).status).toBe(304)
    const head = await get(at(us), { accept: 'application/dicom' }, 'HEAD')
    const whole = await (await get(at(us), { accept: 'application/dicom' })).arrayBuffer()
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(whole.byteLength)])
    const range = await get(at(us), { accept: 'application/dicom', range: 'bytes=128-131' })
    expect([range.status, await range.text()]).toEqual([206, 'DICM'])
    const etag = range.headers.get('etag')!
    const resumed = { accept: 'application/dicom', range: 'bytes=128-131' }
    expect((await get(at(us), { ...resumed, 'if-range': etag })).status).toBe(206)
    expect((await get(at(us), { ...resumed, 'if-range': '"other"' })).status).toBe(200)
    const beyond = await get(at(us), { accept: 'application/dicom', range: 'bytes=999999999-' })
    expect(beyond.status).toBe(416)
    const inParts = await get(at(us), { accept: 'multipart/related; type="application/dicom"' })
    expect(inParts.headers.get('etag')).not.toBe(etag)
    // The same frames make the same body, boundaries included: part of it can be asked for later.
    const frames = { accept: 'multipart/related; type=image/jpeg' }
    const body = Buffer.from(await (await get(`${at(us)}/frames/1,2`, frames)).arrayBuffer())
    const middle = await get(`${at(us)}/frames/1,2`, { ...frames, range: 'bytes=10-99' })
    expect(Buffer.from(await middle.arrayBuffer()).equals(body.subarray(10, 100))).toBe(true)
  })

  test('[DW-02] pictures are rendered with the window of the image or the one asked for', async () => {
    const png = await get(`${at(ct[1]!)}/rendered`, { accept: 'image/png' })
    expect([png.status, png.headers.get('content-type')]).toEqual([200, 'image/png'])
    const jpeg = await get(`${at(ct[1]!)}/rendered?window=40,80,linear&viewport=128,128`, {
      accept: 'image/jpeg',
    })
    const bytes = Buffer.from(await jpeg.arrayBuffer())
    expect(bytes.subarray(0, 3).toString('hex')).toBe('ffd8ff')
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]))
    expect([bytes.readUInt16BE(frame + 5), bytes.readUInt16BE(frame + 7)]).toEqual([128, 128])
    expect((await get(`/studies/${rle.studyUid}/thumbnail`, { accept: 'image/*' })).status).toBe(200)
    expect((await get(`${at(us)}/frames/3/rendered`, { accept: 'image/jpeg' })).status).toBe(200)
    const many = Array(101).fill(1).join(',')
    expect((await get(`${at(us)}/frames/${many}/rendered`)).status).toBe(413)
  })
})

describe('who may see what', () => {
  const launch = (studies: string[]): Access => ({
    kind: 'launch',
    launchId: '01K9',
    actor: anActor('radiologist'),
    studies,
  })

  test('[DW-06] under a launch only its studies exist, on every verb, and a try is in the audit trail', async () => {
    access = launch([prior.studyUid])
    expect((await found('/studies')).length).toBe(1)
    const paths = [
      `/studies/${us.studyUid}`,
      `/studies/${us.studyUid}/metadata`,
      `/studies/${us.studyUid}/thumbnail`,
      `/studies/${us.studyUid}/series/${us.seriesUid}`,
      `/studies/${us.studyUid}/series/${us.seriesUid}/metadata`,
      at(us),
      `${at(us)}/metadata`,
      `${at(us)}/frames/1`,
      `${at(us)}/rendered`,
      `${at(us)}/bulkdata/7FE00010`,
    ]
    for (const path of paths) expect([path, (await get(path)).status]).toEqual([path, 404])
    expect(await denials()).toHaveLength(paths.length)
    expect((await denials())[0]).toEqual({
      actor: 'radiologist',
      subject: `study:${us.studyUid}`,
      type: 'images.denied',
      data: { launchId: '01K9', method: 'GET', route: 'studies/{}' },
    })
    expect(await found(`/studies?StudyInstanceUID=${us.studyUid}`)).toEqual([])
    expect((await get(`/studies/${us.studyUid}/series`)).status).toBe(404)
    expect((await get(`/studies/${us.studyUid}/series/${us.seriesUid}/instances`)).status).toBe(404)
    expect(await denials()).toHaveLength(paths.length + 3)
    expect((await get('/studies/1.2.3.4')).status).toBe(404)
    expect((await get('/studies/1.2.3.4/series')).status).toBe(404)
    expect(await denials()).toHaveLength(paths.length + 3)
  })

  test('[DW-06] the priors of a launch are its own, whatever patient is asked for', async () => {
    access = launch([ct[0]!.studyUid, prior.studyUid])
    const priors = uids(await found('/studies?00100020=SOMEBODY-ELSE&limit=101&offset=0&fuzzymatching=false'))
    expect(new Set(priors)).toEqual(new Set([ct[0]!.studyUid, prior.studyUid]))
  })

  test('[DW-06] a program of another site sees nothing of this one', async () => {
    access = { ...program, sites: ['WEST'] } as Access
    expect(await found('/studies')).toEqual([])
    expect((await get(at(us))).status).toBe(404)
    expect((await get(`/studies/${us.studyUid}/series`)).status).toBe(404)
    expect(await found(`/studies?StudyInstanceUID=${us.studyUid}`)).toEqual([])
    expect(await denials()).toHaveLength(3)
  })

  test('[DW-06] the viewer gets bulk data addresses that stay under its launch', async () => {
    access = launch([ct[0]!.studyUid])
    const [metadata] = await found(`/studies/${ct[0]!.studyUid}/series/${ct[0]!.seriesUid}/metadata`)
    expect(metadata!['7FE00010']!.BulkDataURI).toBe(`instances/${ct[0]!.sopInstanceUid}/bulkdata/7FE00010`)
  })

  test('[AR-07] a rejected instance is gone from every answer and comes back when the rejection is revoked', async () => {
    const { sql } = archive.department
    const [rejected] = ct
    const series = `/studies/${rejected!.studyUid}/series/${rejected!.seriesUid}`
    expect(await found(`${series}/metadata`)).toHaveLength(3)
    const set = async (code: string | null) => {
      await sql`update instances set rejected_code = ${code} where sop_instance_uid = ${rejected!.sopInstanceUid}`
      await sql`update series set rev = rev + 1, instance_count = (select count(*) from instances i
        where i.series_id = series.id and rejected_code is null) where series_uid = ${rejected!.seriesUid}`
    }
    await set('113001')
    expect((await get(at(rejected!))).status).toBe(404)
    expect((await get(`${at(rejected!)}/frames/1`)).status).toBe(404)
    expect(await found(`${series}/metadata`)).toHaveLength(2)
    expect(await found(`${series}/instances`)).toHaveLength(2)
    await set(null)
    expect(await found(`${series}/metadata`)).toHaveLength(3)
    expect((await get(at(rejected!), { accept: 'application/dicom' })).status).toBe(200)
  })

  test('[DW-06] what a program was given of a study stands in the audit trail once', async () => {
    access = { ...program, actor: anActor('research') } as Access
    for (const path of [at(prior), `${at(prior)}/metadata`, at(us)])
      expect((await get(path)).status).toBe(200)
    expect(await audited('success')).toEqual(
      [prior, us].map(({ studyUid }) => ({
        actor: 'research',
        subject: `study:${studyUid}`,
        type: 'images.given',
        data: { launchId: null, method: 'GET', route: 'studies/{}/series/{}/instances/{}' },
      })),
    )
  })
})

describe('storing', () => {
  const corpus = (file: string) => readFile(new URL(`../../corpus/${file}`, import.meta.url))

  async function post(path: string, objects: Buffer[]): Promise<{ status: number; body: Json }> {
    const { contentType, body } = multipartRelated(
      'application/dicom',
      objects.map((bytes) => ({ contentType: 'application/dicom', body: [bytes] })),
    )
    const response = await fetch(`${served.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: Buffer.concat(body as Uint8Array[]),
    })
    return { status: response.status, body: (await response.json()) as Json }
  }

  const references = (body: Json, tag: string) =>
    ((body[tag]?.Value ?? []) as Json[]).map((item) => item['00081155']?.Value?.[0])

  test('[DW-03] objects stored over the web are found at once, each answered for by itself', async () => {
    const objects = [await corpus('mr-head/01.dcm'), await corpus('mr-head/02.dcm')]
    const uid = (bytes: Buffer) => scanHeader(bytes).dataset.text('SOPInstanceUID')
    const { status, body } = await post('/studies', objects)
    expect([status, references(body, '00081199')]).toEqual([200, objects.map(uid)])
    const studyUid = scanHeader(objects[0]!).dataset.text('StudyInstanceUID')!
    expect(body['00081190']!.Value).toEqual([`${served.url}/studies/${studyUid}`])
    const instances = await found(`/studies/${studyUid}/instances`)
    expect(instances.map((i) => i['00080018']!.Value![0])).toEqual(objects.map(uid))
    const back = await parts(
      await get(`/studies/${studyUid}`, { accept: 'multipart/related; type="application/dicom"' }),
    )
    expect(back.map((part, n) => datasetOf(part.body).equals(datasetOf(objects[n]!)))).toEqual([true, true])
    expect((await post('/studies', objects)).status).toBe(200)
    expect(await found(`/studies/${studyUid}/instances`)).toHaveLength(2)
  })

  test('[DW-03] what is broken or of another study is refused beside what is stored', async () => {
    const whole = await corpus('mr-head/03.dcm')
    const cut = (await corpus('mr-head/04.dcm')).subarray(0, -1000)
    const mixed = await post('/studies', [whole, cut, Buffer.from('no object at all')])
    expect([mixed.status, references(mixed.body, '00081199').length]).toEqual([202, 1])
    expect(references(mixed.body, '00081198')).toEqual([
      scanHeader(await corpus('mr-head/04.dcm')).dataset.text('SOPInstanceUID'),
      undefined,
    ])
    const other = await post(`/studies/${us.studyUid}`, [await corpus('mr-head/05.dcm')])
    expect([other.status, (other.body['00081198']!.Value as Json[])[0]!['00081197']!.Value]).toEqual([
      409,
      [0xa900],
    ])
    const kept = await archive.department.sql`select reason from quarantine order by reason`
    expect(kept.map((row) => row.reason)).toEqual(['dataset-truncated', 'not-part-10'])
  })

  test('[AR-06] other content under a known UID is kept aside, and refused where the policy says so', async () => {
    const first = await corpus('mr-head/06.dcm')
    const other = Buffer.from(first)
    other[other.length - 10]! ^= 0xff
    expect((await post('/studies', [first])).status).toBe(200)
    expect((await post('/studies', [other])).status).toBe(200)
    const { sql } = archive.department
    await sql`insert into policies (version, body, approved_by, approved_at)
      values (2, ${sql.json({ duplicateInstance: 'refuse' })}, 'test', now())`
    // A changed policy holds within two seconds.
    let refused = await post('/studies', [other])
    for (let n = 0; refused.status === 200 && n < 100; n++) refused = await post('/studies', [other])
    const [failed] = refused.body['00081198']!.Value as Json[]
    expect([refused.status, failed!['00081197']!.Value]).toEqual([409, [0x0111]])
    const uid = scanHeader(first).dataset.text('SOPInstanceUID')!
    const back = await get(`/studies/${scanHeader(first).dataset.text('StudyInstanceUID')}`, {
      accept: 'multipart/related; type="application/dicom"',
    })
    const found = (await parts(back)).map(({ body }) => body)
    expect(found.some((body) => datasetOf(body).equals(datasetOf(first)))).toBe(true)
    const aside = await sql`select 1 from quarantine where sop_instance_uid = ${uid}`
    expect(aside).toHaveLength(1)
    await sql`delete from policies where version = 2`
  })

  test('[DW-03] what is longer than may be, or in another form, is refused, and the rest is stored', async () => {
    const small = await corpus('mr-head/07.dcm')
    const large = Buffer.concat([await corpus('mr-head/08.dcm'), Buffer.alloc(3_000_000)])
    const mixed = await post('/studies', [large, small])
    const [failed] = mixed.body['00081198']!.Value as Json[]
    expect([mixed.status, failed!['00081197']!.Value]).toEqual([202, [0xa700]])
    expect(references(mixed.body, '00081199')).toEqual([scanHeader(small).dataset.text('SOPInstanceUID')])
    expect((await post('/studies', [large])).status).toBe(413)
    expect((await post('/studies', [Buffer.alloc(3_000_000)])).status).toBe(413)
    const send = (type: string, accept = '*/*') =>
      fetch(`${served.url}/studies`, {
        method: 'POST',
        headers: { 'content-type': type, accept },
        body: new Uint8Array(small),
      })
    for (const type of [
      'application/dicom+json',
      'multipart/related; type="application/dicom+xml"; boundary=x',
    ])
      expect([type, (await send(type)).status]).toEqual([type, 415])
    expect((await send('application/dicom', 'text/html')).status).toBe(406)
    expect((await send('multipart/related; type="application/dicom"')).status).toBe(400)
  })

  test('[DW-03] what came before the place where a body breaks is stored and answered for', async () => {
    const whole = await corpus('mr-head/09.dcm')
    const part = '--b\r\nContent-Type: application/dicom\r\n\r\n'
    const send = (headers: Record<string, string>, ...body: (string | Buffer)[]) =>
      fetch(`${served.url}/studies`, {
        method: 'POST',
        headers: { 'content-type': 'multipart/related; type="application/dicom"; boundary=b', ...headers },
        body: Buffer.concat(body.map((one) => Buffer.from(one))),
      })
    const broken = await send({}, part, whole, `\r\n${part}`, whole.subarray(0, 2000))
    const body = (await broken.json()) as Json
    expect([broken.status, references(body, '00081199'), references(body, '00081198')]).toEqual([
      202,
      [scanHeader(whole).dataset.text('SOPInstanceUID')],
      [undefined],
    ])
    expect((await send({}, part, whole.subarray(0, 2000))).status).toBe(400)
    const zipped = await send({ 'content-encoding': 'gzip' }, part, whole, '\r\n--b--')
    expect(zipped.status).toBe(415)
  })

  test('[DW-03] a Hanging Protocol stored over the web is kept for the readers, of no study and with nowhere to retrieve it', async () => {
    const good = protocolFile({ name: 'STOWED' })
    const uid = scanHeader(good).dataset.text('SOPInstanceUID')
    const { status, body } = await post('/studies', [good, protocolFile({ hasBoxes: false })])
    expect(status).toBe(202)
    expect(body['00081199']!.Value).toEqual([
      {
        '00081150': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.38.1'] },
        '00081155': { vr: 'UI', Value: [uid] },
      },
    ])
    expect(body['00081190']).toBeUndefined()
    expect((body['00081198']!.Value as Json[])[0]!['00081197']!.Value).toEqual([0xc000])
    const [received] = await receivedProtocols(archive.department.sql)
    expect(received).toMatchObject({ sourceAe: 'STOW-RS', values: { HangingProtocolName: ['STOWED'] } })
    const [told] = await audited('success')
    expect(told).toMatchObject({ actor: access.actor.id, type: 'hanging-protocol.received' })
    expect((await post('/studies/1.2.3', [good])).status).toBe(409)
  })

  test.each([
    ['FloatPixelData', '7FE00008', 32],
    ['DoubleFloatPixelData', '7FE00009', 64],
  ] as const)(
    '[DW-02] pixels that are floats (%s) are found however few, had as frames and bulk data, and rendered',
    async (keyword, tag, bits) => {
      const values = Float64Array.from({ length: 64 }, (_, n) => Math.sqrt(n))
      const pixels = Buffer.from((bits === 64 ? values : Float32Array.from(values)).buffer)
      const uid = newUid()
      const ids = { SOPClassUID: '1.2.840.10008.5.1.4.1.1.30', SOPInstanceUID: uid, Modality: 'MR' }
      const shape = {
        SamplesPerPixel: 1,
        PhotometricInterpretation: 'MONOCHROME2',
        NumberOfFrames: 1,
        Rows: 8,
        Columns: 8,
      }
      const dataset = Dataset.of({
        ...{ ...ids, StudyInstanceUID: newUid(), SeriesInstanceUID: newUid(), PatientID: 'FLOATS' },
        ...{ ...shape, BitsAllocated: bits, [keyword]: pixels },
      })
      const transferSyntaxUid = '1.2.840.10008.1.2.1'
      const meta = encodeFileMeta({ sopClassUid: ids.SOPClassUID, sopInstanceUid: uid, transferSyntaxUid })
      const { body } = await post('/studies', [
        Buffer.concat([meta, encodeDataset(dataset, transferSyntaxUid)]),
      ])
      const [item] = body['00081199']!.Value as Json[]
      const path = new URL(String(item!['00081190']!.Value![0])).pathname.replace('/dicom-web', '')
      const frame = await get(`${path}/frames/1`, { accept: 'application/octet-stream' })
      expect(Buffer.from(await frame.arrayBuffer()).equals(pixels)).toBe(true)
      const [metadata] = (await (await get(`${path}/metadata`)).json()) as [Json]
      const address = new URL(metadata[tag]!.BulkDataURI!).pathname.replace('/dicom-web', '')
      const bulk = await get(address, { accept: 'application/octet-stream' })
      expect(Buffer.from(await bulk.arrayBuffer()).equals(pixels)).toBe(true)
      expect((await get(`${path}/rendered`, { accept: 'image/png' })).status).toBe(200)
      expect((await get(`${path}/thumbnail`)).status).toBe(200)
    },
  )

  test('[DW-06] nobody adds to a study they may not see', async () => {
    access = { ...program, sites: ['WEST'] } as Access
    const object = await corpus('us-cine/01.dcm')
    expect((await post(`/studies/${us.studyUid}`, [object])).status).toBe(404)
    expect(await denials()).toHaveLength(1)
    const { status, body } = await post('/studies', [object])
    expect([status, (body['00081198']!.Value as Json[])[0]!['00081197']!.Value]).toEqual([409, [0x0124]])
    expect((await denials()).map(({ subject }) => subject)).toEqual(Array(2).fill(`study:${us.studyUid}`))
  })

  test('[DW-06] nobody is told of a study they may not see by storing under a SOP Instance UID of it', async () => {
    access = { ...program, sites: ['WEST'] } as Access
    const object = Buffer.from(await corpus('us-cine/01.dcm'))
    const at = object.indexOf(us.studyUid)
    object.write('9', at + us.studyUid.length - 1)
    const { status, body } = await post('/studies', [object])
    expect([status, body['00081198'] !== undefined, JSON.stringify(body).includes(us.studyUid)]).toEqual([
      409,
      true,
      false,
    ])
    expect((await denials()).map(({ subject }) => subject)).toEqual([`study:${us.studyUid}`])
  })

  test('[AR-07] nobody withdraws by a note what they may not see', async () => {
    const { header } = (
      await archive.department.sql<{ header: Json }[]>`
      select attributes as header from instances where sop_instance_uid = ${us.sopInstanceUid}`
    )[0]!
    const note = noteDataset({
      id: '01K9',
      code: '113037',
      reasonCodes: [],
      at: new Date(0),
      noteUid: '2.25.990001',
      noteSeriesUid: '2.25.990002',
      // A study of nobody's, that names an image of one that is hidden from the sender.
      studyUid: '2.25.990003',
      attributes: header as never,
      instances: [{ ...us, sopClassUid: String(header['00080016']!.Value![0]), hasPixels: true }],
    })
    const meta = { sopClassUid: KEY_OBJECT_SELECTION, sopInstanceUid: '2.25.990001' }
    const object = Buffer.concat([
      encodeFileMeta({ ...meta, transferSyntaxUid: EXPLICIT_LITTLE }),
      encodeDataset(note, EXPLICIT_LITTLE),
    ])
    access = { ...program, sites: ['WEST'] } as Access
    const { status, body } = await post('/studies', [object])
    expect([status, (body['00081198']!.Value as Json[])[0]!['00081197']!.Value]).toEqual([409, [0x0124]])
    expect((await denials()).map(({ subject }) => subject)).toEqual([`study:${us.studyUid}`])
    access = program
    expect((await get(`/studies/${us.studyUid}/metadata`)).status).toBe(200)
  })

  test('[DW-06] who may not store is refused, a viewer under its launch too', async () => {
    const object = await corpus('mr-head/06.dcm')
    access = { ...program, mayStore: false } as Access
    expect((await post('/studies', [object])).status).toBe(403)
    expect(await denials()).toMatchObject([
      {
        subject: `user:${access.actor.id}`,
        type: 'images.denied',
        data: { method: 'POST', route: 'studies' },
      },
    ])
    access = { kind: 'launch', launchId: '01K9', actor: anActor('radiologist'), studies: [us.studyUid] }
    expect((await post('/studies', [object])).status).toBe(403)
  })
})

describe('removing', () => {
  const lead = { ...program, actor: { ...anActor('lead'), roles: ['lead'] } } as Access
  const grounds = '?code=113038&reason=wrong%20room'

  test('[AR-07] whoever may reject removes an instance, which is hidden and not destroyed', async () => {
    const [first] = ct
    expect((await get(`${at(first!)}${grounds}`, {}, 'DELETE')).status).toBe(403)
    expect(await denials()).toMatchObject([
      { subject: `study:${first!.studyUid}`, data: { method: 'DELETE' } },
    ])
    access = lead
    expect((await get(at(first!), {}, 'DELETE')).status).toBe(400)
    expect((await get(`${at(first!)}?code=113038`, {}, 'DELETE')).status).toBe(400)
    expect((await get(`/studies/1.2.3${grounds}`, {}, 'DELETE')).status).toBe(404)
    expect((await get(`${at(first!)}/metadata${grounds}`, {}, 'DELETE')).status).toBe(405)
    expect((await get(`${at(first!)}${grounds}`, {}, 'DELETE')).status).toBe(204)
    expect((await get(at(first!))).status).toBe(404)
    expect((await get(`${at(first!)}${grounds}`, {}, 'DELETE')).status).toBe(404)
    const { sql } = archive.department
    const [rejection] = await sql`select code, words, by, instances from rejections`
    expect(rejection).toMatchObject({
      code: '113038',
      words: 'wrong room',
      by: 'lead',
      instances: [first!.sopInstanceUid],
    })
    const [kept] = await sql`select blob from instances where sop_instance_uid = ${first!.sopInstanceUid}`
    const reader = await archive.service.blobs.open(kept!.blob)
    expect(reader.bytes).toBeGreaterThan(500_000)
    await reader.close()
  })

  test('[DW-06] a viewer removes nothing, and nobody what they may not see', async () => {
    access = { kind: 'launch', launchId: '01K9', actor: lead.actor, studies: [prior.studyUid] }
    expect((await get(`${at(prior)}${grounds}`, {}, 'DELETE')).status).toBe(403)
    expect(await denials()).toHaveLength(1)
    expect((await get(`${at(us)}${grounds}`, {}, 'DELETE')).status).toBe(404)
    expect(await denials()).toHaveLength(2)
    access = { ...lead, sites: ['WEST'] } as Access
    expect((await get(`${at(us)}${grounds}`, {}, 'DELETE')).status).toBe(404)
    expect(await denials()).toHaveLength(3)
    access = program
    expect((await get(at(us))).status).toBe(200)
  })
})

test('[DW-02] the service says what it can do, as a whole and of each resource', async () => {
  const wadl = await get('/', { accept: 'application/vnd.sun.wadl+xml' }, 'OPTIONS')
  expect([wadl.status, await wadl.text()]).toEqual([
    200,
    expect.stringContaining(`<resources base="${served.url}"><resource path="studies"><method name="GET">`),
  ])
  const described = (await (await get('/', { accept: 'application/json' }, 'OPTIONS')).json()) as {
    resources: { path: string }[]
  }
  expect(described.resources.map(({ path }) => path)).toContain('studies/{study}/series/{series}/metadata')
  const allow = async (path: string) => (await get(path, {}, 'OPTIONS')).headers.get('allow')
  expect(await allow('/studies')).toBe('GET, POST, HEAD, OPTIONS')
  expect(await allow('/studies/1.2/series/1.3')).toBe('GET, DELETE, HEAD, OPTIONS')
  expect((await get('/patients', {}, 'OPTIONS')).status).toBe(404)
})
