/** Every kind of object that the archive writes, judged by dciodvfy: as it lies on the disk and as it goes out. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type BookedOrder,
  bookedOrder,
  dcmtk,
  openArchive,
  type TestArchive,
  until,
} from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { departmentActor } from '#db/mutations/act.ts'
import { rejectInstances } from '#db/mutations/rejections.ts'
import { actAs } from '#db/order.fixture.ts'
import { KEY_OBJECT_SELECTION, REJECTION_TITLES } from '#domain/rejection-note.ts'
import type { RejectionCode } from '#domain/study-visibility.ts'
import { newUidMap, reIdentify } from '#simulator/re-identify.ts'
import { corpusSeries } from '#simulator/scan.ts'
import { scheduledExams } from '#simulator/scheduled-exam.ts'
import { dciodvfy } from './dciodvfy.fixture.ts'
import { Dataset } from './dimse/dataset.ts'
import { decodeDataset } from './dimse/decode.ts'
import { encodeDataset } from './dimse/encode.ts'
import { encodeFileMeta } from './dimse/part10.ts'
import { shelf } from './dimse/store-sink.fixture.ts'
import { DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './dimse/transfer-syntax.ts'
import { noteDataset } from './ingest/rejection-note.ts'
import { writeNotes } from './ingest/write-notes.ts'
import { get, receivingContexts } from './scu/retrieve.ts'
import { type Storable, storableDataset, store } from './scu/store.ts'
import { type Served, serve, type TestArchive as WebArchive } from './web/archive.fixture.ts'
import { type DicomwebService, openDicomweb } from './web/service.ts'

/** CT in JPEG Lossless and uncompressed, MR, DX of odd length, ultrasound in RGB and in JPEG Baseline. */
const FOLDERS = ['ct-chest', 'ct-head', 'mr-head', 'dx-chest', 'us-abdomen', 'us-cine']
const UNCOMPRESSED = ['ct-head', 'mr-head', 'us-abdomen']
const IODS = ['CTImage', 'CTImage', 'DXImageForPresentation', 'MRImage', 'USImage', 'USMultiFrameImage']

let archive: TestArchive
let service: DicomwebService
let web: Served

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const { department, root } = archive
  service = await openDicomweb({
    department,
    blobFolder: root,
    aeTitle: 'ISOCENTER',
    log: pino({ level: 'silent' }),
  })
  const requestor = { kind: 'program', actor: departmentActor, mayStore: true, sites: null } as const
  web = await serve({ service } as WebArchive, () => requestor)
})

afterAll(async () => {
  web.close()
  await service.close()
  await archive.close()
})

/** One image of each folder under an order, as a console makes them into which the patient was typed by hand. */
async function acquired(order: BookedOrder, encodedIn?: string): Promise<Storable[]> {
  const [exam] = await scheduledExams(peer(), { accession: order.accession })
  const rewriting = {
    exam: exam!,
    performedStepUid: '2.25.1',
    performedStepId: 'PPS1',
    stationName: 'CT1',
    startedOn: { date: '20261122', time: '091500' },
    uids: newUidMap(),
  }
  return (encodedIn ? UNCOMPRESSED : FOLDERS).map((folder, number) => {
    const { dataset, transferSyntaxUid } = corpusSeries(folder)[0]!
    const image = reIdentify(dataset, rewriting, number)
      .set('PatientName', 'WRONG^NAME')
      .set('PatientID', 'CONSOLE-7')
      .set('AccessionNumber', '')
      .delete('RequestAttributesSequence')
      .inCharacterSets(['ISO_IR 100'])
    return storableDataset(image, encodedIn ?? transferSyntaxUid)
  })
}

const peer = () => ({ host: '127.0.0.1', port: archive.port, calledAe: 'ISOCENTER', callingAe: 'CT1' })

async function stored(order: BookedOrder, encodedIn?: string): Promise<string[]> {
  const answers = await store(peer(), await acquired(order, encodedIn))
  expect(answers.filter(({ status }) => status !== 0)).toEqual([])
  const blobs = () => archive.department.sql<{ blob: string }[]>`
    select i.blob from instances i join studies s on s.id = i.study_id where s.study_uid = ${order.studyUid}`
  await until('the images in the index', async () => (await blobs()).length === answers.length)
  return (await blobs()).map(({ blob }) => join(archive.root, blob))
}

