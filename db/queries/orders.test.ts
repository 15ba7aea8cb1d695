import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import { localDate } from '#domain/calendar.ts'
import type { ListFilter } from '#domain/list-filter.ts'
import type { Actor } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { dutyAct } from '../mutations/act.ts'
import { receiveOrderMessage } from '../mutations/inbound-messages.ts'
import { actAs, anEnvelope, anOrder, aProcedure, seededDepartment } from '../order.fixture.ts'
import { countOrders, findOrders, type OrderFilter, type OrderSummary } from './orders.ts'

let department: Department
let actor: Actor
const KNOWN = { ct: '30799-1' }

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  ;({ actor } = await actAs(department, 'lead'))
})

afterAll(async () => department.close())

async function order(more: Parameters<typeof anOrder>[0] = {}, at?: Date): Promise<string> {
  const act = await dutyAct(department, at ? { now: at } : {})
  const received = await receiveOrderMessage(department, act, anEnvelope(), [anOrder(more)])
  if (received.outcome !== 'accepted') throw new Error(`the order was ${received.outcome}`)
  return received.orderIds[0]!
}

async function asking() {
  const now = await department.now()
  return { userId: actor.id, now, today: localDate('Europe/Berlin', now) }
}

async function found(chips: ListFilter): Promise<string[]> {
  const asked = { chips, asking: await asking() }
  const orders = await findOrders(department.sql, actor, { ...asked, limit: 200 })
  expect(await countOrders(department.sql, actor, asked)).toBe(orders.length)
  return orders.map(({ id }) => id)
}

const born = (value: string) => ({ ...anOrder().patient, birthDate: { value, precision: 'day' as const } })

describe('[RW-10] the list of all orders', () => {
  test('is paged exactly while orders arrive: none twice, none left out, newest first', async () => {
    const { now } = await asking()
    const at = (n: number) => new Date(now.getTime() - Math.floor(n / 3) * 60_000)
    const before = new Set<string>()
    // Three at a time in the same instant: what is equally new has an order too.
    for (let n = 0; n < 15; n += 1) before.add(await order({}, at(n)))
    for (const chips of [{}, { modality: ['CT'] }, { priority: ['stat', 'urgent'], site: ['MAIN'] }]) {
      const pages: OrderSummary[] = []
      let page: OrderSummary[] = []
      do {
        const last = pages.at(-1)
        page = await findOrders(department.sql, actor, {
          ...{ chips, asking: await asking(), limit: 4 },
          ...(last && { after: { receivedAt: last.receivedAt, id: last.id } }),
        })
        pages.push(...page)
        await order()
      } while (page.length > 0)
      const ids = pages.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      expect([...before].filter((id) => !ids.includes(id))).toEqual([])
      const newest = [...pages].sort(
        (a, b) => b.receivedAt.getTime() - a.receivedAt.getTime() || (a.id < b.id ? 1 : -1),
      )
      expect(newest.map(({ id }) => id)).toEqual(ids)
    }
  })

  test('is narrowed by site, modality, class, age, priority and phase, each with several values', async () => {
    const child = await order({ patient: born('2020-03-01'), priority: { level: 'routine', word: 'R' } })
    const senior = await order({ patient: born('1940-03-01') })
    const two = await order({
      patient: born('1980-03-01'),
      procedures: [aProcedure({ code: KNOWN.ct }), aProcedure({ code: KNOWN.ct })],
    })
    const ours = async (chips: ListFilter) =>
      (await found(chips)).filter((id) => [child, senior, two].includes(id))
    expect(await ours({ age: ['child'] })).toEqual([child])
    expect(await ours({ age: ['senior', 'child'] })).toEqual([senior, child])
    expect(await ours({ priority: ['routine'] })).toEqual([child])
    expect(await ours({ modality: ['CT'], age: ['adult'] })).toEqual([two])
    expect(await ours({ modality: ['MR', 'CT'], priority: ['stat', 'urgent'] })).toEqual([two, senior])
    expect(await ours({ modality: ['MR'] })).toEqual([])
    expect(await ours({ site: ['WEST'] })).toEqual([])
    expect(await ours({ phase: ['final', 'delivered'] })).toEqual([])
    const [{ phase, site }] = (await findOrders(department.sql, actor, { id: two, limit: 1 })) as [
      OrderSummary,
    ]
    expect(await ours({ phase: [phase], site: [site] })).toContain(two)
    const [row] = await department.sql`select patient_class from orders where id = ${two}`
    expect(await ours({ class: [row!.patient_class as string] })).toContain(two)
    expect(await ours({ claim: ['mine'] })).toEqual([])
  })

  test('is narrowed by its chips among those still open, and among those that are late, too', async () => {
    const ct = await order({ procedures: [aProcedure({ code: KNOWN.ct })] })
    const asked = { open: true as const, asking: await asking(), limit: 200 }
    const ids = async (filter: Partial<OrderFilter>) =>
      (await findOrders(department.sql, actor, { ...asked, ...filter })).map(({ id }) => id)
    const [{ area }] = (await department.sql`select area from procedures where order_id = ${ct}`) as [
      { area: string },
    ]
    expect(await ids({ chips: { modality: ['CT'], area: [area] } })).toContain(ct)
    expect(await ids({ chips: { modality: ['MR'] } })).not.toContain(ct)
    expect(await ids({ chips: { modality: ['CT'] }, lateAt: new Date(0) })).toEqual([])
    await department.sql`update orders set closed_at = now() where id = ${ct}`
    expect(await ids({ chips: { modality: ['CT'] } })).not.toContain(ct)
    expect(await found({ modality: ['CT'] })).toContain(ct)
  })

  test('is nobody’s beyond their sites, whatever the chips say', async () => {
    const elsewhere = { ...actor, sites: ['WEST'] }
    const chips = { site: ['MAIN'], modality: ['CT'] }
    expect(await findOrders(department.sql, elsewhere, { chips, limit: 10 })).toEqual([])
    expect(await countOrders(department.sql, elsewhere, { chips })).toBe(0)
  })
})
