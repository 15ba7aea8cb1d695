import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { uuidUid } from '#db/mutations/minting.ts'
import { beginPerformedStep, changePerformedStep } from '#db/mutations/performed-steps.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { anEnvelope, anOrder, aProcedure, seededDepartment, storedImages } from '#db/order.fixture.ts'
import { action as checkAction, loader as checkLoader } from './quality-check.tsx'
import { action as scanAction, loader as scanLoader } from './scan-queue.tsx'
import { type AtTheScreen, sitDown } from './screen.fixture.ts'

let department: Department
let tech: AtTheScreen
let tech2: AtTheScreen
let scheduler: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  tech = await sitDown(department, { databaseUrl, user: 'tech' })
  tech2 = await sitDown(department, { databaseUrl, user: 'tech2' })
  scheduler = await sitDown(department, { databaseUrl, user: 'scheduler' })
})

afterAll(() => department.close())

interface Exam {
  orderId: string
  stepId: string
  studyUid: string
  accession: string
  mrn: string
}

let minutesOn = 0

/** A patient of their own, booked into a room a few minutes from now. */
async function bookedExam(roomId: string, code = '30799-1', alsoKnownAs?: string): Promise<Exam> {
  const order = anOrder({ procedures: [aProcedure({ code, steps: [] })] })
  if (alsoKnownAs) order.patient.identifiers.push({ value: alsoKnownAs, issuer: 'WEST', type: 'MR' })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [row] = await department.sql<{ id: string; study_uid: string; accession: string }[]>`
    select s.id, p.study_uid, o.accession from steps s join procedures p on p.id = s.procedure_id
      join orders o on o.id = s.order_id where o.id = ${orderId}`
  minutesOn += 60
  const start = new Date((await department.now()).getTime() + minutesOn * 1_000)
  await bookStep(department, await dutyAct(department), { stepId: row!.id, roomId, start, minutes: 1 })
  await settle(orderId)
  const mrn = order.patient.identifiers[0]!.value
  return { orderId, stepId: row!.id, studyUid: row!.study_uid, accession: row!.accession, mrn }
}

async function settle(orderId: string): Promise<void> {
  await settleOrder(department, await dutyAct(department), { orderId })
}

const scan = (fields: Record<string, string>, who = tech) => scanAction(who.args('/scan-queue', fields))

async function onScreen({ stepId }: Exam, who = tech) {
  const { steps } = await scanLoader(who.args('/scan-queue'))
  return steps.find((step) => step.stepId === stepId)
}

test('[MA-07] arriving and beginning on one screen stands on every other; the second to begin sees that it has begun', async () => {
  const exam = await bookedExam('us-1', '24558-9')
  expect(await onScreen(exam)).toMatchObject({ status: 'scheduled', roomId: 'us-1' })
  expect(await scan({ intent: 'arrive', stepId: exam.stepId })).toMatchObject({ ok: true })
  expect(await onScreen(exam, tech2)).toMatchObject({ status: 'ready' })
  await Promise.all([tech, tech2].map((who) => scan({ intent: 'begin', stepId: exam.stepId }, who)))
  const begun = await onScreen(exam, tech2)
  expect(begun).toMatchObject({ status: 'started', begun: { inferred: true, scannerSays: null } })
  const performed = await department.sql`select 1 from performed_step_links where step_id = ${exam.stepId}`
  expect(performed).toHaveLength(1)
  expect(await scan({ intent: 'undo-arrive', stepId: exam.stepId }, tech2)).toMatchObject({
    ok: false,
    code: 'procedure-begun',
  })
})

test('[MA-05] an exam of a scanner without MPPS is ended on our screen, and its begin and end say that they are inferred', async () => {
  const exam = await bookedExam('us-1', '24558-9')
  await indexInstances(
    department,
    await deviceAct(department, 'US1'),
    storedImages(exam.studyUid, 3, { sourceAe: 'US1' }),
  )
  expect(await onScreen(exam)).toMatchObject({ status: 'started', images: 3, begun: { inferred: true } })
  await scan({ intent: 'end', stepId: exam.stepId })
  expect(await onScreen(exam)).toMatchObject({ status: 'departed' })
  const [performed] = await department.sql`
    select p.status, p.inferred, p.end_inferred from performed_steps p join performed_step_links l on l.performed_step_id = p.id
    where l.step_id = ${exam.stepId}`
  expect(performed).toMatchObject({ status: 'COMPLETED', inferred: true, end_inferred: true })
})

