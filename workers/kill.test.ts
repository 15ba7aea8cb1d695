/** Workers and relay killed with SIGKILL at every step of an order's way: nothing lost, nothing done twice. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTemporal } from '#bin/testing/temporal.ts'
import type { Department } from '#db/department.ts'
import { invariantViolations } from '#db/queries/invariants.ts'
import { type OrderStatus, orderWorkflowId } from '#workflows/contract.ts'
import { lazyClient, type TemporalTarget } from './temporal-client.ts'
import { type Child, runUntilStopped } from './testing/child.ts'
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
} from './testing/department-day.ts'
import { type Emr, startEmr } from './testing/emr.ts'

const relayDies = ['relay:before-signal', 'relay:after-signal']
const workersDie = [
  'settle-order:before-commit',
  'settle-order:after-commit',
  'begin-attempt:after-commit',
  'delivery:before-send',
  'delivery:after-send',
  'delivery:after-answer',
  'record-answer:after-commit',
  'assign-retention:after-commit',
]

let emr: Emr
let department: Department
let target: TemporalTarget
let client: ReturnType<typeof lazyClient>
let workers: Child
let relay: Child

beforeAll(async () => {
  emr = await startEmr()
  const opened = await openTestDepartment(emr.port)
  department = opened.department
  target = { ...(await testTemporal()), secretKey: SECRET_KEY }
  client = lazyClient(target)
  const home = mkdtempSync(join(tmpdir(), 'isocenter-kill-'))
  const env = {
    ISOCENTER_HOME: home,
    ISOCENTER_SECRET_KEY: SECRET_KEY,
    DATABASE_URL: opened.databaseUrl,
    TEMPORAL_ADDRESS: target.address,
    TEMPORAL_NAMESPACE: target.namespace,
    LOG_LEVEL: 'error',
  }
  const start = (entry: string, killAt: string[]) =>
    runUntilStopped({
      entry,
      env,
      killAt,
      failpointFile: join(home, `${entry.replaceAll('/', '-')}.failpoint`),
    })
  ;[workers, relay] = await Promise.all([
    start('workers/main.ts', workersDie),
    start('workers/relay/main.ts', relayDies),
  ])
}, 90_000)

afterAll(async () => {
  await relay?.stop()
  await workers?.stop()
  await client?.connection.close()
  await department?.close()
  await emr?.close()
})

test('[EH-02] processes killed at every step lose no order and file no report twice', async () => {
  const { orderId } = await order(department)
  await until('the scheduler has the step', () => hasItem(department, orderId, 'schedule'), 60_000)
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'), 60_000)
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'), 60_000)
  await readAndSign(department, orderId)
  await until(
    'every receiver has the report',
    async () => (await phaseOf(department, orderId)) === 'delivered',
    120_000,
  )
  await until(
    'every armed place was reached',
    async () => workers.deaths.length === workersDie.length,
    60_000,
  )
  expect(workers.deaths).toEqual(workersDie)
  expect(relay.deaths).toEqual(relayDies)

  // A lost answer is the only reason to send again: before-send wrote nothing, the two after it wrote once each.
  const [delivery] = await department.sql<{ control_id: string; state: string }[]>`
    select control_id, state from deliveries where order_id = ${orderId}`
  expect(delivery!.state).toBe('acknowledged')
  expect(new Set(emr.received.map(({ controlId }) => controlId))).toEqual(new Set([delivery!.control_id]))
  expect(new Set(emr.received.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1)
  expect(emr.received.length).toBeLessThanOrEqual(3)

  await until(
    'the workflow sees what the rows say',
    async () => {
      const [row] = await department.sql<
        { rev: number; phase: string }[]
      >`select rev, phase from orders where id = ${orderId}`
      const seen = await client.workflow.getHandle(orderWorkflowId(orderId)).query<OrderStatus>('orderStatus')
      return seen.rev === row!.rev && seen.phase === row!.phase
    },
    60_000,
  )
  expect(await invariantViolations(department.sql)).toEqual([])
}, 300_000)
