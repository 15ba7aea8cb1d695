import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { beginAttempt, recordAnswer } from '#db/mutations/deliveries.ts'
import { receiveOrderMessage } from '#db/mutations/inbound-messages.ts'
import { settleOrder } from '#db/mutations/settle.ts'
import { anEnvelope, anOrder, seededDepartment } from '#db/order.fixture.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import { CONTENT, signedOrder } from '../../timeline/signed-order.fixture.ts'
import { action as healthAction, loader as healthLoader } from '../administrator/health.tsx'
import { loader as lateLoader } from '../department-head/late.tsx'
import { loader as todayLoader } from '../department-head/today.tsx'
import { action as searchAction } from '../search.tsx'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { loader as timelineLoader } from './order-timeline.tsx'
import { loader as ordersLoader } from './orders.tsx'
import { loader as exportLoader } from './timeline-export.ts'

let department: Department
let at: Record<'head' | 'admin' | 'radiologist' | 'referrer', AtTheScreen>
let read: Awaited<ReturnType<typeof signedOrder>>

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  const sit = (user: string) => sitDown(department, { databaseUrl, user })
  at = {
    head: await sit('head'),
    admin: await sit('admin'),
    radiologist: await sit('radiologist'),
    referrer: await sit('referrer'),
  }
  // Two days ago and never booked, so that their work is past due; one of today that was read.
  for (const hoursAgo of [48, 47, 0]) await orderOf(hoursAgo)
  read = await signedOrder(department)
}, 30_000)

afterAll(() => department.close())

async function orderOf(hoursAgo: number, more: Partial<OrderMessage> = {}): Promise<string> {
  const now = new Date((await department.now()).getTime() - hoursAgo * 3_600_000)
  const act = await dutyAct(department, { source: 'hl7', now })
  const received = await receiveOrderMessage(department, act, anEnvelope(), [anOrder(more)])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  const orderId = received.orderIds[0]!
  await settleOrder(department, await dutyAct(department, { now }), { orderId })
  return orderId
}

const ofOrder = (screen: AtTheScreen, orderId: string, path = `/orders/${orderId}`) =>
  ({ ...screen.args(path), params: { orderId } }) as never

const listed = async (screen: AtTheScreen, query: string) =>
  (await ordersLoader(screen.args(`/orders?${query}`) as never)).orders

test('[DB-07] every number of the head’s page opens as many orders as it says', async () => {
  const { figures } = await todayLoader(at.head.args('/today') as never)
  expect(figures.openOrders).toBe(4)
  expect(await listed(at.head, 'show=open')).toHaveLength(figures.openOrders)
  for (const { phase, open, late } of figures.phases) {
    expect(await listed(at.head, `phase=${phase}&show=open`), phase).toHaveLength(open)
    expect(await listed(at.head, `phase=${phase}&show=late`), phase).toHaveLength(late)
  }
  expect(figures.phases.some(({ late }) => late > 0)).toBe(true)
  expect(figures.lateItems).toBeGreaterThanOrEqual(2)
  const late = await lateLoader(at.head.args('/late?view=late') as never)
  const due = await lateLoader(at.head.args('/late?view=due') as never)
  expect([late.late.length, due.late.length]).toEqual([figures.lateItems, figures.dueWithinHour])

  const measured = figures.segments.filter(({ n }) => n > 0)
  expect(measured.length).toBeGreaterThan(4)
  for (const { from, to, n } of measured) {
    const behind = await ordersLoader(at.head.args(`/orders?segment=${from}~${to}&days=1`) as never)
    expect(
      behind.orders.map(({ id }) => id),
      `${from} to ${to}`,
    ).toContain(read.orderId)
    expect(behind.orders).toHaveLength(n)
    expect([behind.segment?.procedures, behind.bar.shown]).toEqual([n, n])
    expect(behind.orders.every(({ ms }) => ms !== undefined)).toBe(true)
  }
})

test('[SE-03] the timeline shows an order with its proof, and leaves whole with every hash', async () => {
  const { orderId } = read
  const seen = await timelineLoader(ofOrder(at.radiologist, orderId))
  expect(seen.order.phase).toBe('final')
  expect(seen.states.at(-1)).toMatchObject({ phase: 'final', images: 3, report: 'FINAL' })
  // Three batches of images in a row are one row, and no revision is lost in it.
  const images = seen.events.filter(({ type }) => type === 'images.arrived')
  expect(images).toHaveLength(1)
  expect(images[0]!.rev - images[0]!.fromRev).toBe(2)
  expect(seen.events.reduce((sum, { rev, fromRev }) => sum + rev - fromRev + 1, 0)).toBe(seen.states.length)
  expect(seen.proof).toEqual({ unbroken: true, brokenAt: null })
  expect(seen.versions[0]?.sections).toEqual(CONTENT.sections)

  const path = `/orders/${orderId}/timeline.json`
  const exported = await (await exportLoader(ofOrder(at.radiologist, orderId, path))).json()
  expect(exported.proof.unbroken).toBe(true)
  expect(exported.events).toHaveLength(seen.states.length)
  const chain = exported.events as { hash: string; previousHash: string }[]
  expect(chain.every(({ previousHash }, index) => previousHash === (chain[index - 1]?.hash ?? ''))).toBe(true)
  const [trail] = await department.sql`
    select count(*)::int as n from audit_events where type = 'timeline.exported' and chain = ${`order:${orderId}`}`
  expect(trail!.n).toBe(1)
})

