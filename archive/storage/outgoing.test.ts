/** What an order corrects in the images made for it: on the way out, everywhere, and never in what is stored. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Dataset } from '#archive/dimse/dataset.ts'
import { decodeDataset } from '#archive/dimse/decode.ts'
import { readPart10 } from '#archive/dimse/part10.ts'
import {
  type BookedOrder,
  bookedOrder,
  CORPUS,
  dcmtk,
  openArchive,
  readDataset,
  type TestArchive,
  until,
} from '#archive/scp/archive.fixture.ts'
import { type Served, serve, type TestArchive as WebArchive } from '#archive/web/archive.fixture.ts'
import { type DicomwebService, openDicomweb } from '#archive/web/service.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { departmentActor } from '#db/mutations/act.ts'
import { moveImages, undoMove } from '#db/mutations/moved-images.ts'
import { endExam } from '#db/mutations/steps.ts'
import { actAs } from '#db/order.fixture.ts'

let archive: TestArchive
let service: DicomwebService
let web: Served
let order: BookedOrder
let sent: string[]

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
  const log = pino({ level: 'silent' })
  service = await openDicomweb({
    department: archive.department,
    blobFolder: archive.root,
    aeTitle: 'ISOCENTER',
    log,
  })
  web = await serve({ service } as WebArchive, () => ({
    kind: 'program',
    actor: departmentActor,
    mayStore: true,
    sites: null,
  }))
  order = await bookedOrder(archive.department)
  sent = await imagesOf(order, ['01', '02'], ['0010,0010=WRONG^NAME', '0010,0020=CONSOLE-7'])
  await send(sent)
})

afterAll(async () => {
  web.close()
  await service.close()
  await archive.close()
})

/** Corpus images under the order's study UID, as a console that was typed into makes them. */
async function imagesOf(of: BookedOrder, names: string[], attributes: string[]): Promise<string[]> {
  const out = mkdtempSync(join(tmpdir(), 'outgoing-'))
  const copies = names.map((name) => {
    const copy = join(out, `${name}.dcm`)
    writeFileSync(copy, readFileSync(`${CORPUS}ct-head/${name}.dcm`))
    return copy
  })
  const changes = [`0020,000D=${of.studyUid}`, ...attributes].flatMap((change) => ['-i', change])
  const { code, said } = await dcmtk('dcmodify', ['-nb', ...changes, '-gse', '-gin', ...copies])
  if (code !== 0) throw new Error(said)
  return copies
}

async function send(files: string[]): Promise<void> {
  const at = ['127.0.0.1', String(archive.port)]
  const { code, said } = await dcmtk('dcmsend', ['-aet', 'CT1', '-aec', 'ISOCENTER', ...at, ...files])
  if (code !== 0) throw new Error(said)
  for (const file of files) {
    const uid = readDataset(file).text('SOPInstanceUID')!
    const rows = () => archive.department.sql`select 1 from instances where sop_instance_uid = ${uid}`
    await until('the image in the index', async () => (await rows()).length === 1)
  }
}

/** The study by C-GET, over the web as objects, and over the web as metadata. */
async function everyWay(studyUid: string): Promise<{ got: Dataset[]; web: Dataset[]; metadata: Json[] }> {
  const out = mkdtempSync(join(tmpdir(), 'got-'))
  const keys = ['QueryRetrieveLevel=STUDY', `StudyInstanceUID=${studyUid}`].flatMap((key) => ['-k', key])
  const at = ['127.0.0.1', String(archive.port)]
  await dcmtk('getscu', ['-S', '-aet', 'MOVESCU', '-aec', 'ISOCENTER', '-od', out, ...keys, ...at])
  const got = readdirSync(out).map((name) => readDataset(join(out, name)))
  const metadata = (await (
    await fetch(`${web.url}/studies/${studyUid}/metadata`, { headers: { accept: 'application/dicom+json' } })
  ).json()) as Json[]
  const objects: Dataset[] = []
  for (const one of metadata) objects.push(await object(one))
  return { got, web: objects, metadata }
}

type Json = Record<string, { vr: string; Value?: unknown[] }>

const textOf = (json: Json, tag: string) => json[tag]?.Value?.[0] as string

const addressOf = (one: Json) =>
  `${web.url}/studies/${textOf(one, '0020000D')}/series/${textOf(one, '0020000E')}/instances/${textOf(one, '00080018')}`

