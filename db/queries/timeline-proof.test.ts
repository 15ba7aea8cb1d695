import { expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { dutyAct } from '../mutations/act.ts'
import { receiveOrderMessage } from '../mutations/inbound-messages.ts'
import { anEnvelope, anOrder, seededDepartment } from '../order.fixture.ts'
import { proveTimeline } from './timeline-proof.ts'

test('[SE-03] a timeline is proved unbroken; one altered word or one event taken out breaks it', async () => {
  const department = await seededDepartment(await testDatabase())
  const { sql } = department
  const act = await dutyAct(department, { source: 'hl7' })
  const received = await receiveOrderMessage(department, act, anEnvelope(), [anOrder()])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  expect(await proveTimeline(sql, orderId)).toEqual({ unbroken: true, brokenAt: null })

  await sql`alter table order_events disable trigger user`
  const [before] = await sql`select data from order_events where order_id = ${orderId} and rev = 1`
  await sql`update order_events set data = data || '{"altered":true}' where order_id = ${orderId} and rev = 1`
  expect(await proveTimeline(sql, orderId)).toEqual({ unbroken: false, brokenAt: 1 })

  await sql`update order_events set data = ${sql.json(before!.data)} where order_id = ${orderId} and rev = 1`
  expect((await proveTimeline(sql, orderId)).unbroken).toBe(true)
  await sql`delete from order_events where order_id = ${orderId} and rev = 2`
  expect(await proveTimeline(sql, orderId)).toEqual({ unbroken: false, brokenAt: 3 })
  await department.close()
})