test('an altered event breaks the chain in sight of everybody', async () => {
  const { orderId } = await signedOrder(department)
  await department.sql`
    update order_events set data = data || '{"forged": true}' where order_id = ${orderId} and rev = 4`
  const seen = await timelineLoader(ofOrder(at.head, orderId))
  expect(seen.proof).toEqual({ unbroken: false, brokenAt: 4 })
})

test('[SE-02] a referrer sees the orders they asked for, by the number they are known by, and no others', async () => {
  const name = { family: 'Ferreira', given: 'Luís', prefix: 'Dr' }
  const asked = await orderOf(1, { requester: { id: 'SYN-D01', name } })
  const { name: patientName } = anOrder().patient
  const others = [
    await orderOf(1, { requester: { id: 'SYN-D01', authority: 'ELSEWHERE', name } }),
    await orderOf(1, { requester: { name } }),
    await orderOf(1, { requester: { id: 'SYN-D02', name } }),
  ]
  expect((await listed(at.referrer, '')).map(({ id }) => id)).toEqual([asked])
  expect((await timelineLoader(ofOrder(at.referrer, asked))).versions).toEqual([])
  for (const orderId of others)
    await expect(timelineLoader(ofOrder(at.referrer, orderId))).rejects.toMatchObject({
      init: { status: 404 },
    })
  const text = patientName?.alphabetic?.family ?? ''
  const answered = await searchAction(at.referrer.args('/search', { text }) as never)
  const found = (await answered.json()) as { orders: { id: string }[] }
  expect(found.orders.map(({ id }) => id)).toEqual([asked])

  // By a second number of theirs: what was released of it, and that the receiver has it.
  await department.sql`
    insert into physician_numbers select '1001', 'MAIN', id from users where user_name = 'referrer'`
  const seen = await timelineLoader(ofOrder(at.referrer, read.orderId))
  expect(seen.versions.map(({ sections }) => sections)).toEqual([CONTENT.sections])
  expect(seen.viewer).not.toBeNull()
  expect(seen.deliveries.map(({ id }) => id)).toEqual([read.delivery.id])
  await department.sql`delete from physician_numbers where value = '1001'`
})

test('an administrator sees an order’s facts and no report; a referrer sees nothing of somebody else’s', async () => {
  const seen = await timelineLoader(ofOrder(at.admin, read.orderId))
  expect(seen.versions).toEqual([])
  expect(seen.viewer).toBeNull()
  for (const load of [timelineLoader, exportLoader])
    await expect(load(ofOrder(at.referrer, read.orderId))).rejects.toMatchObject({ init: { status: 404 } })
})

test('[OP-08] a result that its receiver refused is a fault with a cause, and goes again when it is mended', async () => {
  const { delivery, orderId } = read
  const { id: deliveryId } = delivery
  const look = async () => healthLoader(at.admin.args('/department-health') as never)
  expect((await look()).parked).toEqual([])
  await beginAttempt(department, await dutyAct(department), { deliveryId, bytes: Buffer.from('x') })
  const refused = { deliveryId, answer: 'rejected', code: 'AR' } as const
  await recordAnswer(department, await dutyAct(department), refused)

  const seen = await look()
  expect(seen.found.faults.map(({ id }) => id)).toContain('deliveries-parked')
  expect(seen.parked).toEqual([expect.objectContaining({ id: deliveryId, orderId, lastAnswer: 'AR' })])
  const exception = seen.open.find((each) => each.orderId === orderId)
  expect(exception).toMatchObject({ kind: 'delivery', reason: expect.stringContaining('refused') })
  const onTimeline = await timelineLoader(ofOrder(at.admin, orderId))
  expect(onTimeline.exceptions.map(({ id }) => id)).toEqual([exception!.id])
  expect(await listed(at.head, 'show=to-mend')).toHaveLength(1)

  const fields = { intent: 'replay-delivery', id: deliveryId }
  expect(await healthAction(at.admin.args('/department-health', fields) as never)).toMatchObject({ ok: true })
  expect((await look()).parked).toEqual([])
  const unsaid = { intent: 'close-exception', id: exception!.id }
  expect(await healthAction(at.admin.args('/department-health', unsaid) as never)).toMatchObject({
    code: 'reason-required',
  })
  const mended = { ...unsaid, reason: 'put-right' }
  expect(await healthAction(at.admin.args('/department-health', mended) as never)).toMatchObject({ ok: true })
  expect((await look()).open).toEqual([])
  await expect(
    healthAction(at.radiologist.args('/department-health', fields) as never),
  ).rejects.toMatchObject({
    init: { status: 404 },
  })
})
