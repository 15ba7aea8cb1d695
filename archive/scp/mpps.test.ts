import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dataset, type Value } from '#archive/dimse/dataset.ts'
import { newUid } from '#archive/dimse/uid.ts'
import { mppsCreate, mppsSet } from '#archive/scu/mpps.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { type BookedOrder, bookedOrder, openArchive, type TestArchive } from './archive.fixture.ts'

let archive: TestArchive

beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})

afterAll(() => archive.close())

const peer = (callingAe = 'CT1') => ({
  host: '127.0.0.1',
  port: archive.port,
  callingAe,
  calledAe: 'ISOCENTER',
})

function scheduledItem(order: Partial<BookedOrder> & { studyUid: string }): Dataset {
  return Dataset.of({
    StudyInstanceUID: order.studyUid,
    ReferencedStudySequence: [],
    AccessionNumber: order.accession ?? null,
    RequestedProcedureID: order.requestedProcedureId ?? null,
    RequestedProcedureDescription: null,
    ScheduledProcedureStepID: order.stepNumber ?? null,
    ScheduledProcedureStepDescription: null,
    ScheduledProtocolCodeSequence: [],
  })
}

function begun(items: Dataset[], more: Record<string, Value | undefined> = {}): Dataset {
  return Dataset.of({
    ScheduledStepAttributesSequence: items,
    PatientName: 'TESTPERSON^VERA',
    PatientID: 'P1',
    PerformedProcedureStepID: 'PPS1',
    PerformedStationAETitle: 'CT1',
    PerformedStationName: null,
    PerformedProcedureStepStartDate: '20310701',
    PerformedProcedureStepStartTime: '103000',
    PerformedProcedureStepStatus: 'IN PROGRESS',
    Modality: 'CT',
    StudyID: null,
    PerformedSeriesSequence: [],
    ...more,
  })
}

const completed = (more: Record<string, Value | undefined> = {}) =>
  Dataset.of({
    PerformedProcedureStepStatus: 'COMPLETED',
    PerformedProcedureStepEndDate: '20310701',
    PerformedProcedureStepEndTime: '104500',
    PerformedSeriesSequence: [],
    ...more,
  })

const create = (sopInstanceUid: string, attributes: Dataset) =>
  mppsCreate(peer(), { sopInstanceUid, attributes })
const set = (sopInstanceUid: string, attributes: Dataset) => mppsSet(peer(), { sopInstanceUid, attributes })

async function performedStep(uid: string) {
  const [row] = await archive.department.sql<
    { status: string; started_at: Date; ended_at: Date | null; reason_code: string | null }[]
  >`
    select status, started_at, ended_at, reason_code from performed_steps where sop_instance_uid = ${uid}`
  return row
}

async function stepStatus({ stepId }: BookedOrder): Promise<string> {
  const [row] = await archive.department.sql<
    { status: string }[]
  >`select status from steps where id = ${stepId}`
  return row!.status
}

test('[MA-03] N-CREATE begins the scheduled step, N-SET COMPLETED ends it, and nothing changes it after', async () => {
  const order = await bookedOrder(archive.department)
  const uid = newUid()
  expect(await create(uid, begun([scheduledItem(order)]))).toBe(0x0000)
  expect(await stepStatus(order)).toBe('started')
  expect(await set(uid, Dataset.of({ PerformedProcedureStepDescription: 'CT head' }))).toBe(0x0000)
  expect(await set(uid, completed())).toBe(0x0000)
  expect(await performedStep(uid)).toMatchObject({ status: 'COMPLETED' })
  expect(await stepStatus(order)).toBe('departed')
  expect(await set(uid, completed())).toBe(0x0110)
  expect(await set(uid, Dataset.of({ PerformedProcedureStepStatus: 'DISCONTINUED' }))).toBe(0x0110)
  expect(await performedStep(uid)).toMatchObject({ status: 'COMPLETED', reason_code: null })
})

test('[MA-03] dates are read in the zone of the site, or in the offset that the object states', async () => {
  const uid = newUid()
  await create(uid, begun([scheduledItem(await bookedOrder(archive.department))]))
  expect((await performedStep(uid))!.started_at.toISOString()).toBe('2031-07-01T08:30:00.000Z')
  await set(uid, completed({ TimezoneOffsetFromUTC: '-0500' }))
  expect((await performedStep(uid))!.ended_at!.toISOString()).toBe('2031-07-01T15:45:00.000Z')
})

