import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { decodeDataset } from '#archive/dimse/decode.ts'
import { type Listener, listenDimse } from '#archive/dimse/listener.ts'
import { readPart10 } from '#archive/dimse/part10.ts'
import type { Services } from '#archive/dimse/services.ts'
import { CT_IMAGE_STORAGE, MR_IMAGE_STORAGE } from '#archive/dimse/sop-class.ts'
import { shelf } from '#archive/dimse/store-sink.fixture.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE, JPEG_2000_LOSSLESS } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { openAssociation } from '#archive/scu/association.ts'
import { get, move, moveContext, moveOn, receivingContexts } from '#archive/scu/retrieve.ts'
import { storableDataset, storableFile, store } from '#archive/scu/store.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { freePort } from '#bin/testing/free-port.ts'
import { CORPUS, dcmtk, openArchive, readDataset, type TestArchive, until } from './archive.fixture.ts'
import { listenArchive } from './listen.ts'

let archive: TestArchive
const listeners: Listener[] = []

const head = ['01', '02', '03', '04'].map((name) => `${CORPUS}ct-head/${name}.dcm`)
const brain = ['01', '02'].map((name) => `${CORPUS}mr-head/${name}.dcm`)
const compressed = readdirSync(`${CORPUS}transfer-syntax`).map((name) => `${CORPUS}transfer-syntax/${name}`)
const files = [...head, ...brain, ...compressed]

const uidIn = (path: string, keyword: string) => readDataset(path).text(keyword)!
const study = uidIn(head[0]!, 'StudyInstanceUID')
const series = uidIn(head[0]!, 'SeriesInstanceUID')

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const sent = await store(peer(), await Promise.all(files.map(storableFile)))
  expect(sent.filter(({ status }) => status !== 0)).toEqual([])
  const distinct = new Set(files.map((path) => uidIn(path, 'SOPInstanceUID'))).size
  await until('all objects in the index', async () => {
    const [row] = await archive.department.sql`select count(*) from instances`
    return row!.count === distinct
  })
})

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

afterAll(() => archive.close())

const peer = (callingAe = 'MOVESCU') => ({
  host: '127.0.0.1',
  port: archive.port,
  callingAe,
  calledAe: 'ISOCENTER',
})

const identifier = (level: string, keys: Record<string, Value>) =>
  Dataset.of({ QueryRetrieveLevel: level, ...keys })

const wholeStudy = () => identifier('STUDY', { StudyInstanceUID: study })

const bytesOf = (path: string) => {
  const file = readFileSync(path)
  return file.subarray(readPart10(file).datasetOffset)
}

/** A device that receives, known to the department under a title of its own. */
async function receiver(
  services: Services,
  accepts: (sopClassUid: string) => readonly string[] = () => [],
): Promise<string> {
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    authorise: () => ({
      accept: true,
      supports(uid) {
        const transferSyntaxes = accepts(uid)
        return { transferSyntaxes, anyTransferSyntax: transferSyntaxes.length === 0 }
      },
      services,
    }),
  })
  listeners.push(listener)
  return knownAs(listener.port)
}

let titles = 0

async function knownAs(port: number): Promise<string> {
  titles += 1
  const title = `DEST${titles}`
  await archive.department.sql`
    insert into devices (id, ae_title, site_id, kind, profile, host, port)
    values (${title}, ${title}, 'MAIN', 'tool', 'unknown', '127.0.0.1', ${port})`
  return title
}