test('[MA-08] a wristband says whose it is and where that person is booked; another person’s keeps the exam from beginning', async () => {
  const [selected, other] = [await bookedExam('ct-1'), await bookedExam('ct-2')]
  const found = await scan({ intent: 'scan', text: other.mrn })
  expect(found).toMatchObject({
    person: { identifiers: [other.mrn], steps: [{ stepId: other.stepId, room: 'CT 2' }] },
  })
  expect(await scan({ intent: 'scan', text: 'NOBODY-1' })).toMatchObject({ person: null })
  const refused = await scan({ intent: 'begin', stepId: selected.stepId, scanned: other.mrn })
  expect(refused).toMatchObject({ ok: false, code: 'identity-mismatch' })
  expect(await onScreen(selected)).toMatchObject({ status: 'scheduled', begun: null })
  expect(await scan({ intent: 'begin', stepId: selected.stepId, scanned: selected.mrn })).toMatchObject({
    ok: true,
  })
  expect(await onScreen(selected)).toMatchObject({ status: 'started' })
})

test('[MA-08] a number that two hospitals gave out is nobody’s: it begins no exam of either, and the order form does', async () => {
  const own = await bookedExam('mr-1', '30657-1')
  const other = await bookedExam('mr-2', '30657-1', own.mrn)
  for (const exam of [own, other]) {
    expect((await onScreen(exam))!.sharedNumbers).toEqual([own.mrn])
    const refused = await scan({ intent: 'begin', stepId: exam.stepId, scanned: own.mrn })
    expect(refused).toMatchObject({ ok: false, code: 'identity-mismatch' })
  }
  const begun = await scan({ intent: 'begin', stepId: own.stepId, scanned: own.accession })
  expect(begun).toMatchObject({ ok: true })
})

test('an exam that the scanner stopped stays at its table until a technologist decides what its images are worth', async () => {
  const exam = await bookedExam('xr-1', '36643-5')
  const device = await deviceAct(department, 'XR1')
  const sopInstanceUid = uuidUid()
  const scheduled = [{ stepNumber: '', accession: exam.accession, studyUid: exam.studyUid }]
  await beginPerformedStep(department, device, {
    sopInstanceUid,
    stationAe: 'XR1',
    studyUid: exam.studyUid,
    scheduled,
    startedAt: device.now,
    dataset: {},
  })
  await indexInstances(department, device, storedImages(exam.studyUid, 1, { sourceAe: 'XR1' }))
  await changePerformedStep(department, device, {
    sopInstanceUid,
    status: 'DISCONTINUED',
    reasonCode: '110515',
    series: [],
    dataset: {},
  })
  const { stopped } = (await onScreen(exam))!
  expect(stopped).toMatchObject({ reasonCode: '110515' })
  const decision = { intent: 'decide', performedStepId: stopped!.performedStepId, decision: 'usable' }
  expect(await scan(decision)).toMatchObject({ ok: true })
  expect(await onScreen(exam)).toMatchObject({ status: 'departed', stopped: null })
  expect(await scan(decision)).toMatchObject({ ok: false, code: 'illegal-transition' })
})

test('the room a technologist chose is theirs again on the next screen', async () => {
  await scan({ intent: 'room', roomId: 'mr-2' })
  expect((await scanLoader(tech.args('/scan-queue'))).keptRoom).toBe('mr-2')
  expect((await scanLoader(tech2.args('/scan-queue'))).keptRoom).toBeNull()
})

/** A quality item with two images. */
async function examToCheck(): Promise<Exam & { itemId: string; images: string[] }> {
  const exam = await bookedExam('us-1', '24558-9')
  const images = storedImages(exam.studyUid, 2, { sourceAe: 'US1' })
  await indexInstances(department, await deviceAct(department, 'US1'), images)
  await scan({ intent: 'end', stepId: exam.stepId })
  await settle(exam.orderId)
  const [item] = await department.sql<{ id: string }[]>`
    select id from work_items where order_id = ${exam.orderId} and kind = 'quality' and state = 'open'`
  return { ...exam, itemId: item!.id, images: images.map((image) => image.sopInstanceUid) }
}

const check = (itemId: string, fields: Record<string, string>, who = tech) =>
  checkAction(who.args(`/quality-check/${itemId}`, fields))

test('[QA-01] opening an exam takes it, the second technologist is told so, and accepting lets it on to reading', async () => {
  const { itemId, orderId } = await examToCheck()
  expect((await checkLoader(tech.args('/quality-check'))).toCheck.map(({ id }) => id)).toContain(itemId)
  const claimed = (await check(itemId, { intent: 'claim' })) as { fence: number }
  expect(await check(itemId, { intent: 'claim' }, tech2)).toMatchObject({ code: 'already-claimed' })
  const { isMine, check: shown } = await checkLoader(tech.args(`/quality-check/${itemId}`))
  expect(isMine).toBe(true)
  expect(shown).toMatchObject({ study: { visible: 2, verdict: 'inferred' }, item: { fence: claimed.fence } })
  const accepted = (await check(itemId, { intent: 'accept', fence: String(claimed.fence) })) as Response
  expect(accepted.status).toBe(302)
  await settle(orderId)
  const [order] = await department.sql`select phase from orders where id = ${orderId}`
  expect(order).toMatchObject({ phase: 'reading' })
})

