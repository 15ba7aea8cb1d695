import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { seededDepartment } from '#db/order.fixture.ts'
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
  // One of them is late already, and one will be within the hour.
  const now = await department.now()
  const due = (minutes: number) => new Date(now.getTime() + minutes * 60_000)
  await department.sql`update work_items set due_at = ${due(-5)} where kind = 'quality' and state = 'claimed'`
  await department.sql`update work_items set due_at = ${due(30)} where kind = 'read' and priority = 'urgent'`
}, 30_000)

afterAll(() => department.close())

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

test('[DB-07] who has no such page sees none of its numbers', async () => {
  await expect(loader(tech.args('/today'))).rejects.toMatchObject({ init: { status: 404 } })
  expect((await today()).mayAct).toBe(false)
})