async function object(one: Json, accept = 'application/dicom; transfer-syntax=*'): Promise<Dataset> {
  const response = await fetch(addressOf(one), { headers: { accept } })
  const bytes = Buffer.from(await response.arrayBuffer())
  const { transferSyntaxUid, datasetOffset } = readPart10(bytes)
  return decodeDataset(bytes, transferSyntaxUid, { offset: datasetOffset })
}

const patientOf = (dataset: Dataset) => [dataset.text('PatientName'), dataset.text('PatientID')]

test('[AR-05] images go out under the name, number and accession of their order, and say what they said before', async () => {
  const { got, web: objects, metadata } = await everyWay(order.studyUid)
  expect([got.length, objects.length, metadata.length]).toEqual([2, 2, 2])
  const expected = [...(await patientInRows()), order.accession]
  for (const dataset of [...got, ...objects]) {
    expect([...patientOf(dataset), dataset.text('AccessionNumber')]).toEqual(expected)
    const request = dataset.item('RequestAttributesSequence')!
    expect([request.text('RequestedProcedureID'), request.text('ScheduledProcedureStepID')]).toEqual([
      order.requestedProcedureId,
      order.stepNumber,
    ])
    const record = dataset.item('OriginalAttributesSequence')!
    expect(record.text('SourceOfPreviousValues')).toBe('CT1')
    expect(patientOf(record.item('ModifiedAttributesSequence')!)).toEqual(['WRONG^NAME', 'CONSOLE-7'])
  }
  for (const json of metadata) {
    const name = json['00100010']!.Value![0] as { Alphabetic: string }
    expect([name.Alphabetic, textOf(json, '00100020'), textOf(json, '00080050')]).toEqual(expected)
    const [record] = json['04000561']!.Value as Json[]
    const [original] = record!['04000550']!.Value as Json[]
    expect(textOf(original!, '00100020')).toBe('CONSOLE-7')
    expect(Object.keys(json)).toEqual([...Object.keys(json)].sort())
  }
  // The pixels are those that came, and so is what lies on the disk.
  const pixels = sent.map((file) => readDataset(file).bytes('PixelData')!.toString('base64')).sort()
  expect(got.map((dataset) => dataset.bytes('PixelData')!.toString('base64')).sort()).toEqual(pixels)
  const rows = await archive.department.sql<{ blob: string; dataset_offset: number }[]>`
    select i.blob, i.dataset_offset from instances i join studies s on s.id = i.study_id
    where s.study_uid = ${order.studyUid} order by i.instance_number`
  const stored = rows.map(({ blob, dataset_offset }) =>
    readFileSync(join(archive.root, blob)).subarray(dataset_offset).toString('base64'),
  )
  const came = sent.map((file) => {
    const bytes = readFileSync(file)
    return bytes.subarray(readPart10(bytes).datasetOffset).toString('base64')
  })
  expect(stored.sort()).toEqual(came.sort())
})

/** Name and number of the order's patient as the department has them now. */
async function patientInRows(): Promise<string[]> {
  const [row] = await archive.department.sql<{ family: string; given: string; value: string }[]>`
    select p.name->'alphabetic'->>'family' as family, p.name->'alphabetic'->>'given' as given, i.value
    from orders o join patients p on p.id = o.patient_id join patient_identifiers i on i.patient_id = p.id
    where o.id = ${order.orderId}`
  return [`${row!.family}^${row!.given}`, row!.value]
}

test('[AR-05] what a search is asked for of images beside its keys is what goes out of them', async () => {
  const path = `studies/${order.studyUid}/instances?includefield=PatientName,PatientID,OriginalAttributesSequence`
  const accept = { headers: { accept: 'application/dicom+json' } }
  const found = (await (await fetch(`${web.url}/${path}`, accept)).json()) as Json[]
  const { metadata } = await everyWay(order.studyUid)
  const said = (list: Json[]) => list.map((one) => [one['00100010'], one['00100020']])
  expect(said(found)).toEqual(said(metadata))
})

