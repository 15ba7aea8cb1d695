/** What an order message changes of an order that is already on its way to the scanner, and what it stops there. */
import { expect, test } from 'vitest'
import type { OrderMessage } from '#domain/order-message.ts'
import { actAs, anEnvelope, anOrder, aProcedure, storedImages } from '../order.fixture.ts'
import { openItem } from '../reading.fixture.ts'
import type { Ordered } from '../scanned.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { receiveOrderMessage } from './inbound-messages.ts'
import { uuidUid } from './minting.ts'
import { beginPerformedStep, changePerformedStep, decideStopped } from './performed-steps.ts'
import { bookStep } from './scheduling.ts'
import { settleOrder } from './settle.ts'
import { arrive } from './steps.ts'
import { indexInstances } from './studies.ts'

const department = await soundDepartment()

async function send(said: OrderMessage): Promise<string> {
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [said])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settleOrder(department, await dutyAct(department), { orderId })
  return orderId
}

const asking = (code: string, ...more: string[]): OrderMessage =>
  anOrder({ procedures: [code, ...more].map((each) => aProcedure({ code: each, steps: [] })) })

/** The same order, asked for otherwise. */
const changedTo = (said: OrderMessage, code: string, side?: 'left' | 'right'): OrderMessage => ({
  ...said,
  control: 'XO',
  procedures: [aProcedure({ code, text: 'changed', steps: [], ...(side && { side }) })],
})

async function booked(orderId: string, roomId: string, inMs: number): Promise<string> {
  const [step] = await department.sql<{ id: string }[]>`select id from steps where order_id = ${orderId}`
  const start = new Date((await department.now()).getTime() + inMs)
  await bookStep(department, await actAs(department, 'scheduler'), { stepId: step!.id, roomId, start })
  return step!.id
}

const stepsOf = (orderId: string) => department.sql`
  select status, modality, room_id, protocol_name, (extract(epoch from planned_end - planned_start) / 60)::int as minutes
  from steps where order_id = ${orderId} order by id`

test('an order changed to another exam before it was booked is booked, protocolled and listed as that', async () => {
  const said = asking('30799-1')
  const orderId = await send(said)
  await send(changedTo(said, '24587-8'))
  expect(await stepsOf(orderId)).toMatchObject([
    { status: 'planned', modality: 'MR', protocol_name: 'MR brain w/o + w' },
  ])
  const [item] = await department.sql`
    select modality from work_items where id = ${await openItem(department, orderId, 'schedule')}`
  expect(item).toEqual({ modality: 'MR' })
})

test('a longer exam keeps its slot where the room is free for it, and frees it where it is not', async () => {
  const [alone, before, next] = [asking('30657-1'), asking('30657-1'), asking('30657-1')]
  const orders = [await send(alone), await send(before), await send(next)] as const
  await booked(orders[0], 'mr-1', 0)
  await booked(orders[1], 'mr-2', 0)
  await booked(orders[2], 'mr-2', 35 * 60_000)
  await send(changedTo(alone, '24587-8'))
  await send(changedTo(before, '24587-8'))
  expect(await stepsOf(orders[0])).toMatchObject([{ status: 'scheduled', room_id: 'mr-1', minutes: 55 }])
  expect(await stepsOf(orders[1])).toMatchObject([{ status: 'planned', room_id: null, minutes: null }])
})

test('who is here already stays here, and waits for a room of the new exam', async () => {
  const said = asking('30799-1')
  const orderId = await send(said)
  const stepId = await booked(orderId, 'ct-1', 0)
  await arrive(department, await actAs(department, 'tech'), { stepId })
  await send(changedTo(said, '36643-5'))
  expect(await stepsOf(orderId)).toMatchObject([{ status: 'ready', modality: 'DX', room_id: null }])
})

test('a change of side alone changes the side and nothing else', async () => {
  const said = asking('30788-4')
  const orderId = await send(said)
  await booked(orderId, 'xr-1', 2 * 3_600_000)
  const before = await stepsOf(orderId)
  await send(changedTo(said, '30788-4', 'left'))
  expect(await stepsOf(orderId)).toEqual(before)
  const [procedure] = await department.sql`select side, code from procedures where order_id = ${orderId}`
  expect(procedure).toEqual({ side: 'left', code: '30788-4' })
})

