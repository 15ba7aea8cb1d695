/** What the relay does with no Temporal at all: nobody listens at the address it is given. */
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '#bin/testing/free-port.ts'
import type { Department } from '#db/department.ts'
import { actOf } from '#db/mutations/act.ts'
import { raiseCriticalResult } from '#db/mutations/raise-critical.ts'
import { openReport } from '#db/mutations/reports.ts'
import { claim } from '#db/mutations/work-items.ts'
import { MINUTE_MS } from '#domain/calendar.ts'
import { lazyClient } from '../temporal-client.ts'
import {
  acceptStudy,
  advanceClock,
  bookAndArrive,
  hasItem,
  openItem,
  openTestDepartment,
  order,
  person,
  SECRET_KEY,
  scan,
  until,
} from '../testing/department-day.ts'
import { type Relay, startRelay } from './relay.ts'

const log = pino({ level: 'silent' })
let department: Department
let client: ReturnType<typeof lazyClient>
let relay: Relay

beforeAll(async () => {
  department = (await openTestDepartment(1)).department
  client = lazyClient({
    address: `127.0.0.1:${await freePort()}`,
    namespace: 'nobody',
    secretKey: SECRET_KEY,
  })
  relay = await startedRelay()
})

const startedRelay = () =>
  startRelay({ department, client, log, times: { pollMs: 100, patienceMs: 300, leaseSweepMs: 100 } })

afterAll(async () => {
  await relay?.stop()
  await client?.connection.close()
  await department?.close()
})

async function readable(): Promise<{ orderId: string; itemId: string }> {
  const { orderId } = await order(department)
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'))
  return { orderId, itemId: await openItem(department, orderId, 'read') }
}

test('[RW-02] a reader whose browser is gone loses the claim when the lease is over, Temporal or not', async () => {
  const { itemId } = await readable()
  const act = await actOf(department, await person(department, 'radiologist'), 'app')
  const first = await claim(department, act, { itemId })
  await department.sql`update work_items set lease_until = ${new Date(Date.now() - 1)} where id = ${itemId}`
  await until('the item is open again', async () => {
    const [item] = await department.sql<
      { state: string }[]
    >`select state from work_items where id = ${itemId}`
    return item!.state === 'open'
  })
  const other = await actOf(department, await person(department, 'radiologist2'), 'app')
  expect((await claim(department, other, { itemId })).fence).toBeGreaterThan(first.fence)
}, 60_000)

test('[CR-03] a critical result that nobody tells calls for its next contact in its hour, after a restart and without Temporal', async () => {
  const { orderId, itemId } = await readable()
  const act = await actOf(department, await person(department, 'radiologist'), 'app')
  await claim(department, act, { itemId })
  const { reportId } = await openReport(department, act, { itemId })
  await raiseCriticalResult(department, act, { reportId, finding: 'Free air.', level: 1 })
  await until('the critical result is somebody’s work', () => hasItem(department, orderId, 'critical'))
  await relay.stop()
  await advanceClock(department, 61 * MINUTE_MS)
  relay = await startedRelay()
  const steps = () => department.sql<{ step: string }[]>`
    select step from critical_steps s join critical_results c on c.id = s.critical_id
    where c.order_id = ${orderId} order by planned_at`
  await until('three more contacts were called for', async () => (await steps()).length === 4)
  expect((await steps()).map(({ step }) => step)).toEqual(['orderer', 'ward', 'on-call', 'lead'])
}, 60_000)

test('health can read how long the oldest fact has waited, and since when Temporal is away', async () => {
  await order(department)
  await until('the wait is counted', async () => (relay.state().oldestUndeliveredMs as number) > 500)
  await until('the server’s absence is known', async () => relay.state().temporalDownMs !== null)
}, 60_000)
