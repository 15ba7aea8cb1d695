/** The acknowledgement ledger: one control id per delivery for life, one in flight per lane, never given up. */
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import type { Department } from '../department.ts'
import { closeExceptionIn, raiseException } from './exceptions.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

export interface Lane {
  destinationId: string
  patientId: string
}

export interface DeliveryHead {
  id: string
  orderId: string
  /** Null: a message about the order's status. */
  reportId: string | null
  version: number | null
  controlId: string
  state: 'waiting' | 'sent' | 'unknown' | 'parked'
  attempts: number
  /** Machine milliseconds until the next attempt may start; null when a person must mend it first. */
  dueInMs: number | null
  destination: {
    id: string
    host: string
    port: number
    receivingApplication: string
    receivingFacility: string
    policy: Record<string, unknown>
  }
}

/** The oldest delivery of a lane that is not acknowledged: only the head may be sent. */
export async function laneHead(
  department: Department,
  { destinationId, patientId }: Lane,
): Promise<DeliveryHead | null> {
  const [head] = await department.sql<HeadRow[]>`
    select d.id, d.order_id as "orderId", d.report_id as "reportId", d.version, d.control_id as "controlId", d.state,
      d.attempts, d.next_attempt_at, t.enabled and t.retired_at is null as taking, jsonb_build_object('id', t.id, 'host', t.host, 'port', t.port,
        'receivingApplication', t.receiving_application, 'receivingFacility', t.receiving_facility,
        'policy', t.policy) as destination
    from deliveries d join destinations t on t.id = d.destination_id
    where d.destination_id = ${destinationId} and d.patient_id = ${patientId} and d.state <> 'acknowledged'
    order by d.lane_position limit 1`
  if (!head) return null
  const { next_attempt_at, taking, ...delivery } = head
  // A receiver that was switched off or retired holds its lane, as a parked delivery does.
  const held = delivery.state === 'parked' || !taking
  return { ...delivery, dueInMs: held ? null : Math.max(0, (next_attempt_at?.getTime() ?? 0) - Date.now()) }
}

type HeadRow = Omit<DeliveryHead, 'dueInMs'> & { next_attempt_at: Date | null; taking: boolean }

/**
 * Notes that an attempt begins. The bytes are frozen at the first one and go out unchanged ever after.
 * Returns null when the delivery is acknowledged or parked meanwhile.
 */
export async function beginAttempt(
  department: Department,
  act: Act,
  { deliveryId, bytes }: { deliveryId: string; bytes: Buffer },
): Promise<{ bytes: Buffer; controlId: string; attempt: number } | null> {
  return mutate(department, act, 'begin-attempt', async (scope) => {
    await lockOrderOf(scope, deliveryId)
    const [row] = await scope.sql<
      {
        bytes: Buffer
        control_id: string
        attempts: number
        order_id: string
        destination_id: string
        version: number | null
      }[]
    >`
      update deliveries set bytes = coalesce(bytes, ${bytes}), attempts = attempts + 1, state = 'sent',
        first_sent_at = coalesce(first_sent_at, ${act.now}), last_attempt_at = ${act.now}
      where id = ${deliveryId} and state in ('waiting', 'sent', 'unknown')
      returning bytes, control_id, attempts, order_id, destination_id, version`
    if (!row) return null
    scope.append(row.order_id, {
      type: 'delivery.sent',
      data: {
        deliveryId,
        destinationId: row.destination_id,
        version: row.version,
        controlId: row.control_id,
        attempt: row.attempts,
      },
    })
    return { bytes: row.bytes, controlId: row.control_id, attempt: row.attempts }
  })
}

export type Answer =
  | 'acknowledged'
  | 'error'
  | 'rejected'
  | 'malformed'
  | 'timeout'
  | 'lost'
  | 'refused'
  | 'foreign'

export interface AnswerRecorded {
  state: 'waiting' | 'sent' | 'unknown' | 'acknowledged' | 'parked'
  /** Machine milliseconds until the next attempt; null: none (acknowledged, or a person must mend it). */
  retryInMs: number | null
}

/** Table 2.6: what an answer, or its absence, makes of a delivery. */
export async function recordAnswer(
  department: Department,
  act: Act,
  { deliveryId, answer, code }: { deliveryId: string; answer: Answer; code?: string },
): Promise<AnswerRecorded> {
  return mutate(department, act, 'record-answer', async (scope) => {
    await lockOrderOf(scope, deliveryId)
    const [row] = await scope.sql<DeliveryRow[]>`select * from deliveries where id = ${deliveryId}`
    if (!row) return { state: 'waiting', retryInMs: null }
    if (row.state === 'acknowledged') return { state: 'acknowledged', retryInMs: null }
    if (answer === 'acknowledged') return acknowledge(scope, row, code)
    // A late word about an attempt before: only a person takes it up again.
    if (row.state === 'parked') return { state: 'parked', retryInMs: null }
    if (answer === 'rejected' || answer === 'malformed') return park(scope, row, answer, code)
    if (answer === 'error') return retryOrPark(scope, row, code)
    return tryAgain(scope, row, answer, code)
  })
}

interface DeliveryRow {
  id: string
  order_id: string
  report_id: string | null
  version: number | null
  destination_id: string
  control_id: string
  state: string
  attempts: number
  first_error_at: Date | null
}

