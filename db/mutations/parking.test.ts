import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { actAs, seededDepartment } from '../order.fixture.ts'
import { invariantViolations } from '../queries/invariants.ts'
import { parkedCases, placeReturnedTo } from '../queries/parked-cases.ts'
import { readableStudy } from '../reading.fixture.ts'
import { dutyAct } from './act.ts'
import type { Act } from './mutate.ts'
import { bringBack, type DeskPlace, park } from './parking.ts'
import { claim, expireLeases, heartbeat, takeOver } from './work-items.ts'

let department: Department

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
})

afterAll(() => department.close())

const PLACE: DeskPlace = {
  cursor: { section: 'findings', from: 4, to: 9 },
  layout: { protocol: 'default', viewports: [{ imageIndex: 12 }] },
}
const MINUTE_MS = 60_000
const inMinutes = (act: Act, minutes: number): Act => ({
  ...act,
  machineNow: new Date(act.machineNow.getTime() + minutes * MINUTE_MS),
})

async function heldBy(user: string) {
  const reader = await actAs(department, user)
  const { itemId, orderId } = await readableStudy(department, 'stat')
  const { fence } = await claim(department, reader, { itemId })
  return { reader, itemId, orderId, fence }
}

const parkedBy = async (act: Act) =>
  (await parkedCases(department.sql, act.actor.id, act.machineNow)).map(({ itemId }) => itemId)

test('[RP-10] a parked case keeps its claim for half an hour without a heartbeat, and comes back with cursor and layout', async () => {
  const { reader, itemId, orderId, fence } = await heldBy('radiologist')
  await park(department, reader, { itemId, fence, place: PLACE })
  expect(await parkedBy(reader)).toEqual([itemId])
  await expireLeases(department, inMinutes(await dutyAct(department), 29))
  await expect(claim(department, await actAs(department, 'radiologist2'), { itemId })).rejects.toMatchObject({
    code: 'already-claimed',
  })
  const back = await bringBack(department, inMinutes(reader, 29), { itemId })
  expect(back).toMatchObject({ itemId, fence, place: PLACE })
  // From here on it is a claim like any other: a heartbeat keeps it, two minutes without one do not.
  expect(back.leaseUntil).toEqual(inMinutes(reader, 31).machineNow)
  expect(await parkedBy(reader)).toEqual([])
  const told =
    await department.sql`select type from order_events where order_id = ${orderId} and type = 'work-item.parked'`
  expect(told).toHaveLength(1)
  expect(await invariantViolations(department.sql)).toEqual([])
})

test('[RP-10] a room that is asked for twice while it opens has the place both times, and later or for others none', async () => {
  const { reader, itemId, fence } = await heldBy('radiologist')
  const asked = (since: Date, userId = reader.actor.id) =>
    placeReturnedTo(department.sql, { itemId, userId, since })
  const before = inMinutes(reader, -1).machineNow
  await park(department, reader, { itemId, fence, place: PLACE })
  expect(await asked(before)).toBeNull()
  await bringBack(department, reader, { itemId })
  expect(await asked(before)).toEqual(PLACE)
  expect(await asked(before, 'somebody-else')).toBeNull()
  expect(await asked(inMinutes(reader, 1).machineNow)).toBeNull()
})

test('[RP-10] a late heartbeat of the window that was left does not shorten the half hour', async () => {
  const { reader, itemId, fence } = await heldBy('radiologist')
  const { leaseUntil } = await park(department, reader, { itemId, fence, place: PLACE })
  expect(await heartbeat(department, inMinutes(reader, 1), { itemId, fence })).toEqual(leaseUntil)
  await bringBack(department, reader, { itemId })
})

test('[RP-10] after half an hour a parked case is everybody’s again, and what was kept of it brings nothing back', async () => {
  const { reader, itemId, fence } = await heldBy('radiologist')
  await park(department, reader, { itemId, fence, place: PLACE })
  const late = inMinutes(reader, 31)
  await expect(bringBack(department, late, { itemId })).rejects.toMatchObject({ code: 'lease-expired' })
  await expireLeases(department, inMinutes(await dutyAct(department), 31))
  expect(await parkedBy(reader)).toEqual([])
  await expect(bringBack(department, late, { itemId })).rejects.toMatchObject({ code: 'lease-expired' })
})

test('[RP-10] two cases can be parked and no third, also when both windows press at once', async () => {
  const [one, two, three] = [
    await heldBy('radiologist'),
    await heldBy('radiologist'),
    await heldBy('radiologist'),
  ]
  const { reader } = one!
  await park(department, reader, { itemId: one!.itemId, fence: one!.fence, place: PLACE })
  const presses = await Promise.allSettled(
    [two!, three!].map(({ itemId, fence }) => park(department, reader, { itemId, fence, place: PLACE })),
  )
  expect(presses.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const refused = presses.find((press) => press.status === 'rejected')
  expect(refused?.reason).toMatchObject({ code: 'too-many-parked' })
  const parked = await parkedBy(reader)
  expect(parked).toHaveLength(2)
  for (const itemId of parked) await bringBack(department, reader, { itemId })
})

test('[RP-10] a parked stat case may be taken over, and is then nobody’s to bring back', async () => {
  const { reader, itemId, fence } = await heldBy('radiologist')
  await park(department, reader, { itemId, fence, place: PLACE })
  const other = await actAs(department, 'radiologist2')
  await takeOver(department, other, { itemId, fenceSeen: fence, reason: 'the patient cannot wait' })
  await expect(bringBack(department, reader, { itemId })).rejects.toMatchObject({ code: 'stale-fence' })
  await expect(park(department, reader, { itemId, fence, place: PLACE })).rejects.toMatchObject({
    code: 'stale-fence',
  })
  expect(await parkedBy(other)).toEqual([])
})

test('[RP-10] who may not read a case cannot park it', async () => {
  const { itemId, fence } = await heldBy('radiologist')
  const clerk = await actAs(department, 'scheduler')
  await expect(park(department, clerk, { itemId, fence, place: PLACE })).rejects.toMatchObject({
    code: 'forbidden',
  })
})