/** On the X-ray table, with the first of its procedures. */
async function onTheTable(said: OrderMessage): Promise<Ordered & { mpps: string; performedStepId: string }> {
  const orderId = await send(said)
  const [row] = await department.sql<(Ordered & { number: string })[]>`
    select ${orderId} as "orderId", s.id as "stepId", p.study_uid as "studyUid", o.accession, s.step_number as number
    from steps s join procedures p on p.id = s.procedure_id join orders o on o.id = s.order_id
    where o.id = ${orderId} and p.position = 1`
  const device = await deviceAct(department, 'XR1')
  const mpps = uuidUid()
  const { studyUid, accession, number } = row!
  await beginPerformedStep(department, device, {
    ...{ sopInstanceUid: mpps, stationAe: 'XR1', studyUid, startedAt: device.now, dataset: {} },
    scheduled: [{ stepNumber: number, accession, studyUid }],
  })
  const [performed] = await department.sql<{ id: string }[]>`
    select id from performed_steps where sop_instance_uid = ${mpps}`
  return { ...row!, mpps, performedStepId: performed!.id }
}

async function stopped(
  { orderId, mpps }: { orderId: string; mpps: string },
  reasonCode: string,
): Promise<void> {
  const device = await deviceAct(department, 'XR1')
  await changePerformedStep(department, device, {
    ...{ sopInstanceUid: mpps, status: 'DISCONTINUED', reasonCode, series: [], dataset: {} },
  })
  await settleOrder(department, await dutyAct(department), { orderId })
}

const standing = async ({ orderId }: { orderId: string }) =>
  (
    await department.sql`
      select o.phase, array(select status from steps s where s.order_id = o.id order by s.id) as steps,
        array(select kind from work_items w where w.order_id = o.id and w.state in ('open', 'claimed') order by kind) as open
      from orders o where o.id = ${orderId}`
  )[0]

test.each(['110501', '110513'])(
  'an exam that its orderer asked to stop ends with the stop (%s), and is not booked again',
  async (reason) => {
    const said = asking('36643-5')
    const exam = await onTheTable(said)
    await send({ ...said, control: 'DC' })
    expect(await standing(exam)).toMatchObject({ phase: 'acquiring', steps: ['started'] })
    await stopped(exam, reason)
    expect(await standing(exam)).toEqual({ phase: 'discontinued', steps: ['discontinued'], open: [] })
  },
)

test('of an exam that is to stop, what has not begun is no longer wanted', async () => {
  const said = asking('36643-5', '24722-1')
  const exam = await onTheTable(said)
  await send({ ...said, control: 'DC' })
  expect(await standing(exam)).toMatchObject({ phase: 'acquiring', steps: ['started', 'cancelled'] })
})

test('an exam that was to stop and has images is decided by a technologist, who may not book it again', async () => {
  const said = asking('36643-5')
  const exam = await onTheTable(said)
  const images = storedImages(exam.studyUid, 1, { sourceAe: 'XR1' })
  await indexInstances(department, await deviceAct(department, 'XR1'), images)
  await send({ ...said, control: 'DC' })
  await stopped(exam, '110513')
  const tech = await actAs(department, 'tech')
  const { performedStepId } = exam
  const again = decideStopped(department, tech, { performedStepId, decision: 'book-again' })
  await expect(again).rejects.toMatchObject({ code: 'order-ended' })
  await decideStopped(department, tech, { performedStepId, decision: 'end-exam' })
  expect(await standing(exam)).toMatchObject({ phase: 'discontinued' })
})

test('an exam that was to stop, and was another’s, is cancelled', async () => {
  const said = asking('36643-5')
  const exam = await onTheTable(said)
  await send({ ...said, control: 'DC' })
  await stopped(exam, '110514')
  expect(await standing(exam)).toMatchObject({ phase: 'cancelled', steps: ['cancelled'] })
})
