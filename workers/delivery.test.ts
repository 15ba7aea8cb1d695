/** Delivery against an EMR that errs, hangs up, stays silent and refuses: nothing lost, nothing filed twice, nothing overtaken. */
import { Runtime } from '@temporalio/worker'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTemporal } from '#bin/testing/temporal.ts'
import type { Department } from '#db/department.ts'
import { actOf, dutyAct } from '#db/mutations/act.ts'
import { replayDelivery } from '#db/mutations/deliveries.ts'
import { mutate } from '#db/mutations/mutate.ts'
import { tellStatus } from '#db/mutations/order-status.ts'
import { invariantViolations } from '#db/queries/invariants.ts'
import { runtimeOptions } from './log.ts'
import { type Relay, startRelay } from './relay/relay.ts'
import { ringLane } from './ring.ts'
import { type RunningWorkers, startWorkers } from './start-workers.ts'
import { lazyClient } from './temporal-client.ts'
import {
  acceptStudy,
  bookAndArrive,
  hasItem,
  newPatient,
  openTestDepartment,
  order,
  type Patient,
  person,
  phaseOf,
  readAndSign,
  SECRET_KEY,
  scan,
  until,
} from './testing/department-day.ts'
import { type Emr, startEmr } from './testing/emr.ts'

const log = pino({ level: 'fatal' }, pino.destination(2))
let emr: Emr
let department: Department
let client: ReturnType<typeof lazyClient>
let workers: RunningWorkers
let relay: Relay

beforeAll(async () => {
  Runtime.install(runtimeOptions(log))
  emr = await startEmr()
  department = (await openTestDepartment(emr.port)).department
  const target = { ...(await testTemporal()), secretKey: SECRET_KEY }
  client = lazyClient(target)
  workers = await startWorkers({ target, department, log, answerTimeoutMs: 500 })
  relay = await startRelay({ department, client, log })
}, 60_000)

afterAll(async () => {
  await relay?.stop()
  await workers?.stop()
  await client?.connection.close()
  await department?.close()
  await emr?.close()
})

test('[EH-02] a report whose answers are lost goes out again as the same bytes under the same control id', async () => {
  emr.behave('hang-up', 'error', 'foreign', 'silent', 'accept')
  const orderId = await signedOrder()
  for (const state of ['unknown', 'waiting', 'unknown', 'unknown']) await stateThenRetryNow(orderId, state)
  await until('the report is acknowledged', async () => (await delivery(orderId)).state === 'acknowledged')
  const { control_id: controlId, attempts } = await delivery(orderId)
  const sent = emr.received.filter((message) => message.controlId === controlId)
  expect(attempts).toBe(5)
  expect(sent.length).toBe(5)
  expect(new Set(sent.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1)
  expect(emr.filed.filter((filed) => filed === controlId).length).toBe(1)
}, 90_000)

test('[EH-02] a refused report holds its own patient’s lane until it is mended, and nobody else’s', async () => {
  const patient = newPatient()
  emr.behave('reject')
  const refused = await signedOrder(patient)
  await until('the first report is parked', async () => (await delivery(refused)).state === 'parked')
  emr.behave('accept')
  const waiting = await signedOrder(patient)
  const other = await signedOrder()
  await until(
    'another patient’s report passes',
    async () => (await phaseOf(department, other)) === 'delivered',
  )
  expect((await delivery(waiting)).attempts).toBe(0)
  await until('the administrator has it to mend', () => hasItem(department, refused, 'mend'))

  const act = await actOf(department, await person(department, 'admin'), 'app')
  await replayDelivery(department, act, { deliveryId: (await delivery(refused)).id })
  await until('both are delivered', async () => {
    const phases = await Promise.all([phaseOf(department, refused), phaseOf(department, waiting)])
    return phases.every((phase) => phase === 'delivered')
  })
  const ids = [(await delivery(refused)).control_id, (await delivery(waiting)).control_id]
  expect(emr.filed.filter((filed) => ids.includes(filed))).toEqual(ids)
  expect(await invariantViolations(department.sql)).toEqual([])
}, 90_000)

test('[MA-12] a receiver hears where an order stands at once, long before anybody reads', async () => {
  emr.behave('accept')
  const { orderId } = await order(department)
  await bookAndArrive(department, orderId)
  await mutate(department, await dutyAct(department), 'tell-status', (scope) =>
    tellStatus(scope, orderId, 'arrived'),
  )
  await until('the status is acknowledged', async () => (await delivery(orderId)).state === 'acknowledged')
  expect(await phaseOf(department, orderId)).toBe('arrived')
}, 60_000)

async function signedOrder(patient: Patient = newPatient()): Promise<string> {
  const { orderId } = await order(department, patient)
  await bookAndArrive(department, orderId)
  await scan(department, orderId)
  await until('the technologist has the quality check', () => hasItem(department, orderId, 'quality'))
  await acceptStudy(department, orderId)
  await until('a radiologist has the study', () => hasItem(department, orderId, 'read'))
  await readAndSign(department, orderId)
  return orderId
}

/** Waits for the state after an attempt, then lets the time until the next one pass at once. */
async function stateThenRetryNow(orderId: string, state: string): Promise<void> {
  await until(`the delivery is ${state} and waits for its next attempt`, async () => {
    const now = await delivery(orderId)
    return now?.state === state && now.next_attempt_at !== null && now.next_attempt_at > new Date()
  })
  const [lane] = await department.sql<{ destinationId: string; patientId: string }[]>`
    update deliveries set next_attempt_at = ${new Date(0)} where order_id = ${orderId}
    returning destination_id as "destinationId", patient_id as "patientId"`
  await ringLane(client, lane!)
}

interface DeliveryRow {
  id: string
  state: string
  control_id: string
  attempts: number
  next_attempt_at: Date | null
}

async function delivery(orderId: string): Promise<DeliveryRow> {
  const [row] = await department.sql<DeliveryRow[]>`
    select id, state, control_id, attempts, next_attempt_at from deliveries where order_id = ${orderId}`
  return row!
}
