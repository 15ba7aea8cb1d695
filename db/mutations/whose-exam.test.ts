/** Whose exam it is that a scanner makes: its numbers may be shared, its entry wrong, its images there before or after. */
import { expect, test } from 'vitest'
import type { OrderMessage } from '#domain/order-message.ts'
import { actAs, anOrder, aProcedure, storedImages } from '../order.fixture.ts'
import { openItem } from '../reading.fixture.ts'
import { accepted, arrived, type Ordered, ordered, scanned, settle } from '../scanned.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { closeException } from './exceptions.ts'
import { uuidUid } from './minting.ts'
import { beginPerformedStep, changePerformedStep } from './performed-steps.ts'
import { acceptQuality, rejectQuality } from './quality.ts'
import { openReport, signReport } from './reports.ts'
import { bookStep } from './scheduling.ts'
import { settleOrder } from './settle.ts'
import { arrive, beginStep, endExam } from './steps.ts'
import { indexInstances } from './studies.ts'
import { claim, takeOver } from './work-items.ts'

const department = await soundDepartment()

interface Begun {
  studyUid: string
  orders: readonly Ordered[]
  patientId?: string
  byAccession?: boolean
}

async function begun({ studyUid, orders, patientId = '', byAccession = false }: Begun): Promise<string> {
  const device = await deviceAct(department, 'XR1')
  const steps = await department.sql<{ id: string; step_number: string }[]>`
    select id, step_number from steps where id = any(${orders.map(({ stepId }) => stepId)})`
  const sopInstanceUid = uuidUid()
  await beginPerformedStep(department, device, {
    ...{ sopInstanceUid, stationAe: 'XR1', studyUid, startedAt: device.now },
    scheduled: orders.map((order) => ({
      stepNumber: byAccession ? '' : steps.find(({ id }) => id === order.stepId)!.step_number,
      accession: order.accession,
      studyUid: byAccession ? '' : order.studyUid,
    })),
    dataset: patientId ? { '00100020': { vr: 'LO', Value: [patientId] } } : {},
  })
  return sopInstanceUid
}

async function done(
  sopInstanceUid: string,
  status: 'COMPLETED' | 'DISCONTINUED',
  reasonCode?: string,
): Promise<void> {
  const device = await deviceAct(department, 'XR1')
  const change = { sopInstanceUid, status, series: [], dataset: {}, ...(reasonCode && { reasonCode }) }
  await changePerformedStep(department, device, change)
}

async function images(studyUid: string, sourceAe = 'XR1'): Promise<void> {
  await indexInstances(
    department,
    await deviceAct(department, sourceAe),
    storedImages(studyUid, 2, { sourceAe }),
  )
}

const phaseOf = async ({ orderId }: Ordered) =>
  (await department.sql`select phase from orders where id = ${orderId}`)[0]!.phase

const statusOf = async ({ stepId }: Ordered) =>
  (await department.sql`select status from steps where id = ${stepId}`)[0]!.status

test('one exam for two orders of a patient is one study of both: checked once, read once, and both are final', async () => {
  const patient = anOrder().patient
  const pair = [await arrived(department, { patient }), await arrived(department, { patient })] as const
  const mpps = await begun({ studyUid: pair[0].studyUid, orders: pair })
  await images(pair[0].studyUid)
  await done(mpps, 'COMPLETED')
  await settle(department, ...pair)
  expect(await Promise.all(pair.map(phaseOf))).toEqual(['quality-check', 'quality-check'])
  await accepted(department, pair[0])
  await settle(department, ...pair)
  expect(await Promise.all(pair.map(phaseOf))).toEqual(['reading', 'reading'])
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, {
    itemId: await openItem(department, pair[0].orderId, 'read'),
  })
  const { reportId } = await openReport(department, reader, held)
  const sections = ['findings', 'impression'].map((key) => ({ key, text: 'Normal.' }))
  await signReport(department, reader, { ...held, reportId, content: { sections }, reauthenticated: true })
  await settle(department, ...pair)
  expect(await Promise.all(pair.map(phaseOf))).toEqual(['final', 'final'])
})