test('[AR-02] movescu has a study sent to itself, byte for byte, and is told the counts', async () => {
  const port = await freePort()
  const title = await knownAs(port)
  const folder = mkdtempSync(join(tmpdir(), 'movescu-'))
  const { said } = await dcmtk(
    'movescu',
    [
      ...['-d', '-S', '+B', '-aet', title, '-aem', title, '-aec', 'ISOCENTER', '+P', String(port)],
      ...['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${study}`],
      '127.0.0.1',
      String(archive.port),
    ],
    folder,
  )
  expect(said).toMatch(/Completed Suboperations +: 4/)
  expect(said).toMatch(/Failed Suboperations +: 0/)
  const got = readdirSync(folder).map((name) => bytesOf(join(folder, name)))
  expect(got).toHaveLength(4)
  for (const path of head) expect(got.some((bytes) => bytes.equals(bytesOf(path)))).toBe(true)
})

test('[AR-02] getscu retrieves a series, an image and a patient on its own association', async () => {
  const patientId = uidIn(head[0]!, 'PatientID')
  const image = uidIn(head[2]!, 'SOPInstanceUID')
  const getting = async (model: string, ...keys: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'getscu-'))
    const args = [model, '+B', '-aec', 'ISOCENTER', '-od', folder, ...keys.flatMap((key) => ['-k', key])]
    const { said } = await dcmtk('getscu', ['-v', ...args, '127.0.0.1', String(archive.port)])
    return { said, got: readdirSync(folder).map((name) => readDataset(join(folder, name))) }
  }
  const inStudy = [`StudyInstanceUID=${study}`, `SeriesInstanceUID=${series}`]
  expect((await getting('-S', 'QueryRetrieveLevel=SERIES', ...inStudy)).got).toHaveLength(4)
  const one = await getting('-S', 'QueryRetrieveLevel=IMAGE', ...inStudy, `SOPInstanceUID=${image}`)
  expect(one.got.map((dataset) => dataset.text('SOPInstanceUID'))).toEqual([image])
  const patient = await getting('-P', 'QueryRetrieveLevel=PATIENT', `PatientID=${patientId}`)
  expect(patient.got.length).toBeGreaterThanOrEqual(4)
  expect(new Set(patient.got.map((dataset) => dataset.text('PatientID')))).toEqual(new Set([patientId]))
  expect((await getting('-S', 'QueryRetrieveLevel=SERIES', inStudy[1]!)).said).toContain(
    'DataSetDoesNotMatch',
  )
})

