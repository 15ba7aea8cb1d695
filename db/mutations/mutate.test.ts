/** The shape of every write: what becomes of an act that another one stands in the way of. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '../order.fixture.ts'
import { readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import { receiveOrderMessage } from './inbound-messages.ts'
import { mutate, PHASE } from './mutate.ts'
import { issueWetRead, openReport, saveDraft } from './reports.ts'
import { claim, release } from './work-items.ts'

let department: Department
let told: string[] = []

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  department.announce = (topics) => void told.push(...topics)
})

afterAll(() => department.close())

test('whatever changes where an order stands rings on the lists of orders, and what only says who works on it does not', async () => {
  const { itemId } = await readableStudy(department, 'stat')
  const rings = async (act: Promise<unknown>) => {
    told = []
    await act
    return told.includes(PHASE)
  }
  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId })
  const { reportId } = await openReport(department, reader, held)
  const content = { sections: [{ key: 'impression', text: 'No bleed.' }] }
  const under = { ...held, reportId, content }
  expect(await rings(saveDraft(department, reader, under))).toBe(false)
  expect(await rings(issueWetRead(department, reader, under))).toBe(true)
  expect(await rings(release(department, reader, held))).toBe(false)
})

test('[RW-01] an exam whose order turns out to be urgent rings on the list that it stands on', async () => {
  const order = anOrder({ priority: { level: 'routine', word: 'R' } })
  const { itemId } = await readableStudy(department, 'routine', {
    placer: order.placer,
    patient: order.patient,
  })
  told = []
  const changed = { ...order, control: 'XO', priority: { level: 'stat', word: 'S' } } as const
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [changed])
  expect(received.outcome).toBe('accepted')
  const [item] = await department.sql`select priority from work_items where id = ${itemId}`
  expect([item!.priority, told.includes('list:read')]).toEqual(['stat', true])
})

test('of two acts that wait for each other one gives way and is done again, whole and once', async () => {
  const duty = await dutyAct(department)
  const orders = await Promise.all(
    [1, 2].map(async () => {
      const received = await receiveOrderMessage(department, duty, anEnvelope(), [anOrder()])
      return received.outcome === 'accepted' ? received.orderIds[0]! : ''
    }),
  )
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  told = []
  let tries = 0
  const across = (from: number) =>
    mutate(department, duty, 'test', async (scope) => {
      tries += 1
      scope.append(orders[from]!, { type: 'order.changed', data: {} })
      await scope.lockOrder(orders[from]!)
      both[from]!.resolve()
      await both[1 - from]!.promise
      await scope.lockOrder(orders[1 - from]!)
      return from
    })
  expect(await Promise.all([across(0), across(1)])).toEqual([0, 1])
  expect(tries).toBe(3)
  const events = await department.sql`
    select order_id, count(*)::int as n from order_events 
    where type = 'order.changed' and order_id = any(${orders}) group by 1`
  expect(events.map(({ n }) => n)).toEqual([1, 1])
  expect(told.filter((topic) => topic.startsWith('order:')).sort()).toEqual(
    orders.map((id) => `order:${id}`).sort(),
  )
})
