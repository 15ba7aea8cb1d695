import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, anEnvelope, anOrder, seededDepartment, storedImages } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { deviceAct, dutyAct } from './act.ts'
import { beginAttempt, laneHead, recordAnswer } from './deliveries.ts'
import { receiveOrderMessage } from './inbound-messages.ts'
import { beginPerformedStep, changePerformedStep } from './performed-steps.ts'
import { acceptQuality } from './quality.ts'
import { openReport, saveDraft, signReport } from './reports.ts'
import { assignRetention } from './retention.ts'
import { bookStep } from './scheduling.ts'
import { settleOrder } from './settle.ts'
import { arrive } from './steps.ts'
import { indexInstances } from './studies.ts'
import { claim } from './work-items.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

const findings = {
  sections: [
    { key: 'findings', text: 'No bleed.' },
    { key: 'impression', text: 'Normal.' },
  ],
}

async function phaseOf(orderId: string): Promise<string> {
  const [row] = await department.sql`select phase from orders where id = ${orderId}`
  return row!.phase
}

async function settle(orderId: string) {
  return settleOrder(department, await dutyAct(department), { orderId })
}

async function openItem(orderId: string, kind: string): Promise<string> {
  const [row] =
    await department.sql`select id from work_items where order_id = ${orderId} and kind = ${kind} and state = 'open'`
  if (!row) throw new Error(`no open ${kind}`)
  return row.id
}

test('an order goes from message to acknowledged report, one phase after the other', async () => {
  const { sql } = department
  const received = await receiveOrderMessage(
    department,
    await dutyAct(department, { source: 'hl7' }),
    anEnvelope(),
    [anOrder()],
  )
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settle(orderId)
  expect(await phaseOf(orderId)).toBe('protocolled')

  const [step] =
    await sql`select s.*, p.study_uid, o.accession from steps s join procedures p on p.id = s.procedure_id join orders o on o.id = s.order_id where s.order_id = ${orderId}`
  await openItem(orderId, 'schedule')
  await bookStep(department, await actAs(department, 'scheduler'), {
    stepId: step!.id,
    roomId: 'ct-1',
    start: await department.now(),
  })
  await settle(orderId)
  expect(await phaseOf(orderId)).toBe('scheduled')
  await arrive(department, await actAs(department, 'tech'), { stepId: step!.id })
  expect(await phaseOf(orderId)).toBe('arrived')

  const device = await deviceAct(department, 'CT1')
  const sopInstanceUid = '1.2.3.4.5'
  await beginPerformedStep(department, device, {
    sopInstanceUid,
    stationAe: 'CT1',
    studyUid: step!.study_uid,
    scheduled: [{ stepNumber: step!.step_number, accession: step!.accession, studyUid: step!.study_uid }],
    startedAt: await department.now(),
    dataset: {},
  })
  expect(await phaseOf(orderId)).toBe('acquiring')
  const images = storedImages(step!.study_uid, 3)
  await indexInstances(department, device, images)
  expect(
    await changePerformedStep(department, device, {
      sopInstanceUid,
      status: 'COMPLETED',
      series: [{ seriesUid: images[0]!.seriesUid, instances: images.map((image) => image.sopInstanceUid) }],
      dataset: {},
    }),
  ).toBe('changed')
  expect(await phaseOf(orderId)).toBe('acquired')
  await settle(orderId)
  expect(await phaseOf(orderId)).toBe('quality-check')

  const tech = await actAs(department, 'tech')
  const checked = await claim(department, tech, { itemId: await openItem(orderId, 'quality') })
  await acceptQuality(department, tech, checked)
  await settle(orderId)
  expect(await phaseOf(orderId)).toBe('reading')

  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId: await openItem(orderId, 'read') })
  const { reportId } = await openReport(department, reader, held)
  await saveDraft(department, reader, { ...held, reportId, content: findings })
  await expect(
    signReport(department, reader, { ...held, reportId, content: findings, reauthenticated: false }),
  ).rejects.toMatchObject({ code: 'reauthentication-required' })
  await signReport(department, reader, { ...held, reportId, content: findings, reauthenticated: true })
  expect(await phaseOf(orderId)).toBe('final')

  const { lanes } = await settle(orderId)
  expect(lanes).toHaveLength(1)
  const head = await laneHead(department, lanes[0]!)
  await beginAttempt(department, await dutyAct(department), { deliveryId: head!.id, bytes: Buffer.from('x') })
  await recordAnswer(department, await dutyAct(department), {
    deliveryId: head!.id,
    answer: 'acknowledged',
    code: 'AA',
  })
  expect(await phaseOf(orderId)).toBe('delivered')
  await assignRetention(department, await dutyAct(department), { orderId })
  const [study] =
    await sql`select tier, to_char(expires_on, 'YYYY') as year, retention_rule from studies where study_uid = ${step!.study_uid}`
  expect(study).toMatchObject({ tier: 'ssd', retention_rule: expect.any(String) })
  const settled = await settle(orderId)
  expect(settled.closesAt).toBeInstanceOf(Date)
  expect(await invariantViolations(sql)).toEqual([])
})
