import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { dutyAct } from '../mutations/act.ts'
import { beginAttempt, recordAnswer } from '../mutations/deliveries.ts'
import { receiveOrderMessage } from '../mutations/inbound-messages.ts'
import { mutate } from '../mutations/mutate.ts'
import { tellStatus } from '../mutations/order-status.ts'
import { openReport, signReport } from '../mutations/reports.ts'
import { bookStep } from '../mutations/scheduling.ts'
import { settleOrder } from '../mutations/settle.ts'
import { arrive } from '../mutations/steps.ts'
import { claim } from '../mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '../order.fixture.ts'
import { readableStudy } from '../reading.fixture.ts'
import { findOrders } from './orders.ts'
import { departmentFigures, figuresAtHour, type Population } from './today.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

const minutes = (at: Date, n: number) => new Date(at.getTime() + n * 60_000)

async function orderAt(now: Date): Promise<string> {
  const act = await dutyAct(department, { source: 'hl7', now })
  const received = await receiveOrderMessage(department, act, anEnvelope(), [anOrder()])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settleOrder(department, await dutyAct(department, { now }), { orderId })
  return orderId
}

test('[DB-01] the head sees open orders by phase, what is late, and where the time went', async () => {
  const start = await department.now()
  const [first] = [await orderAt(start), await orderAt(start)]
  const [step] = await department.sql`select id from steps where order_id = ${first!}`
  const booked = await actAs(department, 'scheduler', minutes(start, 5))
  await bookStep(department, booked, { stepId: step!.id, roomId: 'ct-1', start: minutes(start, 30) })
  await arrive(department, await actAs(department, 'tech', minutes(start, 25)), { stepId: step!.id })
  await settleOrder(department, await dutyAct(department, { now: minutes(start, 25) }), { orderId: first! })

  const { actor } = await actAs(department, 'head')
  const period = { since: minutes(start, -1), dayStart: minutes(start, -1) }
  const found = await departmentFigures(department.sql, actor, { ...period, now: minutes(start, 26) })
  expect(found.openOrders).toBe(2)
  expect(found.phases.filter(({ open }) => open > 0).map(({ phase, open }) => [phase, open])).toEqual([
    ['protocolled', 1],
    ['arrived', 1],
  ])
  const figures = (from: string, to: string) =>
    found.segments.find((segment) => segment.from === from && segment.to === to)
  expect(figures('ordered', 'scheduled')).toMatchObject({ n: 1, p50: 5 * 60_000, values: [5 * 60_000] })
  expect(figures('scheduled', 'arrived')).toMatchObject({ n: 1, p50: 20 * 60_000 })
  // Below twenty values a p90 would be a guess.
  expect(figures('ordered', 'scheduled')?.p90).toBeNull()
  expect(figures('final', 'sent')).toMatchObject({ n: 0, p50: null })

  const nextMonth = await departmentFigures(department.sql, actor, { ...period, now: minutes(start, 40_000) })
  const [due] = await department.sql`
    select count(*) as n from work_items where state in ('open', 'claimed') and due_at is not null`
  expect(nextMonth.lateItems).toBe(due!.n)
  expect(nextMonth.lateItems).toBeGreaterThan(0)
  expect(nextMonth.phases.reduce((sum, { late }) => sum + late, 0)).toBeGreaterThan(0)
})

test('[DB-01] turnaround is measured by modality, class and site, and the orders behind a number are those measured', async () => {
  const start = minutes(await department.now(), 100_000)
  const ids = [await orderAt(start), await orderAt(start)]
  for (const [n, id] of ids.entries()) {
    const [step] = await department.sql`select id from steps where order_id = ${id}`
    const act = await actAs(department, 'scheduler', minutes(start, 5 + n))
    const room = { stepId: step!.id, roomId: n === 0 ? 'ct-1' : 'ct-2', start: minutes(start, 60) }
    await bookStep(department, act, room)
  }
  await department.sql`update procedures set modality = 'MR' where order_id = ${ids[1]!}`
  await department.sql`update orders set patient_class = 'emergency' where id = ${ids[1]!}`
  const { actor } = await actAs(department, 'head')
  const measured = async (of: Population) => {
    const period = { since: minutes(start, -1), dayStart: start, now: minutes(start, 10), of }
    const { segments } = await departmentFigures(department.sql, actor, period)
    const found = segments.find(({ from, to }) => from === 'ordered' && to === 'scheduled')!
    return [found.n, found.slowest.map(({ orderId }) => ids.indexOf(orderId))]
  }
  expect(await measured({})).toEqual([2, [1, 0]])
  expect(await measured({ modality: 'MR' })).toEqual([1, [1]])
  expect(await measured({ modality: 'CT', site: 'MAIN' })).toEqual([1, [0]])
  expect(await measured({ patientClass: 'emergency' })).toEqual([1, [1]])
  expect(await measured({ patientClass: 'emergency', modality: 'CT' })).toEqual([0, []])
  expect(await measured({ site: 'WEST' })).toEqual([0, []])
})