test('[AR-05] a later correction of the patient shows at once, in another version of the same object', async () => {
  const [before] = (await everyWay(order.studyUid)).metadata
  const tag = async () =>
    (await fetch(addressOf(before!), { headers: { accept: 'application/dicom' } })).headers.get('etag')
  const tagBefore = await tag()
  await archive.department.sql`
    update patients p set name = ${archive.department.sql.json({ alphabetic: { family: 'TESTPERSON', given: 'MARRIED' } })}
    from orders o where o.id = ${order.orderId} and p.id = o.patient_id`
  const { got, web: objects, metadata } = await everyWay(order.studyUid)
  for (const dataset of [...got, ...objects]) expect(dataset.text('PatientName')).toBe('TESTPERSON^MARRIED')
  expect(metadata.map((json) => (json['00100010']!.Value![0] as { Alphabetic: string }).Alphabetic)).toEqual([
    'TESTPERSON^MARRIED',
    'TESTPERSON^MARRIED',
  ])
  expect(await tag()).not.toBe(tagBefore)
})

test('[AR-05] images that carry another known patient keep what they say of the patient', async () => {
  const [mine, theirs] = [await bookedOrder(archive.department), await bookedOrder(archive.department)]
  await send(await imagesOf(mine, ['03'], ['0010,0010=OTHER^PERSON', `0010,0020=${theirs.patientId}`]))
  const { got, metadata } = await everyWay(mine.studyUid)
  expect(got.map(patientOf)).toEqual([['OTHER^PERSON', theirs.patientId]])
  expect(metadata.map((json) => textOf(json, '00100020'))).toEqual([theirs.patientId])
})

test('[MA-12] moved images go out as the right patient’s study, and nothing of the other patient but what they said before', async () => {
  const { department } = archive
  const [wrong, right] = [await bookedOrder(department), await bookedOrder(department)]
  const came = await imagesOf(
    wrong,
    ['04'],
    [
      '0010,0010=OTHER^PERSON',
      `0010,0020=${wrong.patientId}`,
      '0010,1000=OLD-NUMBER',
      `0008,0050=${wrong.accession}`,
    ],
  )
  await send(came)
  const [exam] = await department.sql<{ id: string; to: string }[]>`
    select ps.id, (select s.id from steps s where s.order_id = ${right.orderId}) as to
    from performed_steps ps where ps.study_uid = ${wrong.studyUid}`
  const [step] = await department.sql<
    { id: string }[]
  >`select id from steps where order_id = ${wrong.orderId}`
  await endExam(department, await actAs(department, 'tech'), { stepId: step!.id })
  const { moveId } = await moveImages(department, await actAs(department, 'tech'), {
    performedStepId: exam!.id,
    toStepId: exam!.to,
    reason: 'wrong-patient',
  })

  const { got, web: objects, metadata } = await everyWay(right.studyUid)
  expect([got.length, objects.length, metadata.length]).toEqual([1, 1, 1])
  for (const dataset of [...got, ...objects]) {
    expect([
      dataset.text('PatientID'),
      dataset.text('AccessionNumber'),
      dataset.text('StudyInstanceUID'),
    ]).toEqual([right.patientId, right.accession, right.studyUid])
    expect(dataset.text('OtherPatientIDs') ?? '').toBe('')
    expect(dataset.item('RequestAttributesSequence')!.text('ScheduledProcedureStepID')).toBe(right.stepNumber)
    const before = dataset.item('OriginalAttributesSequence')!.item('ModifiedAttributesSequence')!
    expect([before.text('PatientID'), before.text('StudyInstanceUID')]).toEqual([
      wrong.patientId,
      wrong.studyUid,
    ])
  }
  expect(textOf(metadata[0]!, '00100020')).toBe(right.patientId)
  const query = async (uid: string) => fetch(`${web.url}/studies?StudyInstanceUID=${uid}&includefield=all`)
  const [hit] = (await (await query(right.studyUid)).json()) as Json[]
  expect([textOf(hit!, '00100020'), textOf(hit!, '00080050'), hit!['00101000']]).toEqual([
    right.patientId,
    right.accession,
    undefined,
  ])
  expect((await query(wrong.studyUid)).status).toBe(204)
  expect((await everyWay(wrong.studyUid).catch(() => ({ got: [] }))).got).toEqual([])

  await undoMove(department, await actAs(department, 'tech'), { moveId })
  const again = await everyWay(wrong.studyUid)
  expect(again.got.map((dataset) => dataset.text('PatientID'))).toEqual([wrong.patientId])
  const pixels = readDataset(came[0]!).bytes('PixelData')!.toString('base64')
  expect(again.got.map((dataset) => dataset.bytes('PixelData')!.toString('base64'))).toEqual([pixels])
})
