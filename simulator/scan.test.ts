/** Scanning over real sockets, into a real archive: the order's identity on a real image, and not one pixel changed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Element } from '#archive/dimse/dataset.ts'
import { decodeDataset } from '#archive/dimse/decode.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { bookedOrder, openArchive, type TestArchive, until } from '#archive/scp/archive.fixture.ts'
import { testDatabase } from '#bin/testing/database.ts'
import { arrive } from '#db/mutations/steps.ts'
import { actAs } from '#db/order.fixture.ts'
import { runModality } from './modality.ts'
import { paceOf } from './pace.ts'
import { randomFrom } from './random.ts'
import { ageOn, newUidMap, reIdentify } from './re-identify.ts'
import { corpusSeries, scanLikeAModality } from './scan.ts'
import { type ScheduledExam, scheduledExams } from './scheduled-exam.ts'

let archive: TestArchive
beforeAll(async () => {
  archive = await openArchive(await testDatabase())
})
afterAll(async () => {
  await archive.close()
})

const peer = (callingAe = 'CT1') => ({
  host: '127.0.0.1',
  port: archive.port,
  calledAe: 'ISOCENTER',
  callingAe,
})

async function anExam(): Promise<ScheduledExam> {
  const { accession } = await bookedOrder(archive.department)
  return (await scheduledExams(peer(), { accession }))[0]!
}

test.each(['ct-chest', 'ct-head', 'mr-head', 'dx-chest', 'us-abdomen', 'us-cine'])(
  'every image of %s keeps its pixels, and what describes them, under its new identity',
  async (folder) => {
    const exam = await anExam()
    const rewriting = {
      exam,
      performedStepUid: '2.25.1',
      performedStepId: 'PPS1',
      stationName: 'CT1',
      startedOn: { date: '20261122', time: '091500' },
      uids: newUidMap(),
    }
    for (const { dataset, transferSyntaxUid } of corpusSeries(folder)) {
      const sent = encodeDataset(reIdentify(dataset, rewriting), transferSyntaxUid)
      const received = decodeDataset(sent, transferSyntaxUid)
      expect(received.element('PixelData')).toEqual(evenly(dataset.element('PixelData')))
      for (const keyword of [
        'Rows',
        'Columns',
        'BitsStored',
        'PixelSpacing',
        'ImagePositionPatient',
        'SOPClassUID',
      ])
        expect(received.bytes(keyword)).toEqual(dataset.bytes(keyword))
      expect(received.personName('PatientName')).toEqual(exam.patientName)
      expect(received.text('PatientID')).toBe(exam.patientId)
      expect(received.text('AccessionNumber')).toBe(exam.accession)
      expect(received.text('StudyInstanceUID')).toBe(exam.studyInstanceUid)
      expect(received.text('SOPInstanceUID')).not.toBe(dataset.text('SOPInstanceUID'))
      expect(received.item('RequestAttributesSequence')?.text('ScheduledProcedureStepID')).toBe(exam.stepId)
      // Not a number of three digits, which may stand anywhere.
      const before = dataset.text('PatientID') ?? ''
      if (before.length > 5) expect(sent.includes(before)).toBe(false)
    }
  },
)

/** One of the published images has an odd number of pixels and leaves out the byte after them. */
function evenly(element: Element | undefined): Element | undefined {
  if (element?.kind !== 'value' || element.value.length % 2 === 0) return element
  return { ...element, value: Buffer.concat([element.value, Buffer.of(0)]) }
}

test('images of one series stay one series, and of one frame of reference one frame', async () => {
  const exam = await anExam()
  const uids = newUidMap()
  const rewriting = { exam, performedStepUid: undefined, performedStepId: 'P', stationName: 'CT1', uids }
  const startedOn = { date: '20261122', time: '091500' }
  const images = corpusSeries('ct-head').map(({ dataset }, n) =>
    reIdentify(dataset, { ...rewriting, startedOn }, n),
  )
  const distinct = (keyword: string) => new Set(images.map((image) => image.text(keyword))).size
  expect(distinct('SeriesInstanceUID')).toBe(1)
  expect(distinct('FrameOfReferenceUID')).toBe(1)
  expect(distinct('SOPInstanceUID')).toBe(images.length)
  expect(images.every((image) => image.items('ReferencedPerformedProcedureStepSequence').length === 0)).toBe(
    true,
  )
})