test('[DB-01] an hour of the day is that of a segment’s first instant on the clocks of its own site', async () => {
  const { sql } = department
  // Ordered 07:50 UTC: 08:50 in Berlin, and 13:20 at a site in Kolkata, whose clocks are half an hour off.
  const start = new Date('2030-01-15T07:50:00Z')
  const [berlin, kolkata, bothHours] = [await orderAt(start), await orderAt(start), await orderAt(start)]
  for (const [id, after, slot] of [
    [berlin, 5, 60],
    [kolkata, 5, 120],
    [bothHours, 25, 180],
  ] as const) {
    const [step] = await sql`select id from steps where order_id = ${id}`
    const booked = { stepId: step!.id, roomId: 'ct-1', start: minutes(start, slot) }
    await bookStep(department, await actAs(department, 'scheduler', minutes(start, after)), booked)
    await arrive(department, await actAs(department, 'tech', minutes(start, after + 20)), {
      stepId: step!.id,
    })
  }
  await sql`update sites set zone = case id when 'WEST' then 'Asia/Kolkata' else 'Europe/Berlin' end`
  await sql`update orders set site_id = 'WEST' where id = ${kolkata}`
  const { actor } = await actAs(department, 'head')
  const period = { since: minutes(start, -1), dayStart: start, now: minutes(start, 60) }
  const figures = await departmentFigures(sql, actor, period)
  const atHour = (from: string, hour: number) => {
    const found = figuresAtHour(figures, hour)
    const { n, p50, slowest } = found.segments.find((segment) => segment.from === from)!
    return [
      n,
      p50 === null ? null : p50 / 60_000,
      slowest.map(({ orderId }) => orderId).sort(),
      found.procedures,
    ]
  }
  expect(atHour('ordered', 8)).toEqual([2, 5, [berlin, bothHours].sort(), 2])
  expect(atHour('ordered', 13)).toEqual([1, 5, [kolkata], 1])
  expect(atHour('ordered', 7)).toEqual([0, null, [], 0])
  // Each segment by its own first instant: what was ordered at 8 and booked at 9 waits from 9 on.
  expect(atHour('scheduled', 8)).toEqual([1, 20, [berlin], 2])
  expect(atHour('scheduled', 9)).toEqual([1, 20, [bothHours], 1])
})

test('[DB-01] a period is of what ended in it, on the clocks of each site, whenever it was ordered', async () => {
  const { sql } = department
  await sql`update sites set zone = case id when 'WEST' then 'Europe/Lisbon' else 'Europe/Berlin' end`
  // Booked two days after it was ordered: half past midnight in Berlin, half past eleven the evening before in Lisbon.
  const ordered = new Date('2031-01-13T08:00:00Z')
  const booked = new Date('2031-01-14T23:30:00Z')
  const ids = [await orderAt(ordered), await orderAt(ordered)]
  for (const [n, id] of ids.entries()) {
    const [step] = await sql`select id from steps where order_id = ${id}`
    const slot = { stepId: step!.id, roomId: n === 0 ? 'ct-1' : 'ct-2', start: minutes(booked, 600) }
    await bookStep(department, await actAs(department, 'scheduler', booked), slot)
  }
  await sql`update orders set site_id = 'WEST' where id = ${ids[1]!}`
  const { actor } = await actAs(department, 'head')
  const since = new Date('2031-01-14T23:00:00Z')
  const period = { since, dayStart: since, zone: 'Europe/Berlin', now: minutes(booked, 60) }
  const { segments, procedures } = await departmentFigures(sql, actor, period)
  const measured = segments.filter(({ n }) => n > 0)
  expect(measured.map(({ from, to, slowest }) => [from, to, slowest.map(({ orderId }) => orderId)])).toEqual([
    ['ordered', 'scheduled', [ids[0]]],
  ])
  expect(procedures).toBe(1)
})

test('[DB-01] delivered is what its own receivers have: no word of where an order stands, and nothing of one that came later', async () => {
  const { sql } = department
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  const sections = ['findings', 'impression'].map((key) => ({ key, text: 'Normal.' }))
  await mutate(department, await dutyAct(department), 'tell-status', (scope) =>
    tellStatus(scope, orderId, 'arrived'),
  )
  const { actor } = await actAs(department, 'head')
  const acknowledged = async () => {
    const [delivery] = await sql<{ id: string }[]>`
      select id from deliveries where order_id = ${orderId} and state <> 'acknowledged' order by lane_position limit 1`
    const [deliveryId, duty] = [delivery!.id, await dutyAct(department)]
    await beginAttempt(department, duty, { deliveryId, bytes: Buffer.from('x') })
    await recordAnswer(department, duty, { deliveryId, answer: 'acknowledged' })
    const period = { since: minutes(reader.now, -60), dayStart: minutes(reader.now, -60), now: duty.now }
    const { deliveredToday, segments } = await departmentFigures(sql, actor, period)
    const behind = await findOrders(sql, actor, { deliveredSince: period.dayStart, limit: 10 })
    const last = segments.find(({ from, to }) => from === 'sent' && to === 'delivered')!
    return [deliveredToday, behind.map(({ id }) => id), last.n]
  }
  expect(await acknowledged()).toEqual([0, [], 0])
  expect((await findOrders(sql, actor, { id: orderId, limit: 1 }))[0]!.times).not.toHaveProperty('delivered')
  await signReport(department, reader, { ...held, reportId, content: { sections }, reauthenticated: true })
  expect(await acknowledged()).toEqual([1, [orderId], 1])
  await sql`
    insert into destinations (id, name, kind, host, port) values ('late', 'Late', 'hl7-oru', '127.0.0.1', 2599)`
  await mutate(department, await dutyAct(department), 'tell-status', (scope) =>
    tellStatus(scope, orderId, 'acquired'),
  )
  expect(await acknowledged()).toEqual([1, [orderId], 1])
})

test('somebody without a right to see the department sees no figures of it', async () => {
  const { actor } = await actAs(department, 'referrer')
  const now = await department.now()
  const found = await departmentFigures(department.sql, actor, {
    since: minutes(now, -60),
    dayStart: now,
    now,
  })
  expect(found).toMatchObject({ openOrders: 0, lateItems: 0, procedures: 0 })
})