test('[MA-03] a start or end that is no date or time counts as when it was said, and keeps no exam from ending', async () => {
  const order = await bookedOrder(archive.department)
  const uid = newUid()
  const before = await archive.department.now()
  const start = { PerformedProcedureStepStartDate: '99999999', PerformedProcedureStepStartTime: '999999' }
  expect(await create(uid, begun([scheduledItem(order)], start))).toBe(0x0000)
  const end = { PerformedProcedureStepEndDate: '00000000', PerformedProcedureStepEndTime: '24:61' }
  expect(await set(uid, completed(end))).toBe(0x0000)
  const { started_at: started, ended_at: ended } = (await performedStep(uid))!
  expect(started.getTime()).toBeGreaterThanOrEqual(before.getTime())
  expect(ended!.getTime()).toBeGreaterThanOrEqual(started.getTime())
})

test('[MA-03] a second N-CREATE with the same UID is refused as a duplicate', async () => {
  const uid = newUid()
  const attributes = begun([scheduledItem(await bookedOrder(archive.department))])
  expect(await create(uid, attributes)).toBe(0x0000)
  expect(await create(uid, attributes)).toBe(0x0111)
  await set(uid, completed())
  expect(await create(uid, attributes)).toBe(0x0111)
})

test('[MA-03] N-CREATE with another status than IN PROGRESS, or without a type 1 attribute, is refused', async () => {
  const order = await bookedOrder(archive.department)
  expect(
    await create(newUid(), begun([scheduledItem(order)], { PerformedProcedureStepStatus: 'COMPLETED' })),
  ).toBe(0x0106)
  expect(
    await create(newUid(), begun([scheduledItem(order)], { PerformedProcedureStepStartDate: undefined })),
  ).toBe(0x0120)
  expect(await create(newUid(), begun([scheduledItem(order)], { PerformedStationAETitle: null }))).toBe(
    0x0121,
  )
  expect(await create(newUid(), begun([]))).toBe(0x0121)
  expect(await create(newUid(), begun([scheduledItem({ ...order, studyUid: '' })]))).toBe(0x0121)
  expect(await create(newUid(), begun([Dataset.of({ AccessionNumber: order.accession })]))).toBe(0x0120)
  expect(await stepStatus(order)).toBe('scheduled')
})

test('[MA-03] N-SET of a step that nobody created is refused', async () => {
  expect(await set(newUid(), completed())).toBe(0x0112)
  const uid = newUid()
  await create(uid, begun([scheduledItem(await bookedOrder(archive.department))]))
  expect(await set(uid, Dataset.of({ PerformedProcedureStepStatus: 'DONE' }))).toBe(0x0106)
})

test('[MA-03] an N-SET that overtakes its N-CREATE waits for it', async () => {
  const order = await bookedOrder(archive.department)
  const uid = newUid()
  const early = set(uid, completed())
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(await create(uid, begun([scheduledItem(order)]))).toBe(0x0000)
  expect(await early).toBe(0x0000)
  expect(await stepStatus(order)).toBe('departed')
})

test('[MA-03] one performed step for two scheduled ones begins and ends both', async () => {
  const orders = [await bookedOrder(archive.department), await bookedOrder(archive.department)] as const
  const uid = newUid()
  expect(await create(uid, begun(orders.map(scheduledItem)))).toBe(0x0000)
  expect(await Promise.all(orders.map(stepStatus))).toEqual(['started', 'started'])
  await set(uid, completed())
  expect(await Promise.all(orders.map(stepStatus))).toEqual(['departed', 'departed'])
})

test('[MA-03] each item of a grouped performed step is matched by itself, and one that no order asked for is asked about', async () => {
  const [first, second] = [await bookedOrder(archive.department), await bookedOrder(archive.department)]
  const stranger = newUid()
  const items = [
    scheduledItem(first),
    scheduledItem({ studyUid: second.studyUid }),
    scheduledItem({ studyUid: stranger }),
  ]
  const uid = newUid()
  expect(await create(uid, begun(items))).toBe(0x0000)
  expect(await Promise.all([first, second].map(stepStatus))).toEqual(['started', 'started'])
  const asked = await archive.department.sql`
    select 1 from exceptions where kind = 'unmatched-study' and refs->>'studyInstanceUid' = ${stranger}`
  expect(asked).toHaveLength(1)
})