test('a name in two scripts and its phonetic reach the image as they were ordered', async () => {
  const name = {
    alphabetic: { family: 'Yamada', given: 'Taro' },
    ideographic: { family: '山田', given: '太郎' },
    phonetic: { family: 'やまだ', given: 'たろう' },
  }
  const patient = {
    identifiers: [{ value: 'SYN-900001', issuer: 'MAIN', type: 'MR' }],
    name,
    otherNames: [],
    birthDate: { value: '1990-03-04', precision: 'day' as const },
    sex: 'M' as const,
    temporaryIdentity: false,
    comments: [],
  }
  const { accession } = await bookedOrder(archive.department, { patient })
  const [exam] = await scheduledExams(peer(), { accession })
  expect(exam?.patientName).toEqual({
    alphabetic: 'Yamada^Taro',
    ideographic: '山田^太郎',
    phonetic: 'やまだ^たろう',
  })
})

test('[AD-05] a scanned exam is begun, its images are stored, and it is completed with every image named', async () => {
  const { accession, orderId, studyUid } = await bookedOrder(archive.department)
  const scanned = await scanLikeAModality({ peer: peer(), accession, images: 3 })
  expect(scanned).toMatchObject({ created: 0, ended: 0, studyInstanceUid: studyUid, accession })
  expect(scanned.images.map(({ status }) => status)).toEqual([0, 0, 0])
  const { sql } = archive.department
  await until('three indexed images', async () => {
    const [row] =
      await sql`select count(*)::int as n from instances i join studies s on s.id = i.study_id where s.study_uid = ${studyUid}`
    return row?.n === 3
  })
  const [step] = await sql`select status from steps where order_id = ${orderId}`
  expect(step?.status).toBe('departed')
  const named = await sql<
    { uid: string }[]
  >`select sop_instance_uid as uid from named_instances where study_uid = ${studyUid}`
  expect(named.map(({ uid }) => uid).sort()).toEqual(
    scanned.images.map((image) => image.sopInstanceUid).sort(),
  )
})

test('what is withheld is named all the same, so that the department misses it', async () => {
  const { accession, studyUid } = await bookedOrder(archive.department)
  const scanned = await scanLikeAModality({ peer: peer(), accession, images: 3, withhold: 1 })
  expect(scanned.images.filter(({ status }) => status === 0)).toHaveLength(2)
  const { sql } = archive.department
  const [row] = await sql`select count(*)::int as n from named_instances where study_uid = ${studyUid}`
  expect(row?.n).toBe(3)
})

test('a scanner waits for the patient, then performs the exam once', async () => {
  const { department } = archive
  const { stepId, orderId } = await bookedOrder(department, { roomId: 'ct-2' })
  const closing = new AbortController()
  const events: string[] = []
  const running = runModality({
    archive: { host: '127.0.0.1', port: archive.port, aeTitle: 'ISOCENTER' },
    device: { aeTitle: 'CT2', modality: 'CT', profile: 'full', zone: 'Europe/Berlin' },
    pace: paceOf(1_000, closing.signal),
    random: randomFrom(5),
    now: () => new Date(),
    say: ({ event }) => events.push(event),
  })
  const [before] = await department.sql`select status from steps where id = ${stepId}`
  expect(before?.status).toBe('scheduled')
  await arrive(department, await actAs(department, 'tech'), { stepId })
  await until('the exam', async () => events.includes('scanned'), 15_000)
  const begun = () => department.sql`
    select p.status, p.station_ae from performed_steps p join performed_step_links l on l.performed_step_id = p.id where l.step_id = ${stepId}`
  expect(await begun()).toMatchObject([{ status: 'COMPLETED', station_ae: 'CT2' }])
  const [order] = await department.sql`select phase from orders where id = ${orderId}`
  expect(order?.phase).not.toBe('scheduled')
  // Several more queries of the worklist, and nothing more on it for this scanner.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(await begun()).toHaveLength(1)
  closing.abort()
  await running
  expect(events).toEqual(['scanned'])
})

test('an age is told in years, and in months below two years', () => {
  expect(ageOn('20261122', '19800101')).toBe('046Y')
  expect(ageOn('20261122', '19801123')).toBe('045Y')
  expect(ageOn('20261122', '20250601')).toBe('017M')
  expect(ageOn('20261122', '')).toBe('')
})