test('[AR-02] a list of UIDs moves exactly what it names', async () => {
  const { kept, services } = shelf()
  const destination = await receiver(services)
  const images = [head[0]!, head[3]!].map((path) => uidIn(path, 'SOPInstanceUID'))
  const keys = { StudyInstanceUID: study, SeriesInstanceUID: series, SOPInstanceUID: images }
  const ended = await move(peer(), { root: 'study', destination, identifier: identifier('IMAGE', keys) })
  expect(ended).toMatchObject({ status: 0x0000, subOperations: { completed: 2, failed: 0, warning: 0 } })
  expect(kept.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual(images.sort())
})

test('[AR-02] every object goes in the syntax it is stored in, decompressed to a destination without it, and one that nobody here decodes fails by itself', async () => {
  const { kept, services } = shelf()
  const all = compressed.map((path) => ({ path, dataset: readDataset(path) })).filter(isFirstOfItsUid)
  const studies = [...new Set(all.map(({ dataset }) => dataset.text('StudyInstanceUID')!))]
  const asked = { root: 'study', identifier: identifier('STUDY', { StudyInstanceUID: studies }) } as const
  const whole = await move(peer(), { ...asked, destination: await receiver(services) })
  expect(whole.status).toBe(0x0000)
  for (const { path, dataset } of all) {
    const got = kept.find(({ sopInstanceUid }) => sopInstanceUid === dataset.text('SOPInstanceUID'))
    const stored = bytesOf(path)
    const even = stored.length % 2 === 0 ? stored : Buffer.concat([stored, Buffer.of(0)])
    expect(got?.bytes.equals(even), path).toBe(true)
    expect(got?.transferSyntaxUid).toBe(readPart10(readFileSync(path)).transferSyntaxUid)
  }

  const simple = shelf()
  const destination = await receiver(simple.services, () => [IMPLICIT_LITTLE])
  const some = await move(peer(), { ...asked, destination })
  // JPEG of twelve bits a sample.
  const undecodable = uidIn(`${CORPUS}transfer-syntax/jpeg-lossy.dcm`, 'SOPInstanceUID')
  expect(some).toMatchObject({
    status: 0xb000,
    subOperations: { completed: kept.length - 1, failed: 1, warning: 0 },
    failedSopInstanceUids: [undecodable],
    comment: '1 failed: transfer syntax of the object not accepted',
  })
  expect(simple.kept).toHaveLength(kept.length - 1)
  expect(new Set(simple.kept.map((one) => one.transferSyntaxUid))).toEqual(new Set([IMPLICIT_LITTLE]))
})

// One image is in the corpus in several syntaxes under one UID: the archive keeps the first.
function isFirstOfItsUid(
  { dataset }: { dataset: Dataset },
  at: number,
  all: { dataset: Dataset }[],
): boolean {
  const uid = dataset.text('SOPInstanceUID')
  return all.findIndex((other) => other.dataset.text('SOPInstanceUID') === uid) === at
}

test('[AR-02] an image for a peer that takes Implicit VR only keeps every value and every pixel', async () => {
  const { kept, services } = shelf()
  const destination = await receiver(services, () => [IMPLICIT_LITTLE])
  const ended = await move(peer(), { root: 'study', destination, identifier: wholeStudy() })
  expect(ended.subOperations).toEqual({ completed: 4, failed: 0, warning: 0 })
  expect(new Set(kept.map(({ transferSyntaxUid }) => transferSyntaxUid))).toEqual(new Set([IMPLICIT_LITTLE]))
  const original = readDataset(head[1]!)
  const got = decodeDataset(
    kept.find(({ sopInstanceUid }) => sopInstanceUid === original.text('SOPInstanceUID'))!.bytes,
    IMPLICIT_LITTLE,
  )
  expect([...got.elements.keys()]).toEqual([...original.elements.keys()])
  expect(got.bytes('PixelData')!.equals(original.bytes('PixelData')!)).toBe(true)
})

test('[AR-02] an image stored in Implicit VR goes to a peer that has Explicit VR accepted, with every value and every pixel', async () => {
  const path = `${CORPUS}transfer-syntax/mr-small-implicit.dcm`
  const original = readDataset(path)
  const sopInstanceUid = newUid()
  const implicit = readDataset(path).set('SOPInstanceUID', sopInstanceUid).set('StudyInstanceUID', newUid())
  implicit.set('SeriesInstanceUID', newUid())
  expect(await store(peer(), [storableDataset(implicit, IMPLICIT_LITTLE)])).toMatchObject([{ status: 0 }])
  const rows = () =>
    archive.department.sql`select 1 from instances where sop_instance_uid = ${sopInstanceUid}`
  await until('the image in the index', async () => (await rows()).length === 1)
  const { kept, services } = shelf()
  const asked = {
    root: 'study',
    identifier: identifier('STUDY', { StudyInstanceUID: implicit.text('StudyInstanceUID')! }),
  } as const
  // Of several in one context the archive takes one in which it can send whatever it can decode.
  const transferSyntaxes = [JPEG_2000_LOSSLESS, '1.2.840.10008.1.2.2', IMPLICIT_LITTLE, EXPLICIT_LITTLE]
  const contexts = receivingContexts([{ sopClassUid: MR_IMAGE_STORAGE, transferSyntaxes }])
  const ended = await get(peer(), asked, { contexts, cStore: services.cStore! })
  expect(ended).toMatchObject({ status: 0x0000, subOperations: { completed: 1, failed: 0, warning: 0 } })
  const got = decodeDataset(kept[0]!.bytes, kept[0]!.transferSyntaxUid)
  expect(kept[0]!.transferSyntaxUid).toBe(EXPLICIT_LITTLE)
  expect([...got.elements.keys()]).toEqual([...original.elements.keys()])
  expect(got.bytes('PixelData')!.equals(original.bytes('PixelData')!)).toBe(true)
  expect(got.numbers('SmallestImagePixelValue')).toEqual(original.numbers('SmallestImagePixelValue'))
})

test.each([
  ['dx-chest/01', []],
  ['transfer-syntax/image-dfl', ['+xd']],
])(
  '[AR-02] %s, an object of an odd number of bytes, goes to DCMTK with an even one and every value',
  async (name, more) => {
    const path = `${CORPUS}${name}.dcm`
    expect(bytesOf(path).length % 2).toBe(1)
    expect(await store(peer(), [await storableFile(path)])).toMatchObject([{ status: 0 }])
    const original = readDataset(path)
    const uid = original.text('SOPInstanceUID')!
    const rows = () => archive.department.sql`select 1 from instances where sop_instance_uid = ${uid}`
    await until('the image in the index', async () => (await rows()).length === 1)
    const folder = mkdtempSync(join(tmpdir(), 'getscu-'))
    const { said } = await dcmtk('getscu', [
      ...['-v', '-S', '+B', ...more, '-aec', 'ISOCENTER', '-od', folder, '-k', 'QueryRetrieveLevel=STUDY'],
      ...['-k', `StudyInstanceUID=${original.text('StudyInstanceUID')}`, '127.0.0.1', String(archive.port)],
    ])
    expect(said).toMatch(/Completed Suboperations +: 1/)
    const [got] = readdirSync(folder).map((file) => readDataset(join(folder, file)))
    expect([...got!.elements.keys()]).toEqual([...original.elements.keys()])
    const pixels = original.bytes('PixelData')!
    expect(got!.bytes('PixelData')!.subarray(0, pixels.length).equals(pixels)).toBe(true)
  },
)

test('[AR-02] warnings and failures of the destination are counted apart, and progress is reported as it goes', async () => {
  const statuses = [0x0000, 0xb000, 0xa700, 0x0000]
  const failed: string[] = []
  const destination = await receiver({
    cStore({ sopInstanceUid }) {
      const status = statuses.shift()!
      if (status === 0xa700) failed.push(sopInstanceUid)
      return { write: () => undefined, end: () => ({ status }), abort: () => undefined }
    },
  })
  const association = await openAssociation(peer(), { contexts: [moveContext('study')] })
  const seen = []
  for await (const response of moveOn(association, { root: 'study', destination, identifier: wholeStudy() }))
    seen.push(response)
  await association.release()
  expect(seen.map(({ subOperations }) => subOperations)).toEqual([
    { remaining: 3, completed: 1, failed: 0, warning: 0 },
    { remaining: 2, completed: 1, failed: 0, warning: 1 },
    { remaining: 1, completed: 1, failed: 1, warning: 1 },
    { remaining: 0, completed: 2, failed: 1, warning: 1 },
    { completed: 2, failed: 1, warning: 1 },
  ])
  expect(seen.at(-1)).toMatchObject({
    status: 0xb000,
    failedSopInstanceUids: failed,
    comment: '1 failed: answered A700H',
  })
})

test('[AR-02] a destination nobody knows is A801H, one that is away fails every sub-operation', async () => {
  const unknown = await move(peer(), { root: 'study', destination: 'NOBODY', identifier: wholeStudy() })
  expect(unknown).toMatchObject({ status: 0xa801, subOperations: {} })
  const noTitle = { root: 'study', destination: 'A\u0000B', identifier: wholeStudy() } as const
  expect(await move(peer(), noTitle)).toMatchObject({ status: 0xa801 })
  const away = await knownAs(await freePort())
  const ended = await move(peer(), { root: 'study', destination: away, identifier: wholeStudy() })
  expect(ended).toMatchObject({ status: 0xa702, subOperations: { completed: 0, failed: 4, warning: 0 } })
  expect(ended.failedSopInstanceUids).toHaveLength(4)
  expect(ended.comment).toBe('4 failed: destination not reached')
  const told = () => archive.department.sql<{ reason: string; refs: object }[]>`
    select reason, refs from exceptions where refs->>'destination' = any(${['NOBODY', away]}) order by refs->>'status'`
  await until('both on the list', async () => (await told()).length === 2)
  const [reached, known] = await told()
  expect(known).toMatchObject({
    reason: expect.stringMatching(
      /C-MOVE to NOBODY was answered A801H: .* allow it: devices\.NOBODY, its host/,
    ),
    refs: { destination: 'NOBODY', setting: 'devices.NOBODY, its host and port' },
  })
  expect(reached).toMatchObject({ refs: { destination: away } })
})

test('[AR-02] a destination that does not let us in is said to, with what it said', async () => {
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    authorise: () => ({ accept: false, result: 1, source: 1, reason: 3, why: 'unknown' }),
  })
  listeners.push(listener)
  const destination = await knownAs(listener.port)
  const ended = await move(peer(), { root: 'study', destination, identifier: wholeStudy() })
  expect(ended).toMatchObject({ status: 0xa702, comment: '4 failed: destination rejected us (1/1/3)' })
})

