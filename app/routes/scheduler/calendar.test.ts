import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { anEnvelope, anOrder, aProcedure, seededDepartment } from '#db/order.fixture.ts'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { action, loader } from './calendar.tsx'

let department: Department
let scheduler: AtTheScreen
let tech: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  scheduler = await sitDown(department, { databaseUrl, user: 'scheduler' })
  tech = await sitDown(department, { databaseUrl, user: 'tech' })
})

afterAll(() => department.close())

/** A routine order whose message brought no time. */
async function waitingStep(): Promise<{ orderId: string; stepId: string }> {
  const order = anOrder({
    priority: { level: 'routine', word: 'R' },
    procedures: [aProcedure({ steps: [] })],
  })
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [order])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settleOrder(department, await dutyAct(department), { orderId })
  const [step] = await department.sql<{ id: string }[]>`select id from steps where order_id = ${orderId}`
  return { orderId, stepId: step!.id }
}

const post = (fields: Record<string, string>) => action(scheduler.args('/to-schedule', fields))
const page = (search = '') => loader(scheduler.args(`/to-schedule${search}`))
const statusOf = async (stepId: string) =>
  (await department.sql`select status, room_id, planned_start from steps where id = ${stepId}`)[0]

test('[OS-09] an order without a time waits by its deadline, and the first free time that is offered can be booked', async () => {
  const { stepId } = await waitingStep()
  expect((await page()).waiting.map((step) => step.stepId)).toContain(stepId)
  const { proposals } = await page(`?step=${stepId}`)
  const [first] = proposals
  expect(
    await post({ intent: 'book', stepId, roomId: first!.roomId, start: first!.start.toISOString() }),
  ).toMatchObject({
    ok: true,
  })
  expect(await statusOf(stepId)).toEqual({
    status: 'scheduled',
    room_id: first!.roomId,
    planned_start: first!.start,
  })
  const again = await page(`?step=${(await waitingStep()).stepId}`)
  expect(again.proposals.map(({ roomId, start }) => `${roomId} ${start.getTime()}`)).not.toContain(
    `${first!.roomId} ${first!.start.getTime()}`,
  )
})

test('[OS-09] of many who book one time at once one gets it, and the others are told who has it', async () => {
  const steps = await Promise.all(Array.from({ length: 6 }, waitingStep))
  const slot = { roomId: 'ct-2', date: '2031-03-12', time: '14:05' }
  const answers = await Promise.all(steps.map(({ stepId }) => post({ intent: 'book', stepId, ...slot })))
  const won = answers.filter((answered) => answered.ok)
  expect(won).toEqual([{ ok: true, bookedAt: '2031-03-12T13:05:00.000Z' }])
  const lost = answers.filter((answered) => !answered.ok)
  const holder = steps[answers.findIndex((answered) => answered.ok)]!
  const [{ accession }] =
    (await department.sql`select accession from orders where id = ${holder.orderId}`) as unknown as [
      { accession: string },
    ]
  expect(lost).toHaveLength(5)
  for (const answered of lost) {
    expect(answered).toMatchObject({
      code: 'slot-taken',
      taken: { accession, name: { alphabetic: { family: 'TESTPERSON' } } },
    })
  }
  const { booked } = await page('?day=2031-03-12')
  expect(booked.map(({ stepId }) => stepId)).toEqual([holder.stepId])
})

test('a slot is moved, given up and taken off the calendar with its order, for a reason', async () => {
  const { stepId, orderId } = await waitingStep()
  const slot = { stepId, roomId: 'ct-1', date: '2031-04-01' }
  await post({ intent: 'book', ...slot, time: '09:00' })
  expect(await post({ intent: 'book', ...slot, time: '10:30' })).toMatchObject({ ok: true })
  expect(await statusOf(stepId)).toMatchObject({ planned_start: new Date('2031-04-01T08:30:00Z') })
  await post({ intent: 'unbook', stepId })
  expect(await statusOf(stepId)).toEqual({ status: 'planned', room_id: null, planned_start: null })
  expect(await post({ intent: 'cancel', orderId, reason: '' })).toMatchObject({ code: 'reason-required' })
  expect(await post({ intent: 'cancel', orderId, reason: 'no-longer-needed' })).toMatchObject({ ok: true })
  expect(await statusOf(stepId)).toMatchObject({ status: 'cancelled' })
  expect((await page()).waiting.map((step) => step.stepId)).not.toContain(stepId)
})

test('an impossible time is refused, and a technologist has no calendar', async () => {
  const { stepId } = await waitingStep()
  const slot = { stepId, roomId: 'ct-1', date: '2031-04-02' }
  expect(await post({ intent: 'book', ...slot, time: '25:99' })).toMatchObject({ code: 'invalid-message' })
  await expect(loader(tech.args('/to-schedule'))).rejects.toMatchObject({ init: { status: 404 } })
})
