import { beforeAll, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from '../department.ts'
import { dutyAct } from '../mutations/act.ts'
import { receiveOrderMessage } from '../mutations/inbound-messages.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '../order.fixture.ts'
import { searchOrders } from './order-search.ts'

let department: Department
let orderId: string
let accession: string

beforeAll(async () => {
  department = await seededDepartment(await testDatabase())
  const usual = anOrder()
  const order = anOrder({
    patient: {
      ...usual.patient,
      identifiers: [{ value: '4718226', issuer: 'MAIN', type: 'MR' }],
      name: { alphabetic: { family: 'O’Connor', given: 'Siobhán' } },
    },
  })
  const received = await receiveOrderMessage(
    department,
    await dutyAct(department, { source: 'hl7' }),
    anEnvelope(),
    [order],
  )
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  orderId = received.orderIds[0]!
  const [row] = await department.sql`select accession from orders where id = ${orderId}`
  accession = row!.accession
})

async function found(userName: string, text: string): Promise<string[]> {
  const { actor } = await actAs(department, userName)
  return (await searchOrders(department.sql, actor, text)).map(({ id }) => id)
}

test.each([
  'oconnor',
  "O'Connor",
  'o’con',
  'CONNOR',
  'o’connor, siobhan',
  'siobhán oconnor',
  '4718226',
  '47182',
])('a reader finds the order by typing %s', async (text) => {
  expect(await found('radiologist', text)).toEqual([orderId])
})

test('the accession finds it, in capitals or not, and what looks like a wildcard is only a letter', async () => {
  expect(await found('radiologist', accession.toLowerCase())).toEqual([orderId])
  expect(await found('radiologist', '%')).toEqual([])
  expect(await found('radiologist', '')).toEqual([])
})

test('a referrer does not find orders that they did not ask for', async () => {
  expect(await found('referrer', 'oconnor')).toEqual([])
})