test('with one of the two orders ended, the work on their images is the other’s', async () => {
  const patient = anOrder().patient
  const [first, second] = [await arrived(department, { patient }), await arrived(department, { patient })]
  const mpps = await begun({ studyUid: first.studyUid, orders: [first, second] })
  await images(first.studyUid)
  await done(mpps, 'COMPLETED')
  await settle(department, first, second)
  const itemId = await openItem(department, first.orderId, 'quality')
  await department.sql`
    update procedures set end_kind = 'discontinued', ended_at = now(), end_reason = 'end-exam' where order_id = ${first.orderId}`
  await department.sql`update orders set phase = 'discontinued' where id = ${first.orderId}`
  await department.sql`update procedures set phase = 'discontinued' where order_id = ${first.orderId}`
  await settle(department, first, second)
  expect(await openItem(department, second.orderId, 'quality')).toBe(itemId)
})

test('one scan made for orders of two patients is linked to the first, and somebody is asked about the other', async () => {
  const [first, second] = [await arrived(department), await arrived(department)]
  const mpps = await begun({ studyUid: first.studyUid, orders: [first, second] })
  await images(first.studyUid)
  await done(mpps, 'COMPLETED')
  await settle(department, first, second)
  const linked = await department.sql`
    select order_id from study_links l join studies s on s.id = l.study_id where s.study_uid = ${first.studyUid}`
  expect(linked.map(({ order_id }) => order_id)).toEqual([first.orderId])
  const asked = await department.sql`
    select order_id from work_items where kind = 'mend' and state = 'open'
      and order_id in (${first.orderId}, ${second.orderId})`
  expect(asked.map(({ order_id }) => order_id)).toEqual([second.orderId])
})

const doubts = async ({ orderId }: Ordered) =>
  (
    await department.sql<{ times: number; state: string }[]>`
      select times, state from exceptions where kind = 'identity' and order_id = ${orderId} order by id`
  ).map(({ times, state }) => `${state} ${times}`)

const imagesOf = async ({ studyUid }: Ordered, patientId: string) =>
  indexInstances(
    department,
    await deviceAct(department, 'XR1'),
    storedImages(studyUid, 2, { sourceAe: 'XR1' }).map((one) => ({
      ...one,
      header: { ...one.header, '00100020': { vr: 'LO', Value: [patientId] } },
    })),
  )

test('[MA-03] an exam begun under the number of another patient is asked about, and not signed until it is known whose it is', async () => {
  const [own, other] = [await arrived(department), await arrived(department)]
  await begun({ studyUid: own.studyUid, orders: [own], patientId: other.mrn })
  expect(await statusOf(own)).toBe('started')
  expect(await doubts(own)).toEqual(['open 1'])
  await imagesOf(own, other.mrn)
  expect(await doubts(own)).toEqual(['open 2'])
  expect(await doubts(other)).toEqual([])
})

test('[MA-03] images under an order’s study that carry the number of another patient are asked about once', async () => {
  const [own, other] = [await arrived(department), await arrived(department)]
  await imagesOf(own, other.mrn)
  await imagesOf(own, other.mrn)
  expect(await doubts(own)).toEqual(['open 1'])
})

test('[MA-03] an image with the number of another patient that comes later, among the patient’s own, is asked about once', async () => {
  const [own, other] = [await arrived(department), await arrived(department)]
  await imagesOf(own, own.mrn)
  await imagesOf(own, 'NOBODY-HAS-THIS')
  expect(await doubts(own)).toEqual([])
  const mixed = storedImages(own.studyUid, 3, { sourceAe: 'XR1' }).map((one, n) => ({
    ...one,
    header: { ...one.header, '00100020': { vr: 'LO', Value: [n === 1 ? other.mrn : own.mrn] } },
  }))
  await indexInstances(department, await deviceAct(department, 'XR1'), mixed)
  expect(await doubts(own)).toEqual(['open 1'])
  const [asked] = await department.sql<{ id: string }[]>`
    select id from exceptions where kind = 'identity' and order_id = ${own.orderId}`
  await closeException(department, await actAs(department, 'admin'), {
    exceptionId: asked!.id,
    reason: 'nothing-to-change',
  })
  await imagesOf(own, other.mrn)
  expect(await doubts(own)).toEqual(['closed 1'])
})

