import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { rejectQuality } from '#db/mutations/quality.ts'
import { indexInstances, type StoredInstance } from '#db/mutations/studies.ts'
import { actAs, seededDepartment, storedImages } from '#db/order.fixture.ts'
import { studyAtTheGate } from '#db/reading.fixture.ts'
import { loader as orderLoader } from '../orders/order-timeline.tsx'
import { type AtTheScreen, sitDown } from '../technologist/screen.fixture.ts'
import { loader } from './repeats.tsx'

let department: Department
let physicist: AtTheScreen
let tech: AtTheScreen
let rejected: string[]

beforeAll(async () => {
  const databaseUrl = await testDatabase()
  department = await seededDepartment(databaseUrl)
  physicist = await sitDown(department, { databaseUrl, user: 'physicist' })
  tech = await sitDown(department, { databaseUrl, user: 'tech' })
  for (let n = 0; n < 3; n++) await (await studyAtTheGate(department, 'urgent')).accept()
  rejected = [await reject('111209', true), await reject('111210', false)]
}, 30_000)

afterAll(() => department.close())

async function reject(reason: string, repeated: boolean): Promise<string> {
  const { orderId } = await studyAtTheGate(department, 'urgent')
  const [item] = await department.sql<{ id: string; fence: number }[]>`
    select id, fence from work_items where order_id = ${orderId} and kind = 'quality' and state = 'claimed'`
  const rejection = { itemId: item!.id, fence: item!.fence, reasonCodes: [reason], instances: [], repeated }
  await rejectQuality(department, await actAs(department, 'tech'), rejection)
  return orderId
}

const shown = (query = '', who = physicist) => loader(who.args(`/repeats${query}`))

test('[QA-02] the page counts rejected of looked at by room, reason and operator, and how many were made again', async () => {
  const { whole, rooms, operators, reasons, policy } = await shown()
  expect(whole).toEqual({ of: 5, rejected: 2, repeated: 1, state: 'too-few' })
  expect([policy.baselinePercent, policy.targetPercent]).toEqual([12, 4])
  expect(rooms).toMatchObject([{ key: 'US 1', of: 5, rejected: 2, reasons: { '111209': 1, '111210': 1 } }])
  expect(operators).toMatchObject([{ key: 'M. Brandão', of: 5, rejected: 2 }])
  expect(reasons).toEqual({ '111209': 1, '111210': 1 })
})

test('[QA-02] the operator is whom the scanner names', async () => {
  const said = {
    '00400340': { vr: 'SQ', Value: [{ '00081070': { vr: 'PN', Value: [{ Alphabetic: 'VOSS^ERIK' }] } }] },
  }
  const [own] = await department.sql<{ id: string; dataset: object }[]>`
    update performed_steps set dataset = ${department.sql.json(said)} where study_uid = (
      select study_uid from procedures where order_id = ${rejected[0]!}) returning id, dataset`
  const { operators } = await shown()
  expect(operators.map(({ key, of }) => [key, of])).toEqual([
    ['M. Brandão', 4],
    ['VOSS ERIK', 1],
  ])
  await department.sql`update performed_steps set dataset = '{}' where id = ${own!.id}`
})

test('[QA-02] a look keeps the projections and sequences it was at; they stand with what was made and rejected of each', async () => {
  // A department of its own: what it makes and rejects is in nobody else's numbers.
  const databaseUrl = await testDatabase()
  const own = await seededDepartment(databaseUrl)
  const at = await sitDown(own, { databaseUrl, user: 'physicist' })
  const { sql } = own
  const said = (entries: Record<string, string>) =>
    Object.fromEntries(Object.entries(entries).map(([tag, value]) => [tag, { vr: 'CS', Value: [value] }]))
  const pixel = { offset: 0 } as never
  const chest = (view: string) => said({ '00080060': 'DX', '00180015': 'CHEST', '00185101': view })
  const head = said({ '00080060': 'CT', '00181030': 'Head routine' })
  const take = async (orderId: string, images: StoredInstance[]) => {
    await indexInstances(own, await deviceAct(own, 'US1'), images)
    const [item] = await sql<{ id: string; fence: number }[]>`
      select id, fence from work_items where order_id = ${orderId} and kind = 'quality' and state = 'claimed'`
    return item!
  }
  const uidOf = async (orderId: string) =>
    (await sql<{ study_uid: string }[]>`select study_uid from procedures where order_id = ${orderId}`)[0]!
      .study_uid
  const { orderId } = await studyAtTheGate(own, 'urgent')
  const uid = await uidOf(orderId)
  const pa = storedImages(uid, 2, { header: chest('PA'), pixel })
  const ct = storedImages(uid, 5, { header: head, pixel })
  const item = await take(orderId, [...pa, ...storedImages(uid, 1, { header: chest('LL'), pixel }), ...ct])
  await rejectQuality(own, await actAs(own, 'tech'), {
    ...{ itemId: item.id, fence: item.fence, reasonCodes: ['111209'], repeated: true },
    instances: [pa[1]!.sopInstanceUid, ct[0]!.sopInstanceUid],
  })
  const { takes } = await shown('', at)
  expect(takes.map(({ key, of, rejected, repeated }) => [key, of, rejected, repeated])).toEqual([
    ['DX CHEST PA', 2, 1, 1],
    ['CT Head routine', 1, 1, 1],
    ['DX CHEST LL', 1, 0, 0],
  ])
  const narrowed = await shown(`?${new URLSearchParams({ take: 'DX CHEST PA', room: 'US 1' })}`, at)
  expect(narrowed.whole).toMatchObject({ of: 2, rejected: 1 })
  expect(narrowed.operators).toMatchObject([{ of: 2, rejected: 1 }])
  expect(narrowed.orders.map((look) => look.orderId)).toEqual([orderId])
  // What it was at is known, and nothing of it was rejected: no order stands behind that nought.
  expect((await shown(`?${new URLSearchParams({ take: 'DX CHEST LL' })}`, at)).orders).toEqual([])
  await own.close()
})

test('[DB-07] every number leads to its orders, and an order to its timeline: two clicks', async () => {
  const { orders } = await shown(`?${new URLSearchParams({ room: 'US 1', reason: '111209' })}`)
  expect(orders.map(({ orderId, repeated }) => [orderId, repeated])).toEqual([[rejected[0], true]])
  const args = { ...physicist.args(`/orders/${rejected[0]}`), params: { orderId: rejected[0]! } }
  const timeline = await orderLoader(args as never)
  expect(JSON.stringify(timeline)).toContain('quality.rejected')
  // A reason narrows the orders, never what the rate is a share of.
  expect((await shown('?reason=111209')).whole).toMatchObject({ of: 5, rejected: 2 })
  expect((await shown('?operator=nobody')).orders).toEqual([])
})

test('[QA-02] who may not see it has no such page, and one of another site sees nothing of this one', async () => {
  await expect(shown('', tech)).rejects.toMatchObject({ init: { status: 404 } })
  await department.sql`update users set sites = '{WEST}' where user_name = 'physicist'`
  expect((await shown()).whole).toMatchObject({ of: 0, rejected: 0 })
  await department.sql`update users set sites = '{*}' where user_name = 'physicist'`
})
