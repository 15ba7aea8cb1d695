/** One order through every room, on a real Temporal server, a real database and a real MLLP receiver. */
import { Runtime } from '@temporalio/worker'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTemporal } from '#bin/testing/temporal.ts'
import type { Department } from '#db/department.ts'
import { invariantViolations } from '#db/queries/invariants.ts'
import { type OrderStatus, orderWorkflowId, taskQueues } from '#workflows/contract.ts'
import { encryptingCodec } from './codec.ts'
import { patientsIn, readableHistory } from './history.ts'
import { runtimeOptions } from './log.ts'
import { type Relay, startRelay } from './relay/relay.ts'
import { ensureSchedules } from './schedules.ts'
import { type RunningWorkers, startWorkers } from './start-workers.ts'
import { lazyClient, type TemporalTarget } from './temporal-client.ts'
import {
  acceptStudy,
  addAndSign,
  advanceClock,
  bookAndArrive,
  hasItem,
  newPatient,
  openTestDepartment,
  order,
  phaseOf,
  readAndSign,
  rejectForRepeat,
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

test('[RP-06] an order goes from its request to the shelf, its workflow sees what the rows say, and an addendum takes both up again', async () => {
  const patient = newPatient()
  const { orderId } = await order(department, patient)
  await until('the scheduler has the step', () => hasItem(department, orderId, 'schedule'))
  await bookAndArrive(department, orderId)
  await until('the technologist has the exam', () => hasItem(department, orderId, 'perform'))
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'))
  const { reportId } = await readAndSign(department, orderId)
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

  await addAndSign(department, reportId, 'A clip is in place.')
  await until(
    'every receiver has the addendum too',
    async () => (await phaseOf(department, orderId)) === 'delivered',
  )
  const again = emr.received.at(-1)!.bytes.toString('utf8')
  expect(emr.filed.length).toBe(2)
  for (const words of ['Normal chest.', 'A clip is in place.']) expect(again).toContain(words)
  const obr = again.split('\r').find((segment) => segment.startsWith('OBR|'))
  expect(obr?.split('|')[25]).toBe('C')
  await until('the workflow is back', async () => (await status(orderId)).phase === 'delivered')
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

test('a repeated exam sends the order back to the scanner, and the second study is read', async () => {
  const { orderId } = await order(department)
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await rejectForRepeat(department, orderId)
  await until('the repeat is to be booked', () => hasItem(department, orderId, 'schedule'))
  await until(
    'the workflow knows that it went back',
    async () => (await status(orderId)).phase === 'protocolled',
  )
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the second quality check', () => hasItem(department, orderId, 'quality'))
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'))
  await readAndSign(department, orderId)
  await until(
    'every receiver has the report',
    async () => (await phaseOf(department, orderId)) === 'delivered',
  )
}, 90_000)

test('a STAT study that nobody reads is escalated step by step, each step once', async () => {
  const { orderId } = await order(department)
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'))
  await advanceClock(department, 31 * 60_000)
  await until(
    'half the allowance is over and the readers are told',
    async () => (await steps(orderId)).length > 0,
  )
  expect(await steps(orderId)).toEqual(['notify'])
  await advanceClock(department, 30 * 60_000)
  await until('the whole of it is over', async () => (await steps(orderId)).length > 1)
  expect(await steps(orderId)).toEqual(['notify', 'reassign'])
  const [item] = await department.sql<{ late: boolean }[]>`
    select late_at = due_at as late from work_items where order_id = ${orderId} and kind = 'read'`
  expect(item!.late).toBe(true)
}, 90_000)

test('the retention sweep runs by its schedule and says what it would do', async () => {
  const [study] = await department.sql<{ id: string }[]>`
    update studies set next_action_at = ${new Date(0)}, next_action = 'move-to-hdd'
    where id = (select id from studies where expires_on is not null limit 1) returning id`
  await ensureSchedules(client)
  await client.schedule.getHandle('sweep-retention').trigger()
  await until('the study is proposed', async () => {
    const rows = await department.sql`select 1 from retention_proposals where study_id = ${study!.id}`
    return rows.length === 1
  })
}, 60_000)

test('a long history goes on under a new run, and the order loses nothing by it', async () => {
  const { orderId } = await order(department, newPatient(), { priority: 'R' })
  const handle = client.workflow.getHandle(orderWorkflowId(orderId))
  await until(
    'it is followed',
    async () => (await handle.describe().catch(() => null))?.status.name === 'RUNNING',
  )
  await handle.terminate('a test starts it again with a short limit')
  await client.workflow.start('orderWorkflow', {
    workflowId: orderWorkflowId(orderId),
    taskQueue: taskQueues.orders,
    args: [{ orderId, historyLimit: 12 }],
  })
  const first = (await handle.describe()).runId
  // Else a late first look would find all of it at once, and the history would stay short.
  await until('it has taken its first look', async () => (await status(orderId)).phase !== null)
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await until('another run follows it', async () => (await handle.describe()).runId !== first)
  await until('it knows the phase', async () => (await status(orderId)).phase === 'quality-check')
}, 60_000)

test('no history, whatever happened in it, holds a name, a record number or a birth date', async () => {
  const codec = encryptingCodec(SECRET_KEY)
  let histories = 0
  for await (const { workflowId } of client.workflow.list()) {
    const text = await readableHistory(client, codec, workflowId)
    expect(text).not.toContain('binary/encrypted')
    expect(await patientsIn(text, department)).toEqual([])
    histories += 1
  }
  expect(histories).toBeGreaterThan(5)
  // The search itself finds what it looks for, in clear and in a payload.
  const [planted] = await department.sql<{ id: string; value: string }[]>`
    select patient_id as id, value from patient_identifiers limit 1`
  const payload = `{"data": "${Buffer.from(planted!.value).toString('base64')}"}`
  expect(await patientsIn(planted!.value, department)).toEqual([planted!.id])
  expect(await patientsIn(payload, department)).toEqual([planted!.id])
  expect(await invariantViolations(department.sql)).toEqual([])
}, 60_000)

async function steps(orderId: string): Promise<string[]> {
  const rows = await department.sql<{ step: string }[]>`
    select e.step from escalations e join work_items w on w.id = e.item_id where w.order_id = ${orderId} order by e.planned_at`
  return rows.map(({ step }) => step)
}

async function patientOf(orderId: string) {
  const [row] = await department.sql<{ value: string; family: string; given: string }[]>`
    select i.value, p.name->'alphabetic'->>'family' as family, p.name->'alphabetic'->>'given' as given
    from orders o join patients p on p.id = o.patient_id join patient_identifiers i on i.patient_id = p.id where o.id = ${orderId}`
  return { number: row!.value, family: row!.family, given: row!.given }
}
