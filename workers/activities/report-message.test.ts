import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { laneHead } from '#db/mutations/deliveries.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { anEnvelope, anOrder, aProcedure, seededDepartment } from '#db/order.fixture.ts'
import { parseMessage } from '#interop/v2/message.ts'
import { acceptStudy, readAndSign, scan } from '../testing/department-day.ts'
import { messageFor } from './report-message.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(() => department.close())

test('[EH-01] a report over two procedures of one order tells its receiver of both', async () => {
  const { sql } = department
  const procedures = [aProcedure(), aProcedure({ code: '29252-4', text: 'CT chest' })]
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
    anOrder({ procedures }),
  ])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const settle = async () => settleOrder(department, await dutyAct(department), { orderId })
  // Both were done in one go, as one study.
  await sql`
    update procedures set study_uid = (select study_uid from procedures where order_id = ${orderId} and position = 1)
    where order_id = ${orderId}`
  await settle()
  await scan(department, orderId)
  await settle()
  await acceptStudy(department, orderId)
  await settle()
  const { reportId } = await readAndSign(department, orderId)
  const { lanes } = await settle()
  const head = await laneHead(department, lanes[0]!)
  expect(head?.reportId).toBe(reportId)

  const rendered = await messageFor(department, head!)
  if ('missing' in rendered) throw new Error(rendered.missing.join())
  const message = parseMessage(rendered.bytes)
  const known = await sql`
    select code, requested_procedure_id as rp, study_uid as study from procedures where order_id = ${orderId} order by position`
  const told = message.all('OBR').map((obr) => ({ code: obr.get('4.1'), rp: obr.get(19) }))
  expect(told).toEqual(known.map(({ code, rp }) => ({ code, rp })))
  expect(told.map(({ code }) => code)).toEqual(['30799-1', '29252-4'])
  const studies = message.all('OBX').filter((obx) => obx.get('3.1') === '113014')
  expect(studies.map((obx) => obx.get(5))).toEqual(known.map(({ study }) => study))
  const [accession] = new Set(message.all('OBR').map((obr) => obr.get(18)))
  expect(message.all('OBR').every((obr) => obr.get(18) === accession && obr.get(7) !== '')).toBe(true)
})
