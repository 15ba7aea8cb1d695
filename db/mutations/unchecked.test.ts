/** What becomes of images that nobody checks in time: an emergency goes to its reader and says so, the rest climbs. */
import { expect, test } from 'vitest'
import { MINUTE_MS } from '#domain/calendar.ts'
import type { Priority } from '#domain/words.ts'
import { actAs } from '../order.fixture.ts'
import { unseenNotices } from '../queries/notices.ts'
import { looksSince } from '../queries/repeats.ts'
import { openItem, studyAtTheGate } from '../reading.fixture.ts'
import { soundDepartment } from '../sound-department.fixture.ts'
import { dutyAct } from './act.ts'
import { escalateDue } from './escalations.ts'
import { acceptQuality, rejectQuality } from './quality.ts'
import { openReport, reportChecks } from './reports.ts'
import { settleOrder } from './settle.ts'
import { claim } from './work-items.ts'

const department = await soundDepartment()

/** Images at the gate, and the department's instant so many minutes after their check was opened. */
async function atTheGate(priority: Priority) {
  const { orderId } = await studyAtTheGate(department, priority)
  const itemId = await openItem(department, orderId, 'quality')
  const [item] = await department.sql<{ opened_at: Date; fence: number }[]>`
    select opened_at, fence from work_items where id = ${itemId}`
  const after = (minutes: number) => new Date(item!.opened_at.getTime() + minutes * MINUTE_MS)
  const settle = async (minutes: number) =>
    settleOrder(department, await dutyAct(department, { now: after(minutes) }), { orderId })
  return { orderId, itemId, fence: item!.fence, after, settle }
}

const standing = async (orderId: string) =>
  (
    await department.sql`
      select phase, array(select kind from work_items w where w.order_id = o.id and w.state in ('open', 'claimed') order by kind) as open
      from orders o where id = ${orderId}`
  )[0]

const unchecked = async (itemId: string): Promise<boolean> => {
  const { reportId } = await openReport(department, await actAs(department, 'radiologist'), { itemId })
  const { checks } = await reportChecks(department, reportId, { sections: [] })
  return checks.some(({ id, state }) => id === 'checked' && state === 'look')
}

test('[QA-01] an emergency that nobody checked in time is read, marked unchecked, and its check stays open', async () => {
  const stat = await atTheGate('stat')
  expect((await stat.settle(4)).wakeAt).toEqual(stat.after(5))
  expect(await standing(stat.orderId)).toEqual({ phase: 'quality-check', open: ['quality'] })
  await stat.settle(5)
  await stat.settle(6)
  expect(await standing(stat.orderId)).toEqual({ phase: 'reading', open: ['quality', 'read'] })
  expect(await unchecked(await openItem(department, stat.orderId, 'read'))).toBe(true)
  const looks = await looksSince(department.sql, (await actAs(department, 'lead')).actor, stat.after(-60))
  expect(looks.filter(({ orderId }) => orderId === stat.orderId)).toEqual([])

  await acceptQuality(department, await actAs(department, 'tech', stat.after(7)), stat)
  await stat.settle(7)
  expect(await standing(stat.orderId)).toEqual({ phase: 'reading', open: ['read'] })
  expect(await unchecked(await openItem(department, stat.orderId, 'read'))).toBe(false)
})

test('[QA-01] images that the clock let on may still be rejected, and the reading waits for the repeat', async () => {
  const stat = await atTheGate('stat')
  await stat.settle(5)
  const { itemId, fence } = stat
  const tech = await actAs(department, 'tech', stat.after(6))
  const rejection = { itemId, fence, reasonCodes: ['111210'], instances: [], repeated: true }
  await rejectQuality(department, tech, rejection)
  await stat.settle(6)
  expect(await standing(stat.orderId)).toMatchObject({ open: ['read', 'schedule'] })
  const reader = await actAs(department, 'radiologist')
  const read = claim(department, reader, { itemId: await openItem(department, stat.orderId, 'read') })
  await expect(read).rejects.toMatchObject({ code: 'blocked' })
})

test('[QA-01] any other exam that nobody checks in time climbs to the lead, and is not read', async () => {
  const routine = await atTheGate('routine')
  await routine.settle(6 * 60)
  const act = await dutyAct(department, { now: routine.after(30) })
  expect((await escalateDue(department, act, routine)).fired).toBe(3)
  expect(await standing(routine.orderId)).toEqual({ phase: 'quality-check', open: ['quality'] })
  const told = async (user: string) =>
    (await unseenNotices(department.sql, (await actAs(department, user)).actor.id))
      .filter(({ itemId }) => itemId === routine.itemId)
      .map(({ rung }) => rung)
  expect([await told('tech'), await told('lead'), await told('radiologist')]).toEqual([
    ['reassign'],
    ['lead'],
    [],
  ])
})