test('[QA-01] rejecting one image with a reason hides it from readers and asks for it again; without a reason nothing happens', async () => {
  const { itemId, orderId, images, studyUid } = await examToCheck()
  const { fence } = (await check(itemId, { intent: 'claim' })) as { fence: number }
  const rejection = {
    intent: 'reject',
    fence: String(fence),
    instances: images[0]!,
    repeated: 'yes',
    words: '',
  }
  expect(await check(itemId, { ...rejection, reason: 'made-up' })).toMatchObject({ code: 'reason-required' })
  expect(await check(itemId, { ...rejection, reason: '111221' })).toMatchObject({ code: 'reason-required' })
  await check(itemId, { ...rejection, reason: '111210' })
  const hidden = await department.sql`
    select i.sop_instance_uid, i.rejected_code from instances i join studies s on s.id = i.study_id
    where s.study_uid = ${studyUid} and rejected_code is not null`
  expect(hidden).toEqual([{ sop_instance_uid: images[0], rejected_code: '113001' }])
  const { steps } = await scanLoader(tech.args('/scan-queue'))
  expect(steps.find((step) => step.orderId === orderId && step.isRetake)).toMatchObject({ status: 'planned' })
})

test('a scheduler has neither a scan queue nor a quality check', async () => {
  await expect(scanLoader(scheduler.args('/scan-queue'))).rejects.toMatchObject({ init: { status: 404 } })
  await expect(checkLoader(scheduler.args('/quality-check'))).rejects.toMatchObject({ init: { status: 404 } })
  await expect(scan({ intent: 'scan', text: 'SYN' }, scheduler)).rejects.toMatchObject({
    init: { status: 404 },
  })
})

test('[MA-07] an exam is taken, passed to a colleague while it runs, and of two who reach for it the second is told', async () => {
  const exam = await bookedExam('us-1', '24558-9')
  const { stepId } = exam
  await scan({ intent: 'arrive', stepId })
  await settle(exam.orderId)
  const { people, userId: me } = await scanLoader(tech.args('/scan-queue'))
  const { userId: colleague } = await scanLoader(tech2.args('/scan-queue'))
  expect(people.map(({ id }) => id)).toEqual(expect.arrayContaining([me, colleague]))
  const both = await Promise.all([
    scan({ intent: 'pass', stepId, userId: me, seen: '' }),
    scan({ intent: 'pass', stepId, userId: colleague, seen: '' }, tech2),
  ])
  expect(both.map((answered) => ('code' in answered ? answered.code : 'taken')).sort()).toEqual([
    'already-claimed',
    'taken',
  ])
  const holder = (await onScreen(exam))!.hands!.id
  await scan({ intent: 'begin', stepId, roomId: 'us-1', scanned: '' })
  const other = holder === me ? colleague : me
  await scan({ intent: 'pass', stepId, userId: other, seen: holder })
  expect((await onScreen(exam, tech2))?.hands?.id).toBe(other)
  await expect(scan({ intent: 'pass', stepId, userId: me, seen: other }, scheduler)).rejects.toMatchObject({
    init: { status: 404 },
  })
  const [reader] = await department.sql<
    { id: string }[]
  >`select id from users where user_name = 'radiologist'`
  expect(await scan({ intent: 'pass', stepId, userId: reader!.id, seen: other })).toMatchObject({
    code: 'forbidden',
  })
})

test('[MA-07] who begins an exam has it, and a walk-in is on the table of that room alone', async () => {
  const order = anOrder({ procedures: [aProcedure({ code: '30799-1', steps: [] })] })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const [step] = await department.sql<{ id: string }[]>`
    select id from steps where order_id = ${received.orderIds[0]!}`
  const walkIn = { stepId: step!.id } as Exam
  await scan({ intent: 'arrive', stepId: step!.id })
  await settle(received.orderIds[0]!)
  await scan({ intent: 'begin', stepId: step!.id, roomId: 'ct-2', scanned: '' })
  const { userId } = await scanLoader(tech.args('/scan-queue'))
  expect(await onScreen(walkIn)).toMatchObject({ status: 'started', roomId: 'ct-2', hands: { id: userId } })
})
