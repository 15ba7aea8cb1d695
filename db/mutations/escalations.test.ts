import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { HOUR_MS, MINUTE_MS } from '#domain/calendar.ts'
import { refusalCode } from '#domain/errors.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { type Notice, unseenNotices } from '../queries/notices.ts'
import { readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import { escalateDue } from './escalations.ts'
import { seeNotices } from './notices.ts'
import { settleOrder } from './settle.ts'
import { setShift } from './shifts.ts'
import { claim, skip } from './work-items.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

interface Unread {
  orderId: string
  itemId: string
  /** Department instant, so many minutes after the study was there to be read. */
  after(minutes: number): Date
}

async function unreadStat(): Promise<Unread> {
  const study = await readableStudy(department, 'stat')
  const [item] = await department.sql<{ due_from: Date }[]>`
    select due_from from work_items where id = ${study.itemId}`
  return { ...study, after: (minutes) => new Date(item!.due_from.getTime() + minutes * MINUTE_MS) }
}

const escalateAt = async ({ orderId }: Unread, now: Date) =>
  escalateDue(department, await dutyAct(department, { now }), { orderId })

async function told(user: string, { itemId }: Unread): Promise<Notice | undefined> {
  const { actor } = await actAs(department, user)
  return (await unseenNotices(department.sql, actor.id)).find((notice) => notice.itemId === itemId)
}

const rungsTold = async (unread: Unread) => ({
  reader: (await told('radiologist', unread))?.rung,
  lead: (await told('lead', unread))?.rung,
  head: (await told('head', unread))?.rung,
})

test('[RW-06] a case climbs its ladder: its readers hear of it, then the lead, then the head, each at their time', async () => {
  const unread = await unreadStat()
  expect(await escalateAt(unread, unread.after(29))).toEqual({ fired: 0, nextAt: unread.after(30) })
  expect(await escalateAt(unread, unread.after(30))).toEqual({ fired: 1, nextAt: unread.after(60) })
  expect(await rungsTold(unread)).toEqual({ reader: 'notify', lead: undefined, head: undefined })
  await escalateAt(unread, unread.after(60))
  expect(await rungsTold(unread)).toEqual({ reader: 'reassign', lead: undefined, head: undefined })
  await escalateAt(unread, unread.after(75))
  expect(await rungsTold(unread)).toEqual({ reader: 'reassign', lead: 'lead', head: undefined })
  expect(await escalateAt(unread, unread.after(120))).toEqual({ fired: 1, nextAt: null })
  expect((await rungsTold(unread)).head).toBe('head')
  expect((await escalateAt(unread, unread.after(121))).fired).toBe(0)
})

test('[RW-06] right after a stop of six hours each step is taken once, says how late it is, and is one notice to each', async () => {
  const unread = await unreadStat()
  const { wakeAt } = await settleOrder(department, await dutyAct(department), { orderId: unread.orderId })
  expect(wakeAt).toEqual(unread.after(30))
  const now = new Date(unread.after(30).getTime() + 6 * HOUR_MS)
  const acts = await Promise.all([1, 2, 3].map(() => escalateAt(unread, now)))
  expect(acts.map(({ fired }) => fired).sort()).toEqual([0, 0, 4])
  const steps = await department.sql`
    select step, late_by_ms::int / 60000 as late, overtaken from escalations where item_id = ${unread.itemId} order by planned_at`
  expect([...steps]).toEqual([
    { step: 'notify', late: 360, overtaken: false },
    { step: 'reassign', late: 330, overtaken: false },
    { step: 'lead', late: 315, overtaken: false },
    { step: 'head', late: 270, overtaken: false },
  ])
  const [item] = await department.sql`select late_at from work_items where id = ${unread.itemId}`
  expect(item?.late_at).toEqual(unread.after(60))
  expect(await rungsTold(unread)).toEqual({ reader: 'reassign', lead: 'lead', head: 'head' })
  expect((await told('lead', unread))?.lateByMs).toBe(315 * MINUTE_MS)
})

test('[RW-06] whoever holds the case is told, and nobody else until it goes to the lead', async () => {
  const unread = await unreadStat()
  await claim(department, await actAs(department, 'radiologist2'), { itemId: unread.itemId })
  await escalateAt(unread, unread.after(60))
  expect((await told('radiologist2', unread))?.rung).toBe('reassign')
  expect(await rungsTold(unread)).toEqual({ reader: undefined, lead: undefined, head: undefined })
})

test('[RW-06] where somebody has the shift of the area, the others are left in peace', async () => {
  const unread = await unreadStat()
  const { actor } = await actAs(department, 'radiologist2')
  await setShift(department, await actAs(department, 'lead'), {
    ...{ siteId: 'MAIN', area: 'neuro', userId: actor.id },
    ...{ from: unread.after(-60), to: unread.after(600) },
  })
  await escalateAt(unread, unread.after(30))
  expect((await told('radiologist2', unread))?.rung).toBe('notify')
  expect(await told('radiologist', unread)).toBeUndefined()
})

test('[RW-06] a notice that was seen stays away until the next rung', async () => {
  const unread = await unreadStat()
  await escalateAt(unread, unread.after(120))
  const head = await actAs(department, 'head')
  await seeNotices(department, await actAs(department, 'lead'), { itemIds: [unread.itemId] })
  expect(await told('lead', unread)).toBeUndefined()
  expect(await told('head', unread)).toBeDefined()
  await seeNotices(department, head, { itemIds: [unread.itemId] })
  expect(await told('head', unread)).toBeUndefined()
})

test('[RW-06] a case that waits for a prior has its ladder moved by what it waited, and runs on when it is taken', async () => {
  const unread = await unreadStat()
  const reader = await actAs(department, 'radiologist', unread.after(10))
  const { fence } = await claim(department, reader, { itemId: unread.itemId })
  await skip(department, reader, { itemId: unread.itemId, fence, reason: 'waiting-prior' })
  // The policy lets an emergency stand still for half an hour and no longer.
  expect(await escalateAt(unread, unread.after(30))).toEqual({ fired: 0, nextAt: unread.after(60) })

  await claim(department, await actAs(department, 'radiologist2', unread.after(15)), {
    itemId: unread.itemId,
  })
  expect(await escalateAt(unread, unread.after(15))).toEqual({ fired: 0, nextAt: unread.after(35) })
  const [item] = await department.sql`select due_at from work_items where id = ${unread.itemId}`
  expect(item?.due_at).toEqual(unread.after(65))
})

test('[RW-06] whoever may not read a case cannot stop its clock', async () => {
  const unread = await unreadStat()
  const technologist = await actAs(department, 'tech', unread.after(1))
  await expect(
    skip(department, technologist, { itemId: unread.itemId, fence: null, reason: 'waiting-prior' }),
  ).rejects.toSatisfy((error) => refusalCode(error) === 'forbidden')
})
