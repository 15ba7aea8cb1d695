import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { rejectQuality } from '#db/mutations/quality.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { readableStudy, studyAtTheGate } from '#db/reading.fixture.ts'
import { loader as ordersLoader } from '../orders/orders.tsx'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { loader as lateLoader } from './late.tsx'
import { loader } from './today.tsx'

let department: Department
let head: AtTheScreen
let tech: AtTheScreen

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  head = await sitDown(department, { databaseUrl, user: 'head' })
  tech = await sitDown(department, { databaseUrl, user: 'tech' })
  await readableStudy(department, 'stat')
  await readableStudy(department, 'urgent')
  await studyAtTheGate(department, 'stat')
  await endedByRejection()
  // One of them is late already, and one will be within the hour.
  const now = await department.now()
  const due = (minutes: number) => new Date(now.getTime() + minutes * 60_000)
  await department.sql`update work_items set due_at = ${due(-5)} where kind = 'quality' and state = 'claimed'`
  await department.sql`update work_items set due_at = ${due(30)} where kind = 'read' and priority = 'urgent'`
}, 30_000)

afterAll(() => department.close())

/** None of its images can be used, and there will be no others: discontinued, though nobody said so of the order. */
async function endedByRejection(): Promise<void> {
  const { orderId } = await studyAtTheGate(department, 'stat')
  const [check] = await department.sql<{ itemId: string; fence: number }[]>`
    select id as "itemId", fence from work_items where order_id = ${orderId} and kind = 'quality'`
  const rejection = { ...check!, reasonCodes: ['111210'], instances: [], repeated: false }
  await rejectQuality(department, await actAs(department, 'tech'), rejection)
  await settleOrder(department, await dutyAct(department), { orderId })
}

const today = (query = '') => loader(head.args(`/today${query}`))
const orders = async (query: string) => (await ordersLoader(head.args(`/orders?${query}`))).orders

test('[DB-07] every number of the day is as many orders as its link shows', async () => {
  const { figures } = await today()
  expect(figures.openOrders).toBe(3)
  expect(await orders('show=open')).toHaveLength(figures.openOrders)
  for (const { phase, open, late } of figures.phases) {
    expect([phase, (await orders(`phase=${phase}`)).length]).toEqual([phase, open])
    expect([phase, (await orders(`phase=${phase}&show=late`)).length]).toEqual([phase, late])
  }
  expect(await orders('show=delivered-today')).toHaveLength(figures.deliveredToday)
  expect(await orders('show=to-mend')).toHaveLength(figures.ordersToMend)
  expect(figures.lateItems).toBe(1)
  expect((await lateLoader(head.args('/late?view=late'))).late).toHaveLength(figures.lateItems)
  expect((await lateLoader(head.args('/late?view=due'))).late).toHaveLength(figures.dueWithinHour)
})

test('[DB-01] [DB-07] a segment narrowed to a modality leads to the orders that were measured', async () => {
  const query = 'modality=CT&class=outpatient&site=MAIN'
  const { figures, of } = await today(`?${query}`)
  expect(of).toEqual({ modality: 'CT', patientClass: 'outpatient', site: 'MAIN' })
  const measured = figures.segments.filter(({ n }) => n > 0)
  expect(measured.length).toBeGreaterThan(1)
  for (const { from, to, n } of measured)
    expect(await orders(`segment=${from}~${to}&days=1&${query}`)).toHaveLength(n)
  const [first] = measured
  expect(await orders(`segment=${first!.from}~${first!.to}&days=1&modality=MR`)).toEqual([])
  expect((await today('?modality=XX')).of).toEqual({})
})

test('[DB-01] [DB-07] the day is told hour by hour, and an hour leads to exactly the orders counted in it', async () => {
  const { figures } = await today()
  const measured = figures.segments.filter(({ n }) => n > 1)
  expect(measured.length).toBeGreaterThan(1)
  for (const { from, to, n } of measured.slice(0, 2)) {
    const { byHour } = await today(`?by=${from}~${to}`)
    expect(byHour).toHaveLength(24)
    expect(byHour!.reduce((sum, hour) => sum + hour.n, 0)).toBe(n)
    const quiet = byHour!.findIndex((hour) => hour.n === 0)
    const ids: string[] = []
    for (const [hour, counted] of byHour!.entries()) {
      if (counted.n === 0 && hour !== quiet) continue
      const behind = await orders(`segment=${from}~${to}&days=1&hour=${hour}`)
      expect([hour, behind.length]).toEqual([hour, counted.n])
      ids.push(...behind.map(({ id }) => id))
      const narrowed = (await today(`?hour=${hour}`)).figures.segments
      expect(narrowed.find((each) => each.from === from && each.to === to)?.n ?? 0).toBe(counted.n)
    }
    expect(ids.sort()).toEqual((await orders(`segment=${from}~${to}&days=1`)).map(({ id }) => id).sort())
  }
  expect((await today('?hour=24&by=ordered~nowhere')).byHour).toBeNull()
})

test('[DB-07] who has no such page sees none of its numbers', async () => {
  await expect(loader(tech.args('/today'))).rejects.toMatchObject({ init: { status: 404 } })
  expect((await today()).mayAct).toBe(false)
})