test('[MA-03] N-SET changes what was done, never whose step it is or where it began', async () => {
  const uid = newUid()
  await create(uid, begun([scheduledItem(await bookedOrder(archive.department))]))
  const again = { PatientID: 'P2', PerformedStationAETitle: 'CT9', PerformedProcedureStepDescription: 'Head' }
  expect(await set(uid, Dataset.of(again))).toBe(0x0000)
  const [row] = await archive.department.sql<{ dataset: Record<string, { Value?: unknown[] }> }[]>`
    select dataset from performed_steps where sop_instance_uid = ${uid}`
  expect(row!.dataset['00100020']?.Value).toEqual(['P1'])
  expect(row!.dataset['00400241']?.Value).toEqual(['CT1'])
  expect(row!.dataset['00400254']?.Value).toEqual(['Head'])
})

test('[MA-03] a NUL in the middle of a value, as sloppy consoles leave it, keeps no exam from beginning and ending', async () => {
  const order = await bookedOrder(archive.department)
  const uid = newUid()
  const sloppy = begun([scheduledItem(order)]).set(
    'PerformedProcedureStepDescription',
    Buffer.from('HEAD\0old'),
    'LO',
  )
  expect(await create(uid, sloppy)).toBe(0x0000)
  const image = Dataset.of({}).set('ReferencedSOPInstanceUID', Buffer.from('1.2.3\0.4'), 'UI')
  const series = Dataset.of({ SeriesInstanceUID: newUid(), ReferencedImageSequence: [image] })
  expect(await set(uid, completed({ PerformedSeriesSequence: [series] }))).toBe(0x0000)
  expect(await stepStatus(order)).toBe('departed')
  const [row] = await archive.department.sql<{ dataset: Record<string, { Value: string[] }> }[]>`
    select dataset from performed_steps where sop_instance_uid = ${uid}`
  expect(row!.dataset['00400254']!.Value).toEqual(['HEADold'])
})

test('[MA-03] an unscheduled performed step is recorded and somebody is asked whose it is', async () => {
  const uid = newUid()
  const studyUid = newUid()
  expect(await create(uid, begun([scheduledItem({ studyUid })]))).toBe(0x0000)
  expect(await performedStep(uid)).toMatchObject({ status: 'IN PROGRESS' })
  const found = await archive.department.sql`
    select reason_code from exceptions where kind = 'unmatched-study' and refs->>'studyInstanceUid' = ${studyUid}`
  expect(found.map((row) => row.reason_code)).toEqual(['unscheduled'])
})

test('[MA-03] a stopped exam keeps its reason', async () => {
  const order = await bookedOrder(archive.department)
  const uid = newUid()
  await create(uid, begun([scheduledItem(order)]))
  const reason = Dataset.of({
    CodeValue: '110501',
    CodingSchemeDesignator: 'DCM',
    CodeMeaning: 'Equipment failure',
  })
  const discontinued = completed({
    PerformedProcedureStepStatus: 'DISCONTINUED',
    PerformedProcedureStepDiscontinuationReasonCodeSequence: [reason],
  })
  expect(await set(uid, discontinued)).toBe(0x0000)
  expect(await performedStep(uid)).toMatchObject({ status: 'DISCONTINUED', reason_code: '110501' })
  expect(await stepStatus(order)).toBe('discontinued')
})

test('[MA-06] the instances that a final performed step names are evidence for completeness', async () => {
  const order = await bookedOrder(archive.department)
  const uid = newUid()
  const image = newUid()
  const document = newUid()
  await create(uid, begun([scheduledItem(order)]))
  const named = (sopInstanceUid: string) =>
    Dataset.of({
      ReferencedSOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
      ReferencedSOPInstanceUID: sopInstanceUid,
    })
  const series = Dataset.of({
    SeriesInstanceUID: newUid(),
    ProtocolName: 'HEAD',
    ReferencedImageSequence: [named(image)],
    ReferencedNonImageCompositeSOPInstanceSequence: [named(document)],
  })
  expect(await set(uid, completed({ PerformedSeriesSequence: [series] }))).toBe(0x0000)
  const rows = await archive.department.sql<{ sop_instance_uid: string }[]>`
    select sop_instance_uid from named_instances where study_uid = ${order.studyUid}`
  expect(rows.map((row) => row.sop_instance_uid).sort()).toEqual([image, document].sort())
})
