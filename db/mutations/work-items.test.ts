import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, anEnvelope, anOrder, seededDepartment, storedImages } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { deviceAct, dutyAct } from './act.ts'
import { receiveOrderMessage } from './inbound-messages.ts'
import { acceptQuality, rejectQuality } from './quality.ts'
import { openReport, recallReport, saveDraft, signReport } from './reports.ts'
import { settleOrder } from './settle.ts'
import { endExam } from './steps.ts'
import { indexInstances } from './studies.ts'
import { claim, expireLeases, heartbeat, release, takeOver } from './work-items.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

async function settle(orderId: string): Promise<void> {
  await settleOrder(department, await dutyAct(department), { orderId })
}

async function itemOf(orderId: string, kind: string): Promise<string> {
  const [row] = await department.sql`
    select id from work_items where order_id = ${orderId} and kind = ${kind} and state in ('open', 'claimed')`
  if (!row) throw new Error(`no ${kind} item`)
  return row.id
}

/** An order whose images were acquired and wait at the quality gate. */
async function acquired(priority: 'stat' | 'routine' = 'stat'): Promise<string> {
  const received = await receiveOrderMessage(department, await dutyAct(department), anEnvelope(), [
    anOrder({ priority: { level: priority, word: 'S' } }),
  ])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  const [step] = await department.sql`
    select s.id, p.study_uid from steps s join procedures p on p.id = s.procedure_id where s.order_id = ${orderId}`
  await indexInstances(
    department,
    await deviceAct(department, 'US1'),
    storedImages(step!.study_uid, 2, { sourceAe: 'US1' }),
  )
  await endExam(department, await actAs(department, 'tech'), { stepId: step!.id })
  await settle(orderId)
  return orderId
}

async function readable(priority: 'stat' | 'routine' = 'stat'): Promise<{ orderId: string; itemId: string }> {
  const orderId = await acquired(priority)
  const tech = await actAs(department, 'tech')
  await acceptQuality(
    department,
    tech,
    await claim(department, tech, { itemId: await itemOf(orderId, 'quality') }),
  )
  await settle(orderId)
  return { orderId, itemId: await itemOf(orderId, 'read') }
}

const content = {
  sections: [
    { key: 'findings', text: 'a' },
    { key: 'impression', text: 'b' },
  ],
}

test('[RW-01] fifty readers, one winner', async () => {
  const { itemId } = await readable()
  const [me, other] = [await actAs(department, 'radiologist'), await actAs(department, 'radiologist2')]
  const tries = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      claim(
        department,
        { ...other, actor: { ...other.actor, id: index === 0 ? me.actor.id : other.actor.id } },
        { itemId },
      ),
    ),
  )
  const [item] = await department.sql`select holder, fence from work_items where id = ${itemId}`
  expect(item!.fence).toBe(1)
  const winners = new Set(tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value.fence] : [])))
  expect([...winners]).toEqual([1])
  for (const one of tries)
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'already-claimed' })
  expect(tries.some((one) => one.status === 'rejected')).toBe(true)
})

test('[RW-02] a crashed browser loses its lease and keeps its draft; the old fence writes nothing any more', async () => {
  const { itemId } = await readable()
  const me = await actAs(department, 'radiologist')
  const held = await claim(department, me, { itemId })
  const { reportId } = await openReport(department, me, held)
  await saveDraft(department, me, { ...held, reportId, content })
  const later = { ...(await dutyAct(department)), machineNow: new Date(Date.now() + 121_000) }
  expect(await expireLeases(department, later)).toBeGreaterThan(0)
  await expect(heartbeat(department, me, held)).rejects.toMatchObject({ code: 'lease-expired' })
  const other = { ...(await actAs(department, 'radiologist2')), machineNow: later.machineNow }
  const next = await claim(department, other, { itemId })
  expect(next.fence).toBe(held.fence + 1)
  await expect(
    saveDraft(department, me, { ...held, reportId, content: { sections: [] } }),
  ).rejects.toMatchObject({ code: 'stale-fence' })
  const [draft] = await department.sql`select content from report_drafts where report_id = ${reportId}`
  expect(draft!.content).toEqual(content)
  const strays = await department.sql`select fence from stray_drafts where report_id = ${reportId}`
  expect(strays).toEqual([{ fence: held.fence }])
  await expect(
    signReport(department, me, { ...held, reportId, content, reauthenticated: true }),
  ).rejects.toMatchObject({ code: 'stale-fence' })
  await release(department, other, next)
})

