/** One order through every room, on a real Temporal server, a real database and a real MLLP receiver. */
import { Runtime } from '@temporalio/worker'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTemporal } from '#bin/testing/temporal.ts'
import type { Department } from '#db/department.ts'
import type { OrderStatus } from '#workflows/contract.ts'
import { orderWorkflowId } from '#workflows/contract.ts'
import { runtimeOptions } from './log.ts'
import { type Relay, startRelay } from './relay/relay.ts'
import { type RunningWorkers, startWorkers } from './start-workers.ts'
import { lazyClient, type TemporalTarget } from './temporal-client.ts'
import {
  acceptStudy,
  advanceClock,
  bookAndArrive,
  hasItem,
  newPatient,
  openTestDepartment,
  order,
  phaseOf,
  readAndSign,
  SECRET_KEY,
  scan,
  until,
} from './testing/department-day.ts'
import { type Emr, startEmr } from './testing/emr.ts'

const log = pino({ level: 'error' }, pino.destination(2))
let emr: Emr
let department: Department
let target: TemporalTarget
let client: ReturnType<typeof lazyClient>
let workers: RunningWorkers
let relay: Relay

beforeAll(async () => {
  Runtime.install(runtimeOptions(log))
  emr = await startEmr()
  department = (await openTestDepartment(emr.port)).department
  target = { ...(await testTemporal()), secretKey: SECRET_KEY }
  client = lazyClient(target)
  workers = await startWorkers({ target, department, log })
  relay = await startRelay({ department, client, log })
}, 60_000)

afterAll(async () => {
  await relay?.stop()
  await workers?.stop()
  await client?.connection.close()
  await department?.close()
  await emr?.close()
})

async function status(orderId: string): Promise<OrderStatus> {
  return client.workflow.getHandle(orderWorkflowId(orderId)).query<OrderStatus>('orderStatus')
}

test('an order goes from its request to the shelf, and its workflow sees what the rows say', async () => {
  const patient = newPatient()
  const { orderId } = await order(department, patient)
  await until('the scheduler has the step', () => hasItem(department, orderId, 'schedule'))
  await bookAndArrive(department, orderId)
  await until('the technologist has the exam', () => hasItem(department, orderId, 'perform'))
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'))
  await readAndSign(department, orderId)
  await until(
    'every receiver has the report',
    async () => (await phaseOf(department, orderId)) === 'delivered',
  )

  expect(emr.filed.length).toBe(1)
  const [delivery] =
    await department.sql`select control_id, state, attempts, last_answer from deliveries where order_id = ${orderId}`
  expect(delivery).toEqual({
    control_id: emr.filed[0],
    state: 'acknowledged',
    attempts: 1,
    last_answer: 'AA',
  })
  const oru = emr.received[0]!.bytes.toString('utf8')
  expect(oru).toContain(patient.family)
  expect(oru).toContain('Normal chest.')

  await until('the studies have their retention', async () => {
    const rows = await department.sql`
      select 1 from studies s join study_links l on l.study_id = s.id where l.order_id = ${orderId} and s.expires_on is not null`
    return rows.length === 1
  })
  await until('the workflow knows the newest rev', async () => {
    const [row] = await department.sql<
      { rev: number; phase: string }[]
    >`select rev, phase from orders where id = ${orderId}`
    const seen = await status(orderId)
    return seen.rev === row!.rev && seen.phase === row!.phase
  })

  await advanceClock(department, 8 * 86_400_000)
  await until(
    'the grace is over and the order closed',
    async () => (await phaseOf(department, orderId)) === 'closed',
  )
  expect(await client.workflow.getHandle(orderWorkflowId(orderId)).result()).toBe('closed')
}, 90_000)

test('a cancelled order ends its workflow in one terminal state, and nothing of it stays on a list', async () => {
  const { orderId, placer } = await order(department, newPatient())
  await until('the scheduler has the step', () => hasItem(department, orderId, 'schedule'))
  const patient = await patientOf(orderId)
  await order(department, patient, { control: 'CA', placer })
  await until('the workflow has ended', async () => {
    const { status } = await client.workflow.getHandle(orderWorkflowId(orderId)).describe()
    return status.name === 'COMPLETED'
  })
  expect(await client.workflow.getHandle(orderWorkflowId(orderId)).result()).toBe('cancelled')
  expect(await phaseOf(department, orderId)).toBe('cancelled')
  const open =
    await department.sql`select 1 from work_items where order_id = ${orderId} and state in ('open', 'claimed')`
  expect(open.length).toBe(0)
}, 60_000)

async function patientOf(orderId: string) {
  const [row] = await department.sql<{ value: string; family: string; given: string }[]>`
    select i.value, p.name->'alphabetic'->>'family' as family, p.name->'alphabetic'->>'given' as given
    from orders o join patients p on p.id = o.patient_id join patient_identifiers i on i.patient_id = p.id where o.id = ${orderId}`
  return { number: row!.value, family: row!.family, given: row!.given }
}
