import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { applyConfiguration } from '#db/mutations/configuration.ts'
import { beginAttempt, recordAnswer } from '#db/mutations/deliveries.ts'
import { moveImages, undoMove } from '#db/mutations/moved-images.ts'
import { answerReturn, askReturn } from '#db/mutations/returns.ts'
import { claim } from '#db/mutations/work-items.ts'
import { actAs, seededDepartment } from '#db/order.fixture.ts'
import { configuration } from '#db/queries/configuration.ts'
import { orderParts } from '#db/queries/order-parts.ts'
import { timeline } from '#db/queries/orders.ts'
import { openItem } from '#db/reading.fixture.ts'
import { accepted, arrived, scanned, settle } from '#db/scanned.fixture.ts'
import { signedOrder } from './signed-order.fixture.ts'
import { statesAlong } from './state-at.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

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
  const { orderId, delivery } = await signedOrder(department, expectTruth)
  const { id: deliveryId } = delivery
  const { destinations } = await configuration(sql)
  for (const receivers of [[], destinations]) {
    await applyConfiguration(department, await actAs(department, 'admin'), { destinations: receivers })
    await expectTruth(orderId)
  }
  await beginAttempt(department, await dutyAct(department), { deliveryId, bytes: Buffer.from('x') })
  await expectTruth(orderId)
  const acknowledged = { deliveryId, answer: 'acknowledged', code: 'AA' } as const
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
    // Its only receiver retired, and back again.
    'delivered',
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

test('[MA-12] both orders of a move, and of its undoing, are played again as they were', async () => {
  const [wrong, right] = [await arrived(department), await arrived(department)]
  const { performedStepId } = await scanned(department, wrong)
  await accepted(department, wrong)
  const tech = await actAs(department, 'tech')
  const asked = { performedStepId, toStepId: right.stepId, reason: 'wrong-patient' } as const
  const { moveId } = await moveImages(department, tech, asked)
  const bothTrue = async () => {
    await settle(department, wrong, right)
    for (const { orderId } of [wrong, right]) await expectTruth(orderId)
  }
  await bothTrue()
  await undoMove(department, tech, { moveId })
  await bothTrue()
  await accepted(department, wrong)
  await bothTrue()
})

test('[QA-03] an order with a question and its answer is played again as it was', async () => {
  const order = await arrived(department)
  await scanned(department, order)
  await accepted(department, order)
  const reader = await actAs(department, 'radiologist')
  const itemId = await openItem(department, order.orderId, 'read')
  const { fence } = await claim(department, reader, { itemId })
  const asked = { itemId, fence, kind: 'clarify', reason: 'side', instances: [] } as const
  const { returnId } = await askReturn(department, reader, asked)
  await settle(department, order)
  await expectTruth(order.orderId)
  const tech = await actAs(department, 'tech')
  await answerReturn(department, tech, { returnId, answer: 'answered', words: 'The left one.' })
  await settle(department, order)
  await expectTruth(order.orderId)
})
