/** One message of the MLLP listener, from its bytes to the answers on the wire: stored, applied, committed, then acknowledged. */
import { createHash } from 'node:crypto'
import type { Department } from '#db/department.ts'
import { failpoint } from '#db/failpoint.ts'
import { type InboundMessage, receiveOrderMessage, refuseMessage } from '#db/mutations/inbound-messages.ts'
import type { Act } from '#db/mutations/mutate.ts'
import { ulid } from '#db/ulid.ts'
import type { Actor } from '#domain/permissions.ts'
import type { KnownConnection } from './connections.ts'
import type { AckContext, Outcome } from './v2/ack.ts'
import { splitBatch } from './v2/batch.ts'
import { answerFor, type Inbound, outcomeOfError, readInbound, refuseTooLong } from './v2/intake.ts'

export interface OrdersIn {
  department: Department
  connectionFor(bytes: Buffer): Promise<KnownConnection>
}

/** Answers every message of a frame in order; a bad one costs none of the others. */
export async function answerFrame(orders: OrdersIn, bytes: Buffer, peer: string): Promise<Buffer[]> {
  const answers: Buffer[] = []
  for (const message of splitBatch(bytes).messages)
    answers.push(...(await answerMessage(orders, Buffer.from(message), peer)))
  await failpoint('mllp:before-ack')
  return answers
}

/** Refuses a frame of which no more than its head was kept, so that its sender does not repeat it for ever. */
export async function answerTooLong(
  { department, connectionFor }: OrdersIn,
  head: Buffer,
): Promise<Buffer[]> {
  return refuseTooLong(head, answeredAt(await department.now(), await connectionFor(head)))
}

async function answerMessage(
  { department, connectionFor }: OrdersIn,
  bytes: Buffer,
  peer: string,
): Promise<Buffer[]> {
  const known = await connectionFor(bytes)
  const inbound = readInbound(bytes, known.agreement)
  const act: Act = {
    actor: senderActor(known),
    source: 'hl7',
    now: await department.now(),
    machineNow: new Date(),
    address: peer,
  }
  const outcome = await outcomeOf({ department, act, known, bytes, peer }, inbound)
  return answerFor(inbound, outcome, answeredAt(act.now, known))
}

function answeredAt(now: Date, { agreement }: KnownConnection): AckContext {
  return { connection: agreement, newControlId: () => `ACK${ulid().slice(-16)}`, now }
}

interface Arrival {
  department: Department
  act: Act
  known: KnownConnection
  bytes: Buffer
  peer: string
}

async function outcomeOf(
  { department, act, known, bytes, peer }: Arrival,
  inbound: Inbound,
): Promise<Outcome> {
  const message: InboundMessage = {
    application: inbound.key.sendingApplication,
    facility: inbound.key.sendingFacility,
    controlId: keyOf(inbound),
    messageType: inbound.type,
    // Without a readable header there is nothing to hash but the bytes themselves.
    hash: keyOf(inbound) === null ? createHash('sha256').update(bytes).digest('hex') : inbound.hash,
    raw: bytes,
    connectionId: known.id,
    siteId: known.siteId,
    peer,
  }
  if (inbound.kind === 'acknowledgement') return { code: 'AA' }
  if (inbound.kind === 'refusal') {
    const reasonCode = inbound.outcome.errors?.[0]?.ourCode ?? 'invalid-message'
    await refuseMessage(department, act, message, {
      code: inbound.outcome.code === 'AR' ? 'AR' : 'AE',
      reasonCode,
      exception: inbound.exception,
    })
    return inbound.outcome
  }
  const received = await receiveOrderMessage(department, act, message, inbound.orders)
  if (received.outcome === 'refused') return outcomeOfError(received.error, undefined, received.control)
  return { code: 'AA' }
}

// Where control ids start again every day, or do not count at all, the agreed scope is part of the identity.
function keyOf({ key }: Inbound): string | null {
  if (!key.controlId) return null
  return key.scope ? `${key.controlId} ${key.scope}` : key.controlId
}

function senderActor(known: KnownConnection): Actor {
  return {
    kind: 'token',
    id: `hl7:${known.id}`,
    roles: ['integration'],
    sites: [known.siteId],
    areas: [],
    credentials: [],
  }
}
