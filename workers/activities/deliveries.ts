/** One attempt to deliver one report: frozen bytes out, the answer recorded, whatever it was. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import type { Department } from '#db/department.ts'
import { failpoint } from '#db/failpoint.ts'
import { dutyAct } from '#db/mutations/act.ts'
import {
  type Answer,
  beginAttempt,
  type DeliveryHead,
  laneHead,
  recordAnswer,
} from '#db/mutations/deliveries.ts'
import { POLICY_VERSION_1 } from '#domain/policy.ts'
import { MllpFailure } from '#interop/v2/mllp-client.ts'
import type { IntegrationActivities } from '#workflows/activities.ts'
import { refusalsAsFailures } from '../failure.ts'
import type { Log } from '../log.ts'
import type { Receivers } from '../receivers.ts'
import { messageFor } from './report-message.ts'

interface Dependencies {
  department: Department
  receivers: Receivers
  log: Log
  /** How long an answer is waited for; default as policy says. */
  answerTimeoutMs?: number
}

const HEARTBEAT_MS = 3_000

export function integrationActivities(dependencies: Dependencies): IntegrationActivities {
  return refusalsAsFailures<IntegrationActivities>({
    attemptDelivery: ({ deliveryId }) => whileAlive(() => attempt(dependencies, deliveryId)),
  })
}

async function attempt(dependencies: Dependencies, deliveryId: string): Promise<void> {
  const { department, receivers, log } = dependencies
  const head = await dueHead(department, deliveryId)
  if (!head) return
  if (!receivers.hasRoom(head.destination)) throw tryAgainSoon(head)
  const message = await messageFor(department, head)
  if ('missing' in message) {
    log.error({ deliveryId, missing: message.missing }, 'a report lacks what its message must carry')
    return record(department, deliveryId, { answer: 'malformed', code: 'not-sendable' })
  }
  const begun = await beginAttempt(department, await dutyAct(department), {
    deliveryId,
    bytes: message.bytes,
  })
  if (begun) await record(department, deliveryId, await exchange(dependencies, head, begun))
}

/** The delivery, if it is its lane's turn now: a repeat of an attempt that was already answered finds it is not. */
async function dueHead(department: Department, deliveryId: string): Promise<DeliveryHead | null> {
  const [lane] = await department.sql<{ destinationId: string; patientId: string }[]>`
    select destination_id as "destinationId", patient_id as "patientId" from deliveries where id = ${deliveryId}`
  const head = lane ? await laneHead(department, lane) : null
  return head?.id === deliveryId && head.dueInMs === 0 ? head : null
}

type Answered = { answer: Answer; code?: string }

async function exchange(
  { receivers, answerTimeoutMs: timeoutMs = POLICY_VERSION_1.delivery.answerTimeoutMs }: Dependencies,
  { destination }: DeliveryHead,
  { bytes, controlId }: { bytes: Buffer; controlId: string },
): Promise<Answered> {
  await failpoint('delivery:before-send')
  try {
    const sending = receivers.send(destination, bytes, { controlId, timeoutMs })
    // By then the bytes are written, unless the receiver cannot be reached or has answered already.
    await Promise.race([sending, sleep(20)])
    await failpoint('delivery:after-send')
    const { read } = await sending
    await failpoint('delivery:after-answer')
    // The receiver has the message already (table 0357, 205): an earlier answer was lost on the way.
    if (read.kind === 'error' && read.duplicate) return { answer: 'acknowledged', code: '205' }
    return { answer: read.kind, ...(read.code ? { code: read.code } : {}) }
  } catch (error) {
    if (error instanceof MllpFailure) return { answer: error.outcome, code: error.outcome }
    throw error
  }
}

async function record(department: Department, deliveryId: string, answered: Answered): Promise<void> {
  await recordAnswer(department, await dutyAct(department), { deliveryId, ...answered })
}

function tryAgainSoon({ destination }: DeliveryHead): ApplicationFailure {
  return ApplicationFailure.create({
    message: `others wait for ${destination.id}`,
    type: 'destination-busy',
    nextRetryDelay: '1 s',
  })
}

/** Tells Temporal that this worker lives, and lets go at once when the worker stops. */
async function whileAlive<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current()
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS)
  try {
    return await Promise.race([work(), context.cancelled])
  } finally {
    clearInterval(timer)
  }
}