test('[MA-03] the first images of an exam, under two numbers of ours, are asked about once', async () => {
  const [own, other] = [await arrived(department), await arrived(department)]
  const mixed = storedImages(own.studyUid, 2, { sourceAe: 'XR1' }).map((one, n) => ({
    ...one,
    header: { ...one.header, '00100020': { vr: 'LO', Value: [n === 0 ? own.mrn : other.mrn] } },
  }))
  await indexInstances(department, await deviceAct(department, 'XR1'), mixed)
  expect(await doubts(own)).toEqual(['open 1'])
})

test('[MA-03] images with the number of another patient that came before anybody knew whose study it is are asked about once it is an order’s', async () => {
  const [own, other] = [await arrived(department), await arrived(department)]
  const studyUid = uuidUid()
  const made = (patientId: string, accession: string) =>
    storedImages(studyUid, 2, { sourceAe: 'XR1' }).map((one) => ({
      ...one,
      header: {
        ...one.header,
        '00100020': { vr: 'LO', Value: [patientId] },
        '00080050': { vr: 'SH', Value: [accession] },
      },
    }))
  const device = await deviceAct(department, 'XR1')
  await indexInstances(department, device, made(other.mrn, 'NOT-KNOWN-HERE'))
  expect(await doubts(own)).toEqual([])
  await indexInstances(department, device, made(own.mrn, own.accession))
  expect(await doubts(own)).toEqual(['open 1'])
  expect(await doubts(other)).toEqual([])
})

test('[MA-03] the patient’s own number, one that nobody has, and the number of who was merged into them are no doubt', async () => {
  const [own, twin] = [await arrived(department), await arrived(department)]
  await department.sql`
    insert into merge_links (id, from_patient, to_patient, at, by)
    select ${uuidUid()}, b.patient_id, a.patient_id, now(), 'test' from orders a, orders b
    where a.id = ${own.orderId} and b.id = ${twin.orderId}`
  await begun({ studyUid: own.studyUid, orders: [own], patientId: own.mrn })
  await begun({ studyUid: own.studyUid, orders: [own], patientId: 'NOBODY-HAS-THIS' })
  await begun({ studyUid: own.studyUid, orders: [own], patientId: twin.mrn })
  expect(await doubts(own)).toEqual([])
})

test('[MA-03] a reason that was said before the end counts at the end', async () => {
  const own = await arrived(department)
  const sopInstanceUid = await begun({ studyUid: own.studyUid, orders: [own] })
  const device = await deviceAct(department, 'XR1')
  const early = { sopInstanceUid, reasonCode: '110514', series: [], dataset: {} }
  await changePerformedStep(department, device, early)
  expect(await statusOf(own)).toBe('started')
  await done(sopInstanceUid, 'DISCONTINUED')
  expect(await statusOf(own)).toBe('ready')
})

test('[MA-03] a begin that is taken back as a wrong worklist entry takes its doubt with it', async () => {
  const [own, other] = [await arrived(department), await arrived(department)]
  const mpps = await begun({ studyUid: own.studyUid, orders: [own], patientId: other.mrn })
  await done(mpps, 'DISCONTINUED', '110514')
  expect(await statusOf(own)).toBe('ready')
  expect(await doubts(own)).toEqual(['closed 1'])
})

async function sameAccession(): Promise<[Ordered, Ordered]> {
  const value = `A${Date.now() % 1e9}${Math.floor(Math.random() * 1e4)}`
  const of = (issuer: string): Partial<OrderMessage> => ({
    procedures: [aProcedure({ code: '36643-5', steps: [], accession: { value, issuer } })],
  })
  return [await ordered(department, of('EMR-A')), await ordered(department, of('EMR-B'))]
}

test('an accession number that two issuers gave out begins the exam of the patient whom the scanner names, or nobody’s', async () => {
  const [one, other] = await sameAccession()
  await begun({ studyUid: uuidUid(), orders: [one], byAccession: true, patientId: other.mrn })
  expect([await statusOf(one), await statusOf(other)]).toEqual(['planned', 'started'])
  const [third, fourth] = await sameAccession()
  await begun({ studyUid: uuidUid(), orders: [third], byAccession: true })
  expect([await statusOf(third), await statusOf(fourth)]).toEqual(['planned', 'planned'])
})