test('[AR-02] a destination that breaks off is called again, and what it had is not sent twice', async () => {
  const got: string[] = []
  const destination = await receiver({
    cStore({ sopInstanceUid, association }) {
      const breaks = got.length === 2 && !got.includes(sopInstanceUid)
      return {
        write: () => undefined,
        end() {
          got.push(sopInstanceUid)
          if (breaks) association.abort('pulled the plug')
          return { status: 0x0000 }
        },
        abort: () => undefined,
      }
    },
  })
  const ended = await move(peer(), { root: 'study', destination, identifier: wholeStudy() })
  expect(ended).toMatchObject({ status: 0x0000, subOperations: { completed: 4, failed: 0, warning: 0 } })
  // The third was sent again: nobody had answered for it.
  expect(got).toHaveLength(5)
  expect(new Set(got).size).toBe(4)
})

test('[AR-02] an object at which the destination breaks off every time fails by itself, and the others arrive', async () => {
  let poison: string | undefined
  const got: string[] = []
  const destination = await receiver({
    cStore({ sopInstanceUid, association }) {
      if (got.length === 1) poison ??= sopInstanceUid
      if (sopInstanceUid === poison) association.abort('a data set it cannot read')
      else got.push(sopInstanceUid)
      return { write: () => undefined, end: () => ({ status: 0x0000 }), abort: () => undefined }
    },
  })
  const ended = await move(peer(), { root: 'study', destination, identifier: wholeStudy() })
  expect(ended).toMatchObject({
    status: 0xb000,
    subOperations: { completed: 3, failed: 1, warning: 0 },
    failedSopInstanceUids: [poison],
    comment: '1 failed: destination broke off',
  })
  expect(got).toHaveLength(3)
})