/** The IODs of what dciodvfy finds no error in. */
async function valid(files: readonly (string | Buffer)[]): Promise<string[]> {
  const verdicts = await Promise.all(files.map(dciodvfy))
  expect(verdicts.flatMap(({ iod, errors }) => errors.map((error) => `${iod}: ${error}`))).toEqual([])
  return verdicts.map(({ iod }) => iod).sort()
}

async function retrieved(studyUid: string): Promise<string[]> {
  const out = mkdtempSync(join(tmpdir(), 'written-'))
  const keys = ['QueryRetrieveLevel=STUDY', `StudyInstanceUID=${studyUid}`].flatMap((key) => ['-k', key])
  const at = ['127.0.0.1', String(archive.port)]
  // Bit-preserving: dciodvfy is to see what we sent.
  const how = ['-S', '+B', '-aet', 'MOVESCU', '-aec', 'ISOCENTER', '-od', out]
  await dcmtk('getscu', [...how, ...keys, ...at])
  return readdirSync(out).map((name) => join(out, name))
}

/** As a peer retrieves that takes Implicit VR Little Endian only. */
async function retrievedImplicit(studyUid: string): Promise<Buffer[]> {
  const { sql } = archive.department
  const classes = await sql<{ uid: string }[]>`select distinct sop_class_uid as uid from instances`
  const contexts = receivingContexts(
    classes.map(({ uid }) => ({ sopClassUid: uid, transferSyntaxes: [IMPLICIT_LITTLE] })),
  )
  const { kept, services } = shelf()
  const identifier = Dataset.of({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: studyUid })
  await get(peer(), { root: 'study', identifier }, { contexts, cStore: services.cStore! })
  return kept.map(({ sopInstanceUid, bytes }) => {
    const sopClassUid = decodeDataset(bytes, IMPLICIT_LITTLE).text('SOPClassUID')!
    return Buffer.concat([
      encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid: IMPLICIT_LITTLE }),
      bytes,
    ])
  })
}

async function fetched(studyUid: string, transferSyntax: string): Promise<Buffer[]> {
  const { sql } = archive.department
  const rows = await sql<{ path: string }[]>`
    select 'series/' || e.series_uid || '/instances/' || i.sop_instance_uid as path
    from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where s.study_uid = ${studyUid}`
  return Promise.all(
    rows.map(async ({ path }) => {
      const accept = `application/dicom; transfer-syntax=${transferSyntax}`
      const response = await fetch(`${web.url}/studies/${studyUid}/${path}`, { headers: { accept } })
      expect(response.status).toBe(200)
      return Buffer.from(await response.arrayBuffer())
    }),
  )
}

test('[AR-01] images stored under our own File Meta Information are valid files', async () => {
  expect(await valid(await stored(await bookedOrder(archive.department)))).toEqual(IODS)
})

test('[AR-05] images that carry what their order corrects are valid by C-GET and over the web, as stored and rewritten', async () => {
  const { studyUid } = await orderWithImages()
  // JPEG Lossless and JPEG Baseline decoded.
  expect(await valid(await retrieved(studyUid))).toEqual(IODS)
  expect(await valid(await retrievedImplicit(studyUid))).toEqual(IODS)
  const asStored = await fetched(studyUid, '*')
  expect(asStored.every((file) => file.includes('COERCE'))).toBe(true)
  expect(await valid(asStored)).toEqual(IODS)
  expect(await valid(await fetched(studyUid, EXPLICIT_LITTLE))).toEqual(IODS)
})

test('[AR-05] a name that the character set of an image lacks goes out in a valid image too', async () => {
  const order = await orderWithImages()
  await archive.department.sql`
    update patients p set name = ${archive.department.sql.json({ alphabetic: { family: 'Wałęsa', given: 'Ōe' } })}
    from orders o where o.id = ${order.orderId} and p.id = o.patient_id`
  const asStored = await fetched(order.studyUid, '*')
  expect(asStored.every((file) => file.includes('Wałęsa^Ōe'))).toBe(true)
  expect(await valid(asStored)).toEqual(IODS)
})

async function orderWithImages(encodedIn?: string): Promise<BookedOrder> {
  const order = await bookedOrder(archive.department)
  await stored(order, encodedIn)
  return order
}