async function acknowledge(scope: Scope, row: DeliveryRow, code = 'AA'): Promise<AnswerRecorded> {
  const { sql, act } = scope
  await sql`
    update deliveries set state = 'acknowledged', acknowledged_at = ${act.now}, last_answer = ${code}, next_attempt_at = null,
      parked_reason = null where id = ${row.id}`
  scope.append(row.order_id, { type: 'delivery.acknowledged', data: { ...eventData(row), code } })
  const [open] = await sql<{ id: string }[]>`
    select id from exceptions where kind = 'delivery' and key = ${`delivery:${row.id}`} and state = 'open'`
  if (open) await closeExceptionIn(scope, open.id)
  return { state: 'acknowledged', retryInMs: null }
}

async function park(
  scope: Scope,
  row: DeliveryRow,
  answer: Answer,
  code = answer as string,
): Promise<AnswerRecorded> {
  const { sql } = scope
  await sql`
    update deliveries set state = 'parked', last_answer = ${code}, parked_reason = ${answer}, next_attempt_at = null where id = ${row.id}`
  scope.append(row.order_id, { type: 'delivery.parked', data: { ...eventData(row), code } })
  await askToMend(scope, row, answer)
  return { state: 'parked', retryInMs: null }
}

/** Somebody must look at a parked delivery. */
export async function askToMend(
  scope: Scope,
  row: Pick<DeliveryRow, 'id' | 'order_id' | 'destination_id' | 'control_id'>,
  reasonCode: string,
): Promise<void> {
  const [site] = await scope.sql<{ site_id: string }[]>`select site_id from orders where id = ${row.order_id}`
  await raiseException(scope, {
    kind: 'delivery',
    key: `delivery:${row.id}`,
    reasonCode,
    reason:
      'A receiver refused a message. It waits here until somebody mends it; later ones of this patient wait behind it.',
    refs: { deliveryId: row.id, destinationId: row.destination_id, controlId: row.control_id },
    orderId: row.order_id,
    siteId: site!.site_id,
  })
}

// AE, CE: the receiver's trouble may pass. Back-off 5 s × 2ⁿ to 5 min; an hour after the first, a person must look.
async function retryOrPark(scope: Scope, row: DeliveryRow, code = 'AE'): Promise<AnswerRecorded> {
  const { sql, act } = scope
  const { delivery } = POLICY_VERSION_1
  const firstErrorAt = row.first_error_at ?? act.machineNow
  if (act.machineNow.getTime() - firstErrorAt.getTime() >= delivery.parkAfterFirstErrorMs)
    return park(scope, row, 'error', code)
  const retryInMs = backOff(row.attempts)
  await sql`
    update deliveries set state = 'waiting', last_answer = ${code}, first_error_at = ${firstErrorAt},
      next_attempt_at = ${new Date(act.machineNow.getTime() + retryInMs)} where id = ${row.id}`
  scope.append(row.order_id, { type: 'delivery.answered', data: { ...eventData(row), code } })
  return { state: 'waiting', retryInMs }
}

// Refused: nothing was sent. Time-out or lost connection: unknown, sent again with the same control id, without end.
async function tryAgain(
  scope: Scope,
  row: DeliveryRow,
  answer: Answer,
  code = answer as string,
): Promise<AnswerRecorded> {
  const { sql, act } = scope
  const state = answer === 'refused' ? 'waiting' : 'unknown'
  const retryInMs = backOff(row.attempts)
  await sql`
    update deliveries set state = ${state}, last_answer = ${code}, first_error_at = null,
      next_attempt_at = ${new Date(act.machineNow.getTime() + retryInMs)} where id = ${row.id}`
  if (state !== row.state || answer !== 'refused') {
    scope.append(row.order_id, {
      type: state === 'unknown' ? 'delivery.unknown' : 'delivery.answered',
      data: { ...eventData(row), code },
    })
  }
  return { state, retryInMs }
}

/** Exponential from 5 s to 5 min with a fifth of jitter, so that lanes do not come back in step. */
function backOff(attempts: number): number {
  const { retryBaseMs, retryCapMs } = POLICY_VERSION_1.delivery
  const ms = Math.min(retryCapMs, retryBaseMs * 2 ** Math.max(0, Math.min(attempts - 1, 20)))
  return Math.round(ms * (0.9 + Math.random() * 0.2))
}

/** A parked delivery goes again after a person mended the cause: same control id, same bytes. */
export async function replayDelivery(
  department: Department,
  act: Act,
  { deliveryId }: { deliveryId: string },
): Promise<void> {
  await mutate(department, act, 'replay-delivery', async (scope) => {
    await lockOrderOf(scope, deliveryId)
    const [row] = await scope.sql<DeliveryRow[]>`
      update deliveries set state = 'waiting', next_attempt_at = null, first_error_at = null, parked_reason = null
      where id = ${deliveryId} and state = 'parked' returning *`
    if (row) scope.append(row.order_id, { type: 'delivery.mended', data: eventData(row) })
  })
}

async function lockOrderOf(scope: Scope, deliveryId: string): Promise<void> {
  const [row] = await scope.sql<
    { order_id: string }[]
  >`select order_id from deliveries where id = ${deliveryId}`
  if (row) await scope.lockOrder(row.order_id)
}

function eventData(row: DeliveryRow): Record<string, unknown> {
  return {
    deliveryId: row.id,
    destinationId: row.destination_id,
    version: row.version,
    controlId: row.control_id,
    attempt: row.attempts,
  }
}
