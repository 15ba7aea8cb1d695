import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { type DeliveryHead, laneHead } from '#db/mutations/deliveries.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { issuePreliminary, openReport, signReport } from '#db/mutations/reports.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, aProcedure, seededDepartment } from '#db/order.fixture.ts'
import { openItem, readableStudy } from '#db/reading.fixture.ts'
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

test('[RP-05] a receiver learns who wrote beside who signed, about the patient as they are known today, with the page where it wants one', async () => {
  const { sql } = department
  await sql`update destinations set policy = policy || '{"pdf": "ed"}'`
  const { orderId, itemId } = await readableStudy(department, 'stat')
  const other = await readableStudy(department, 'stat')
  const resident = await actAs(department, 'resident')
  const held = await claim(department, resident, { itemId })
  const { reportId } = await openReport(department, resident, held)
  const content = { sections: ['findings', 'impression'].map((key) => ({ key, text: 'No bleed.' })) }
  await issuePreliminary(department, resident, { ...held, reportId, content })
  await settleOrder(department, await dutyAct(department), { orderId })
  const attending = await actAs(department, 'radiologist')
  const second = await claim(department, attending, {
    itemId: await openItem(department, orderId, 'over-read'),
  })
  await signReport(department, attending, {
    ...{ ...second, reportId, content, reauthenticated: true, agreement: 'agree' },
  })
  await sql`
    insert into merge_links (id, from_patient, to_patient, at, by)
    select 'link', a.patient_id, b.patient_id, now(), 'test' from orders a, orders b
    where a.id = ${orderId} and b.id = ${other.orderId}`

  const ofVersion = async (version: number) => {
    const [delivery] = await sql<{ id: string }[]>`
      select id from deliveries where report_id = ${reportId} and version = ${version}`
    const rendered = await messageFor(department, { id: delivery!.id } as DeliveryHead)
    if ('missing' in rendered) throw new Error(rendered.missing.join())
    return parseMessage(rendered.bytes)
  }
  const [first, last] = [await ofVersion(1), await ofVersion(2)]
  const interpreters = [first, last].map((message) =>
    [32, 33].map((n) => message.first('OBR')!.get(`${n}.1.1`)),
  )
  expect(interpreters).toEqual([
    ['', resident.actor.id],
    [attending.actor.id, resident.actor.id],
  ])
  const [survivor] = await sql<{ value: string }[]>`
    select i.value from patient_identifiers i join orders o on o.patient_id = i.patient_id where o.id = ${other.orderId}`
  expect(last.first('PID')!.get('3.1')).toBe(survivor!.value)
  const page = last.all('OBX').at(-1)!
  expect([page.get(2), page.get('5.3'), page.get('5.4')]).toEqual(['ED', 'PDF', 'Base64'])
  expect(
    Buffer.from(page.get('5.5') ?? '', 'base64')
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-')
})