test('a lead takes an item over with a reason, and only from the fence that was seen', async () => {
  const { itemId } = await readable()
  const held = await claim(department, await actAs(department, 'radiologist'), { itemId })
  const lead = await actAs(department, 'lead')
  await expect(
    takeOver(department, lead, { itemId, fenceSeen: held.fence, reason: '' }),
  ).rejects.toMatchObject({ code: 'reason-required' })
  await expect(takeOver(department, lead, { itemId, fenceSeen: 99, reason: 'x' })).rejects.toMatchObject({
    code: 'stale-fence',
  })
  expect(await takeOver(department, lead, { itemId, fenceSeen: held.fence, reason: 'shift' })).toMatchObject({
    fence: held.fence + 1,
  })
})

test('a technologist cannot claim a reading, nor a radiologist a quality check', async () => {
  const { itemId } = await readable()
  await expect(claim(department, await actAs(department, 'tech'), { itemId })).rejects.toMatchObject({
    code: 'forbidden',
  })
  const gate = await itemOf(await acquired(), 'quality')
  await expect(
    claim(department, await actAs(department, 'radiologist'), { itemId: gate }),
  ).rejects.toMatchObject({ code: 'forbidden' })
})

test('[QA-01] rejected images leave every count, and a repeat makes a new step', async () => {
  const orderId = await acquired()
  const tech = await actAs(department, 'tech')
  const held = await claim(department, tech, { itemId: await itemOf(orderId, 'quality') })
  await expect(
    rejectQuality(department, tech, { ...held, reasonCodes: [], instances: [], repeated: true }),
  ).rejects.toMatchObject({ code: 'reason-required' })
  await rejectQuality(department, tech, { ...held, reasonCodes: ['111210'], instances: [], repeated: true })
  await settle(orderId)
  const [study] = await department.sql`
    select instance_count, stored_count from studies s join study_links l on l.study_id = s.id where l.order_id = ${orderId}`
  expect(study).toMatchObject({ instance_count: 0, stored_count: 2 })
  const [order] = await department.sql`select phase from orders where id = ${orderId}`
  expect(order!.phase).toBe('protocolled')
  const steps = await department.sql`select status from steps where order_id = ${orderId} order by id`
  expect(steps.map((row) => row.status)).toEqual(['departed', 'planned'])
  expect(
    await department.sql`select 1 from work_items where order_id = ${orderId} and kind = 'read'`,
  ).toHaveLength(0)
})

test('[RP-05] a version never changes, its hash is of its content, and nothing but a person who proved it may sign', async () => {
  const { itemId, orderId } = await readable('routine')
  const me = await actAs(department, 'radiologist')
  const held = await claim(department, me, { itemId })
  const { reportId } = await openReport(department, me, held)
  const blank = { sections: [{ key: 'findings', text: ' ' }] }
  await expect(
    signReport(department, me, { ...held, reportId, content: blank, reauthenticated: true }),
  ).rejects.toMatchObject({ code: 'check-failed' })
  const { version, releaseAt } = await signReport(department, me, {
    ...held,
    reportId,
    content,
    reauthenticated: true,
  })
  expect(releaseAt.getTime()).toBeGreaterThan(me.now.getTime())
  await expect(
    department.sql`update report_versions set content = '{}' where report_id = ${reportId}`,
  ).rejects.toThrow(/immutable/)
  await expect(department.sql`delete from report_versions where report_id = ${reportId}`).rejects.toThrow(
    /immutable/,
  )
  expect(await department.sql`select 1 from deliveries where report_id = ${reportId}`).toHaveLength(0)
  await recallReport(department, await actAs(department, 'radiologist'), { reportId, version })
  await settle(orderId)
  const [order] = await department.sql`select phase from orders where id = ${orderId}`
  expect(order!.phase).toBe('reading')
})

test('the department is sound after all of this', async () => {
  expect(await invariantViolations(department.sql)).toEqual([])
})
