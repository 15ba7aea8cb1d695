import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { deviceAct, dutyAct } from '#db/mutations/act.ts'
import { beginAttempt, laneHead, recordAnswer } from '#db/mutations/deliveries.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { beginPerformedStep, changePerformedStep } from '#db/mutations/performed-steps.ts'
import { acceptQuality } from '#db/mutations/quality.ts'
import { openReport, saveDraft, signReport } from '#db/mutations/reports.ts'
import { bookStep } from '#db/mutations/scheduling.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { arrive } from '#db/mutations/steps.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, anEnvelope, anOrder, seededDepartment, storedImages } from '#db/order.fixture.ts'
import { orderParts } from '#db/queries/order-parts.ts'
import { timeline } from '#db/queries/orders.ts'
import { statesAlong } from './state-at.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

const settle = async (orderId: string) => settleOrder(department, await dutyAct(department), { orderId })

async function openItem(orderId: string, kind: string): Promise<string> {
  const [row] = await department.sql`
    select id from work_items where order_id = ${orderId} and kind = ${kind} and state = 'open'`
  return row!.id
}

/** What the replayed events say must be what the rows say, whenever one looks. */
async function expectTruth(orderId: string): Promise<void> {
  const [row] = await department.sql`select phase, rev from orders where id = ${orderId}`
  const states = statesAlong(
    await timeline(department.sql, orderId),
    await orderParts(department.sql, orderId),
  )
  expect(states.at(-1)).toMatchObject({ rev: row!.rev, phase: row!.phase })
  const work = await department.sql`
    select w.kind, u.name as holder from work_items w left join users u on u.id = w.holder
    where w.order_id = ${orderId} and w.state in ('open', 'claimed') order by w.opened_at, w.id`
  expect(states.at(-1)?.work.map(({ kind, holder }) => ({ kind, holder }))).toEqual([...work])
}

test('[SE-03] at every event of its way an order is played again as it was', {
  timeout: 20_000,
}, async () => {
  const { sql } = department
  const message = await dutyAct(department, { source: 'hl7' })
  const received = await receiveOrderMessage(department, message, anEnvelope(), [anOrder()])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settle(orderId)
  await expectTruth(orderId)

  const [step] = await sql`
    select s.id, s.step_number, p.study_uid, o.accession from steps s join procedures p on p.id = s.procedure_id
      join orders o on o.id = s.order_id where s.order_id = ${orderId}`
  const { id: stepId, step_number: stepNumber, study_uid: studyUid, accession } = step!
  const start = await department.now()
  await bookStep(department, await actAs(department, 'scheduler'), { stepId, roomId: 'ct-1', start })
  await settle(orderId)
  await expectTruth(orderId)
  await arrive(department, await actAs(department, 'tech'), { stepId })
  await expectTruth(orderId)

  const device = await deviceAct(department, 'CT1')
  const sopInstanceUid = '1.2.3.4.6'
  await beginPerformedStep(department, device, {
    sopInstanceUid,
    stationAe: 'CT1',
    studyUid,
    scheduled: [{ stepNumber, accession, studyUid }],
    startedAt: start,
    dataset: {},
  })
  await expectTruth(orderId)
  const images = storedImages(studyUid, 3)
  for (const image of images) await indexInstances(department, device, [image])
  const instances = images.map((image) => image.sopInstanceUid)
  const series = [{ seriesUid: images[0]!.seriesUid, instances }]
  await changePerformedStep(department, device, { sopInstanceUid, status: 'COMPLETED', series, dataset: {} })
  await expectTruth(orderId)
  await settle(orderId)
  await expectTruth(orderId)

  const tech = await actAs(department, 'tech')
  await acceptQuality(
    department,
    tech,
    await claim(department, tech, { itemId: await openItem(orderId, 'quality') }),
  )
  await settle(orderId)
  await expectTruth(orderId)

  const reader = await actAs(department, 'radiologist')
  const held = await claim(department, reader, { itemId: await openItem(orderId, 'read') })
  await expectTruth(orderId)
  const { reportId } = await openReport(department, reader, held)
  const content = {
    sections: [
      { key: 'findings', text: 'No bleed.' },
      { key: 'impression', text: 'Normal.' },
    ],
  }
  await saveDraft(department, reader, { ...held, reportId, content })
  await signReport(department, reader, { ...held, reportId, content, reauthenticated: true })
  await expectTruth(orderId)
  const { lanes } = await settle(orderId)
  const head = await laneHead(department, lanes[0]!)
  await beginAttempt(department, await dutyAct(department), { deliveryId: head!.id, bytes: Buffer.from('x') })
  await expectTruth(orderId)
  const acknowledged = { deliveryId: head!.id, answer: 'acknowledged', code: 'AA' } as const
  await recordAnswer(department, await dutyAct(department), acknowledged)
  await expectTruth(orderId)

  const events = await timeline(sql, orderId)
  const states = statesAlong(events, await orderParts(sql, orderId))
  const passed = states.map(({ phase }) => phase).filter((phase, at, all) => phase !== all[at - 1])
  expect(passed).toEqual([
    'ordered',
    'protocolled',
    'scheduled',
    'arrived',
    'acquiring',
    'acquired',
    'quality-check',
    'reading',
    'final',
    'delivered',
  ])
  const atClaim =
    states[events.findIndex(({ type, data }) => type === 'work-item.claimed' && data.kind === 'read')]
  expect(atClaim).toMatchObject({ images: 3, report: 'none', receivers: [] })
  expect(atClaim?.work).toEqual([
    { kind: 'read', holder: expect.stringContaining(' '), dueAt: expect.stringMatching(/^\d{4}-/) },
  ])
  expect(states.at(-1)?.receivers).toEqual([expect.objectContaining({ state: 'acknowledged', attempts: 1 })])
})