test.each([IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE])(
  '[AR-05] what was stored in %s is valid as it goes out, as stored and otherwise',
  async (encodedIn) => {
    const { studyUid } = await orderWithImages(encodedIn)
    const iods = ['CTImage', 'MRImage', 'USImage']
    const asStored = await fetched(studyUid, '*')
    const readable = encodedIn === DEFLATED_LITTLE ? await inflated(asStored) : asStored
    expect(await valid(readable)).toEqual(iods)
    // In the syntax that getscu names first, Explicit VR Little Endian.
    expect(await valid(await retrieved(studyUid))).toEqual(iods)
    const rewritten = await fetched(studyUid, EXPLICIT_LITTLE)
    expect(rewritten.every((file) => file.includes('COERCE'))).toBe(true)
    expect(await valid(rewritten)).toEqual(iods)
  },
)

/** By DCMTK, since dciodvfy does not read deflated files. */
async function inflated(files: readonly Buffer[]): Promise<Buffer[]> {
  const out = mkdtempSync(join(tmpdir(), 'inflated-'))
  const written = files.map(async (file, number) => {
    const [deflated, explicit] = [join(out, `${number}.dfl`), join(out, `${number}.dcm`)] as const
    writeFileSync(deflated, file)
    const { code, said } = await dcmtk('dcmconv', ['+te', deflated, explicit])
    expect([code, said]).toEqual([0, ''])
    return readFileSync(explicit)
  })
  return Promise.all(written)
}

test('[AR-07] a rejection note written here is a valid Key Object Selection Document', async () => {
  const { department, ingest, root } = archive
  const { studyUid } = await orderWithImages()
  const { sql } = department
  const [image] = await sql<{ uid: string }[]>`
    select i.sop_instance_uid as uid from instances i join studies s on s.id = i.study_id
    where s.study_uid = ${studyUid} limit 1`
  const sopInstanceUid = image!.uid
  const technologist = await actAs(department, 'tech')
  await rejectInstances(department, technologist, {
    studyUid,
    sopInstanceUid,
    code: '113001',
    reason: 'blurred',
  })
  await rejectInstances(department, await actAs(department, 'lead'), {
    studyUid,
    code: '113037',
    reason: 'wrong side',
  })
  expect(await writeNotes({ sql, ingest, aeTitle: 'ISOCENTER' })).toBe(2)
  const notes = () => sql<{ blob: string }[]>`
    select i.blob from rejections r join instances i on i.sop_instance_uid = r.note_uid`
  await until('the notes in the index', async () => (await notes()).length === 2)
  const written = (await notes()).map(({ blob }) => join(root, blob))
  expect(await valid(written)).toEqual(['KeyObjectSelectionDocument', 'KeyObjectSelectionDocument'])
})

test('[AR-07] so is the note of every title, whatever the instances are that it names', async () => {
  const instance = (sopClassUid: string, seriesUid: string, sopInstanceUid: string, hasPixels = false) => ({
    seriesUid,
    sopClassUid,
    sopInstanceUid,
    hasPixels,
  })
  const titles = Object.keys(REJECTION_TITLES) as RejectionCode[]
  const notes = titles.map((code, number) => {
    const note = noteDataset({
      id: 'none',
      code,
      reasonCodes: code === '113001' ? ['111210'] : [],
      at: new Date('2026-11-22T09:15:00Z'),
      noteUid: `2.25.10${number}`,
      noteSeriesUid: `2.25.20${number}`,
      studyUid: '2.25.1',
      attributes: {},
      instances: [
        instance(CT_IMAGE, '2.25.2', '2.25.21', true),
        instance(TWELVE_LEAD_ECG, '2.25.3', '2.25.31'),
        instance(COMPREHENSIVE_SR, '2.25.4', '2.25.41'),
      ],
    })
    const meta = encodeFileMeta({
      sopClassUid: KEY_OBJECT_SELECTION,
      sopInstanceUid: `2.25.10${number}`,
      transferSyntaxUid: EXPLICIT_LITTLE,
    })
    return Buffer.concat([meta, encodeDataset(note, EXPLICIT_LITTLE)])
  })
  expect(await valid(notes)).toEqual(titles.map(() => 'KeyObjectSelectionDocument'))
})

const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2'
const TWELVE_LEAD_ECG = '1.2.840.10008.5.1.4.1.1.9.1.1'
const COMPREHENSIVE_SR = '1.2.840.10008.5.1.4.1.1.88.33'