test('a further exam that was begun by mistake takes nothing from the one that is done', async () => {
  const order = await arrived(department)
  await scanned(department, order)
  await done(await begun({ studyUid: order.studyUid, orders: [order] }), 'DISCONTINUED', '110514')
  await settle(department, order)
  expect(await statusOf(order)).toBe('departed')
})

test('with images of a wrong entry among them a study is neither let on nor read until it is said whose they are', async () => {
  const order = await arrived(department)
  await scanned(department, order)
  const itemId = await openItem(department, order.orderId, 'quality')
  const tech = await actAs(department, 'tech')
  const { fence } = await claim(department, tech, { itemId })
  const mpps = await begun({ studyUid: order.studyUid, orders: [order] })
  await images(order.studyUid)
  await done(mpps, 'DISCONTINUED', '110514')
  await settle(department, order)
  await expect(acceptQuality(department, tech, { itemId, fence })).rejects.toMatchObject({ code: 'blocked' })
  const [asked] = await department.sql<{ id: string }[]>`
    select id from exceptions where order_id = ${order.orderId} and reason_code = '110514' and state = 'open'`
  await closeException(department, await actAs(department, 'admin'), {
    exceptionId: asked!.id,
    reason: 'nothing-to-change',
  })
  await settle(department, order)
  await acceptQuality(department, tech, { itemId, fence })
})

test('[MA-05] "end exam" pressed before the first image came is remembered when it comes', async () => {
  const order = await ordered(department, { procedures: [aProcedure({ code: '24558-9', steps: [] })] })
  const tech = await actAs(department, 'tech')
  await beginStep(department, tech, { stepId: order.stepId })
  await endExam(department, tech, { stepId: order.stepId })
  await images(order.studyUid, 'US1')
  await settle(department, order)
  const [study] = await department.sql`
    select end_exam_at is not null as ended, completeness from studies where study_uid = ${order.studyUid}`
  expect(study).toEqual({ ended: true, completeness: 'inferred' })
})

test('[QA-01] a word on images that somebody else has decided meanwhile is refused, never silently dropped', async () => {
  const order = await arrived(department)
  await scanned(department, order)
  const itemId = await openItem(department, order.orderId, 'quality')
  const tech = await actAs(department, 'tech')
  const { fence } = await claim(department, tech, { itemId })
  const lead = await actAs(department, 'lead')
  const taken = await takeOver(department, lead, { itemId, fenceSeen: fence, reason: 'away' })
  await acceptQuality(department, lead, taken)
  await acceptQuality(department, lead, taken)
  const rejection = { itemId, fence, reasonCodes: ['111210'], instances: [], repeated: true }
  await expect(rejectQuality(department, tech, rejection)).rejects.toMatchObject({ code: 'stale-fence' })
  await expect(acceptQuality(department, tech, { itemId, fence })).rejects.toMatchObject({
    code: 'stale-fence',
  })
})

test('[MA-07] who did not come and comes after all is here on the same day only', async () => {
  const now = await department.now()
  const tomorrow = new Date(now.getTime() + 24 * 3_600_000)
  const order = await ordered(department)
  const { stepId } = order
  const booking = { stepId, roomId: 'xr-1', start: tomorrow, minutes: 5 }
  await bookStep(department, await actAs(department, 'scheduler'), booking)
  const later = new Date(tomorrow.getTime() + 31 * 60_000)
  await settleOrder(department, await dutyAct(department, { now: later }), { orderId: order.orderId })
  expect(await statusOf(order)).toBe('no-show')
  const dayAfter = await actAs(department, 'tech', new Date(later.getTime() + 24 * 3_600_000))
  await expect(arrive(department, dayAfter, { stepId })).rejects.toMatchObject({ code: 'illegal-transition' })
  await arrive(department, await actAs(department, 'tech', new Date(tomorrow.getTime() + 1)), { stepId })
  expect(await statusOf(order)).toBe('ready')
})