test('[AR-02] a destination that breaks off every association is given up, and every object stands as failed', async () => {
  let calls = 0
  const destination = await receiver({
    cStore({ association }) {
      calls += 1
      association.abort('never any more')
      return { status: 0x0000 }
    },
  })
  const ended = await move(peer(), { root: 'study', destination, identifier: wholeStudy() })
  expect(ended).toMatchObject({ status: 0xa702, subOperations: { completed: 0, failed: 4, warning: 0 } })
  expect(ended.failedSopInstanceUids).toHaveLength(4)
  expect(calls).toBe(3)
})

test('[AR-02] a cancelled move answers FE00H with what remained, and stops sending', async () => {
  let received = 0
  const destination = await receiver({
    cStore: () => ({
      write: () => undefined,
      async end() {
        received += 1
        await new Promise((resolve) => setTimeout(resolve, 100))
        return { status: 0x0000 }
      },
      abort: () => undefined,
    }),
  })
  const { said } = await dcmtk('movescu', [
    ...['-d', '-S', '--cancel', '1', '-aem', destination, '-aec', 'ISOCENTER'],
    ...['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${study}`],
    '127.0.0.1',
    String(archive.port),
  ])
  expect(said).toMatch(/0xfe00/i)
  expect(received).toBeLessThan(4)
  const remaining = [...said.matchAll(/Remaining Suboperations +: (\d+)/g)].map(([, count]) => Number(count))
  expect(remaining.at(-1)).toBe(4 - received)
})

test('[AR-02] a move that takes longer than every idle timer is not cut off', async () => {
  const { department, ingest, reports, store: blobs } = archive
  const hasty = await listenArchive({
    department,
    ingest,
    store: blobs,
    reports,
    log: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    aeTitle: 'ISOCENTER',
    timers: { idleMs: 60, stallMs: 60, graceMs: 60 },
  })
  listeners.push(hasty)
  const destination = await receiver({
    cStore: () => ({
      write: () => undefined,
      async end() {
        await new Promise((resolve) => setTimeout(resolve, 150))
        return { status: 0x0000 }
      },
      abort: () => undefined,
    }),
  })
  const asked = { root: 'study', destination, identifier: wholeStudy() } as const
  const ended = await move({ ...peer(), port: hasty.port }, asked)
  expect(ended).toMatchObject({ status: 0x0000, subOperations: { completed: 4 } })
})

test('[AR-02] C-GET sends only classes whose SCP the caller is by role selection', async () => {
  const { kept, services } = shelf()
  const studies = [study, uidIn(brain[0]!, 'StudyInstanceUID')]
  const asked = { root: 'study', identifier: identifier('STUDY', { StudyInstanceUID: studies }) } as const
  const roles = receivingContexts([{ sopClassUid: MR_IMAGE_STORAGE, transferSyntaxes: [EXPLICIT_LITTLE] }])
  const without = [{ abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [EXPLICIT_LITTLE] }]
  const ended = await get(peer(), asked, { contexts: [...roles, ...without], cStore: services.cStore! })
  expect(ended.status).toBe(0xb000)
  expect(ended.subOperations).toEqual({ completed: kept.length, failed: 4, warning: 0 })
  expect(kept.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual(
    brain.map((path) => uidIn(path, 'SOPInstanceUID')).sort(),
  )
})

test('[AR-02] what is rejected, or belongs to another site than the scanner, is not sent', async () => {
  const { kept, services } = shelf()
  const destination = await receiver(services)
  const hidden = uidIn(head[1]!, 'SOPInstanceUID')
  const { sql } = archive.department
  await sql`update instances set rejected_code = '113001' where sop_instance_uid = ${hidden}`
  try {
    const ended = await move(peer(), { root: 'study', destination, identifier: wholeStudy() })
    expect(ended.subOperations).toEqual({ completed: 3, failed: 0, warning: 0 })
    expect(kept.map(({ sopInstanceUid }) => sopInstanceUid)).not.toContain(hidden)
  } finally {
    await sql`update instances set rejected_code = null where sop_instance_uid = ${hidden}`
  }
  const west = await move(peer('CTW'), { root: 'study', destination, identifier: wholeStudy() })
  expect(west).toMatchObject({ status: 0x0000, subOperations: { completed: 0, failed: 0 } })
})

test('[AR-02] a blob that is gone fails by itself, and the retrieve stands in the audit trail', async () => {
  const { kept, services } = shelf()
  const destination = await receiver(services)
  const gone = uidIn(head[0]!, 'SOPInstanceUID')
  const { sql } = archive.department
  const [row] = await sql<{ blob: string }[]>`select blob from instances where sop_instance_uid = ${gone}`
  const nowhere = row!.blob.replace(/.{4}\.dcm$/, '0000.dcm')
  await sql`update instances set blob = ${nowhere} where sop_instance_uid = ${gone}`
  try {
    const ended = await move(peer(), { root: 'study', destination, identifier: wholeStudy() })
    expect(ended).toMatchObject({ status: 0xb000, failedSopInstanceUids: [gone] })
    expect(ended.comment).toBe('1 failed: object not readable')
    expect(kept).toHaveLength(3)
  } finally {
    await sql`update instances set blob = ${row!.blob} where sop_instance_uid = ${gone}`
  }
  const [trail] = await sql`
    select data from audit_events where type = 'archive.retrieved' and data->>'destination' = ${destination}`
  expect(trail!.data).toMatchObject({ service: 'C-MOVE', asked: 4, completed: 3, failed: 1 })
})
