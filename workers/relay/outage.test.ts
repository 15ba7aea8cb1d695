/** The department while Temporal cannot be reached, and afterwards: real server behind a line that is cut. */
import { Runtime } from '@temporalio/worker'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTemporal } from '#bin/testing/temporal.ts'
import type { Department } from '#db/department.ts'
import { type OrderStatus, orderWorkflowId } from '#workflows/contract.ts'
import { runtimeOptions } from '../log.ts'
import { type RunningWorkers, startWorkers } from '../start-workers.ts'
import { lazyClient, type TemporalTarget } from '../temporal-client.ts'
import { type CuttableLine, cuttableLine } from '../testing/cuttable-line.ts'
import {
  acceptStudy,
  bookAndArrive,
  hasItem,
  openTestDepartment,
  order,
  phaseOf,
  readAndSign,
  SECRET_KEY,
  scan,
  until,
} from '../testing/department-day.ts'
import { type Emr, startEmr } from '../testing/emr.ts'
import { type Relay, startRelay } from './relay.ts'

const log = pino({ level: 'error' }, pino.destination(2))
let emr: Emr
let department: Department
let direct: TemporalTarget
let line: CuttableLine
let client: ReturnType<typeof lazyClient>
let workers: RunningWorkers
let relay: Relay

beforeAll(async () => {
  Runtime.install(runtimeOptions(log))
  emr = await startEmr()
  department = (await openTestDepartment(emr.port)).department
  direct = { ...(await testTemporal()), secretKey: SECRET_KEY }
  line = await cuttableLine(direct.address)
  client = lazyClient({ ...direct, address: line.address })
  workers = await startWorkers({ target: { ...direct, address: line.address }, department, log })
  relay = await startRelay({ department, client, log, times: { patienceMs: 1_000, pollMs: 200 } })
}, 60_000)

afterAll(async () => {
  await relay?.stop()
  await workers?.stop()
  await client?.connection.close()
  await department?.close()
  await line?.cut()
  await emr?.close()
})

test('without Temporal an order is booked, scanned, checked, read and signed; with it back, delivered', async () => {
  await line.cut()
  const { orderId } = await order(department)
  await until('the scheduler has the step', () => hasItem(department, orderId, 'schedule'))
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'))
  await readAndSign(department, orderId)
  await until('the report is released', async () => {
    const rows = await department.sql`select 1 from deliveries where order_id = ${orderId}`
    return rows.length === 1
  })
  expect(await phaseOf(department, orderId)).toBe('final')
  expect(emr.received).toEqual([])
  await until('health can say that Temporal is away', async () => relay.state().temporalDownMs !== null)

  await line.mend()
  await until(
    'every receiver has the report',
    async () => (await phaseOf(department, orderId)) === 'delivered',
    40_000,
  )
  const handle = client.workflow.getHandle(orderWorkflowId(orderId))
  await until('the workflow sees what the rows say', async () => {
    const [row] = await department.sql<{ rev: number; phase: string }[]>`
      select rev, phase from orders where id = ${orderId}`
    // The lane may deliver before the relay has taken the order's own workflow up again.
    const seen = await handle.query<OrderStatus>('orderStatus').catch((error: Error) => {
      if (error.name !== 'WorkflowNotFoundError') throw error
      return null
    })
    return seen?.phase === row!.phase && seen.rev === row!.rev
  })
  expect(relay.state().temporalDownMs).toBe(null)
  const cycles = await department.sql<{ items: number }[]>`
    select count(*) as items from work_items where order_id = ${orderId} group by subject_id, kind having count(*) > 1`
  expect(cycles).toEqual([])
}, 120_000)

test('an order whose workflow is gone is taken up again from its rows', async () => {
  const { orderId } = await order(department)
  await until('the scheduler has the step', () => hasItem(department, orderId, 'schedule'))
  const handle = client.workflow.getHandle(orderWorkflowId(orderId))
  await until('the doorbell has nothing more to say', async () => {
    const [row] = await department.sql<{ quiet: boolean }[]>`
      select relayed_rev = rev and settled_rev = rev as quiet from orders where id = ${orderId}`
    return row!.quiet
  })
  await handle.terminate('a test takes it away')
  await department.sql`update orders set created_at = created_at - interval '1 minute' where id = ${orderId}`
  let repaired = 0
  await until('the reconciler has found it', async () => {
    repaired += (await relay.reconcileNow()).ordersTakenUp
    return repaired > 0
  })
  await until('it is followed', async () => (await handle.describe()).status.name === 'RUNNING')
  const audited = await department.sql`
    select data from audit_events where type = 'workflows.reconciled' and data->'orderIds' ? ${orderId}`
  expect(audited.length).toBeGreaterThan(0)
}, 60_000)

test('a Temporal server that has lost everything is filled again from the rows', async () => {
  const emptied = { ...direct, namespace: `${direct.namespace}-lost` }
  const other = lazyClient(emptied)
  const { orderId } = await order(department)
  await until('the scheduler has the step', () => hasItem(department, orderId, 'schedule'))
  await department.sql`update orders set created_at = created_at - interval '1 minute' where id = ${orderId}`
  const second = await startRelay({ department, client: other, log, times: { pollMs: 200 } })
  await until('the order is followed there', async () => {
    const found = await other.workflow
      .getHandle(orderWorkflowId(orderId))
      .describe()
      .catch(() => null)
    return found?.status.name === 'RUNNING'
  })
  await second.stop()
  await other.connection.close()
}, 60_000)
