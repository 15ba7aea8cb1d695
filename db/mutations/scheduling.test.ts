/** Bookings that move and patients who come late: somebody at the scanner waits for every one of them. */
import { expect, test } from 'vitest'
import { actAs } from '../order.fixture.ts'
import { type Ordered, ordered } from '../scanned.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { deviceAct, dutyAct } from './act.ts'
import { uuidUid } from './minting.ts'
import type { Act } from './mutate.ts'
import { beginPerformedStep, changePerformedStep } from './performed-steps.ts'
import { bookStep, reRoom } from './scheduling.ts'
import { settleOrder } from './settle.ts'
import { arrive } from './steps.ts'

const department = await soundDepartment()

// Noon in Berlin, so that no booking of an hour or two is on another day.
const NOON = new Date('2030-03-12T11:00:00Z')
const after = (hours: number) => new Date(NOON.getTime() + hours * 3_600_000)

async function booked(start: Date): Promise<Ordered> {
  const order = await ordered(department)
  const scheduler = await actAs(department, 'scheduler', NOON)
  await bookStep(department, scheduler, { stepId: order.stepId, roomId: 'xr-1', start, minutes: 10 })
  return order
}

async function waited({ orderId }: Ordered, now: Date): Promise<string[]> {
  await settleOrder(department, await dutyAct(department, { now }), { orderId })
  const rows = await department.sql<{ kind: string }[]>`
    select kind from work_items where order_id = ${orderId} and state in ('open', 'claimed') order by kind`
  return rows.map(({ kind }) => kind)
}

/** The X-ray room takes the order's entry. */
async function begun(
  { stepId, accession, studyUid }: Ordered,
  { device, sopInstanceUid }: { device: Act; sopInstanceUid: string },
): Promise<void> {
  const [step] = await department.sql<{ step_number: string }[]>`
    select step_number from steps where id = ${stepId}`
  await beginPerformedStep(department, device, {
    ...{ sopInstanceUid, stationAe: 'XR1', studyUid, startedAt: NOON, dataset: {} },
    scheduled: [{ stepNumber: step!.step_number, accession, studyUid }],
  })
}

test('[SC-04] who comes after they were given up is waited for at the scanner', async () => {
  const order = await booked(after(1))
  expect(await waited(order, NOON)).toEqual(['perform'])
  expect(await waited(order, after(2))).toEqual(['rebook'])
  await arrive(department, await actAs(department, 'tech', after(2.5)), { stepId: order.stepId })
  expect(await waited(order, after(2.5))).toEqual(['perform'])
})

test.each([
  ['110501', [], ['schedule']],
  ['110503', [], ['schedule']],
  ['110510', [], ['mend', 'schedule']],
  ['110504', [], []],
  // Named, and on their way: what they are good for is asked, whatever the reason.
  ['110504', [{ seriesUid: '2.25.1', instances: ['2.25.11'] }], ['decide', 'perform']],
  ['110513', [], ['decide', 'perform']],
  [undefined, [], ['decide', 'perform']],
])('[AR-06] an exam that is stopped (%s) stays somebody’s', async (reasonCode, series, kinds) => {
  const order = await ordered(department)
  const device = await deviceAct(department, 'XR1', { now: NOON })
  const sopInstanceUid = uuidUid()
  await begun(order, { device, sopInstanceUid })
  const stopped = {
    sopInstanceUid,
    status: 'DISCONTINUED',
    series,
    dataset: {},
    ...(reasonCode && { reasonCode }),
  } as const
  await changePerformedStep(department, device, stopped)
  expect(await waited(order, NOON)).toEqual(kinds)
})

test('[SC-04] a walk-in whose entry the modality took by mistake is to be booked again', async () => {
  const order = await ordered(department)
  expect(await waited(order, NOON)).toEqual(['schedule'])
  const device = await deviceAct(department, 'XR1', { now: NOON })
  const sopInstanceUid = uuidUid()
  await begun(order, { device, sopInstanceUid })
  expect(await waited(order, NOON)).toEqual(['perform'])
  await changePerformedStep(department, device, {
    ...{ sopInstanceUid, status: 'DISCONTINUED', reasonCode: '110514', series: [], dataset: {} },
  })
  expect(await waited(order, NOON)).toContain('schedule')
})

test('[SC-04] who was moved to another day by the lead is waited for on that day, and on the old one when it is undone', async () => {
  const order = await booked(after(2))
  expect(await waited(order, NOON)).toEqual(['perform'])
  const lead = await actAs(department, 'lead', NOON)
  const move = { stepId: order.stepId, roomId: 'xr-1', reason: 'late' }
  const before = await reRoom(department, lead, { ...move, start: after(25) })
  expect(await waited(order, NOON)).toEqual([])
  expect(await waited(order, after(20))).toEqual(['perform'])
  await reRoom(department, lead, { ...move, start: new Date(before.start) })
  expect(await waited(order, NOON)).toEqual(['perform'])
})
