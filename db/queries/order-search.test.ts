import { beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { NameSaid } from '#domain/order-message.ts'
import type { Department } from '../department.ts'
import { dutyAct } from '../mutations/act.ts'
import { receiveOrderMessage } from '../mutations/inbound-messages.ts'
import { actAs, anEnvelope, anOrder, seededDepartment } from '../order.fixture.ts'
import { ulid } from '../ulid.ts'
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

async function orderOf(name: NameSaid): Promise<string> {
  const id = ulid()
  const said = {
    ...anOrder().patient,
    identifiers: [{ value: id.slice(-10), issuer: 'MAIN', type: 'MR' }],
    name,
  }
  const act = await dutyAct(department, { source: 'hl7' })
  const received = await receiveOrderMessage(department, act, anEnvelope(), [anOrder({ patient: said })])
  if (received.outcome !== 'accepted') throw new Error(received.outcome)
  return received.orderIds[0]!
}

const YAMADA: NameSaid = {
  alphabetic: { family: 'Yamada', given: 'Tarou' },
  ideographic: { family: '山田', given: '太郎' },
  phonetic: { family: 'やまだ', given: 'たろう' },
}

test('a name is found by its beginning in each of its scripts, and a short one by its first letters', async () => {
  const [yamada, ng, petrov] = [
    await orderOf(YAMADA),
    await orderOf({ alphabetic: { family: 'Ng', given: 'Xu' } }),
    await orderOf({ alphabetic: { family: 'Петров', given: 'Иван' } }),
  ]
  for (const typed of ['山田', '山', '太郎', '山田 太郎', 'やまだ', 'yamada t', 'mada', 'TAROU'])
    expect(await found('radiologist', typed), typed).toEqual([yamada])
  for (const typed of ['ng', 'xu', 'Ng, X']) expect(await found('radiologist', typed), typed).toEqual([ng])
  expect(await found('radiologist', 'петров')).toEqual([petrov])
  expect(await found('radiologist', 'иван п')).toEqual([petrov])
  // Of so few letters only the beginning of a word.
  expect(await found('radiologist', 'da')).toEqual([])
  expect(await found('radiologist', "x' | ng")).toEqual([ng])
})

describe('a name that more have than are looked at one by one', () => {
  let newest: string[]
  beforeAll(async () => {
    // Three hundred of one name, copies of an order that came in; the newest two are at the other site.
    const pattern = await orderOf({ alphabetic: { family: 'Smith', given: 'Anna' } })
    await department.sql`
      insert into patients select (jsonb_populate_record(p, jsonb_build_object('id', 'P' || n))).*
      from patients p join orders o on o.patient_id = p.id, generate_series(1, 300) n where o.id = ${pattern}`
    await department.sql`
      insert into orders select (jsonb_populate_record(o, jsonb_build_object('id', 'O' || n, 'patient_id', 'P' || n,
        'filler_number', 'F' || n, 'placer_number', 'L' || n, 'accession', 'C' || lpad(n::text, 4, '0'),
        'received_at', o.received_at + n * interval '1 second', 'site_id', case when n > 298 then 'WEST' else 'MAIN' end))).*
      from orders o, generate_series(1, 300) n where o.id = ${pattern}`
    newest = Array.from({ length: 12 }, (_, n) => `O${300 - n}`)
  })

  test('is found by its newest orders, narrowed by a second word, and by number', async () => {
    expect(await found('lead', 'smith')).toEqual(newest)
    expect(await found('lead', 'mit an')).toEqual(newest)
    expect(await found('lead', 'smith, bert')).toEqual([])
    expect(await found('lead', 'c0017')).toEqual(['O17'])
    expect(await found('lead', 'c0')).toEqual(newest)
  })

  test('shows those of one’s own sites alone', async () => {
    const { actor } = await actAs(department, 'lead')
    const at = async (site: string) =>
      (await searchOrders(department.sql, { ...actor, sites: [site] }, 'smith')).map(({ id }) => id)
    expect(await at('WEST')).toEqual(['O300', 'O299'])
    expect((await at('MAIN')).slice(0, 2)).toEqual(['O298', 'O297'])
  })

  test('is met further back than its newest orders are looked through', async () => {
    const other = await orderOf({ alphabetic: { family: 'Other' } })
    await department.sql`
      insert into orders select (jsonb_populate_record(o, jsonb_build_object('id', 'Z' || n, 'filler_number', 'Z' || n,
        'placer_number', 'Z' || n, 'accession', 'Z' || n, 'received_at', o.received_at + interval '1 hour' + n * interval '1 second'))).*
      from orders o, generate_series(1, 3100) n where o.id = ${other}`
    expect(await found('lead', 'smith')).toEqual(newest)
  })

  test('is found under the name that it has now', async () => {
    await department.sql`update patients set name_key = 'KOWALSKI^ANNA' where id = 'P300'`
    expect((await found('lead', 'smith'))[0]).toBe('O299')
    expect(await found('lead', 'kowalski')).toEqual(['O300'])
  })
})

test('a referrer does not find orders that they did not ask for', async () => {
  expect(await found('referrer', 'oconnor')).toEqual([])
})
