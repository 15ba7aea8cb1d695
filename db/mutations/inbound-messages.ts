/** HL7 intake: a message's identity decides whether it is new, a repeat or a conflict; its effect commits with its row. */
import { createHash } from 'node:crypto'
import { isRefusal, RadiologyError } from '#domain/errors.ts'
import type { OrderMessage } from '#domain/order-message.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { raiseException } from './exceptions.ts'
import { type Act, mutate, type Scope } from './mutate.ts'
import { applyOrder } from './orders.ts'

/** MSH-3, MSH-4, MSH-10 and the content hash; the raw bytes are kept before anything is understood. */
export interface InboundMessage {
  application: string
  facility: string
  controlId: string | null
  messageType: string
  hash: string
  raw: Buffer
  connectionId: string
  siteId: string
  peer: string
}

export type Received =
  | { outcome: 'accepted'; messageId: string; orderIds: string[] }
  /** Known identity and content: the first outcome stands, nothing happens twice. */
  | { outcome: 'repeat'; messageId: string }
  /** Written down with its reason, and in somebody's list of things to mend. */
  | { outcome: 'refused'; messageId: string; error: RadiologyError; control: string | undefined }

/**
 * Takes an order message: all its orders in one transaction with its row, or none of them and the reason.
 * Keyed on (MSH-3, MSH-4, MSH-10): of two copies racing on two connections one waits for the other's outcome.
 */
export async function receiveOrderMessage(
  department: Department,
  act: Act,
  message: InboundMessage,
  orders: OrderMessage[],
): Promise<Received> {
  try {
    return await mutate(department, act, 'receive-orders', async (scope) => {
      const known = await sameIdentity(scope, message)
      if (known) return known
      const messageId = await insertMessage(scope, message, 'AA', null)
      const orderIds: string[] = []
      for (const order of inPlacerOrder(orders)) {
        orderIds.push(
          await applyOrder(scope, order, {
            ...message,
            messageId,
            contentHash: contentHash(order),
            sendingApplication: message.application,
            sendingFacility: message.facility,
          }),
        )
      }
      return { outcome: 'accepted', messageId, orderIds }
    })
  } catch (error) {
    if (!isRefusal(error)) throw error
    const refusal = error
    const messageId = await refuseMessage(department, act, message, {
      code: 'AE',
      reasonCode: refusal.code,
      orderId: refusal.refs.orderId as string,
    })
    return { outcome: 'refused', messageId, error: refusal, control: orders[0]?.control }
  }
}

// Two messages naming the same orders lock them in the same sequence.
function inPlacerOrder(orders: OrderMessage[]): OrderMessage[] {
  return [...orders].sort((a, b) => ((a.placer?.value ?? '') < (b.placer?.value ?? '') ? -1 : 1))
}

async function sameIdentity(
  scope: Scope,
  { application, facility, controlId, hash }: InboundMessage,
): Promise<Received | null> {
  if (controlId === null) return null
  const { sql, act } = scope
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${application}|${facility}|${controlId}`}, 2))`
  const [first] = await sql<{ id: string; content_hash: string }[]>`
    select id, content_hash from inbound_messages
    where sending_application = ${application} and sending_facility = ${facility} and control_id = ${controlId}
      and outcome in ('AA', 'CA')`
  if (!first) return null
  if (first.content_hash !== hash) throw new RadiologyError('message-conflict', { messageId: first.id })
  await sql`update inbound_messages set repeats = repeats + 1, last_repeat_at = ${act.now} where id = ${first.id}`
  return { outcome: 'repeat', messageId: first.id }
}

async function insertMessage(
  { sql, act }: Scope,
  message: InboundMessage,
  outcome: string,
  errorCode: string | null,
): Promise<string> {
  const id = ulid()
  await sql`
    insert into inbound_messages (id, connection_id, sending_application, sending_facility, control_id, message_type,
      content_hash, raw, received_at, peer, outcome, error_code)
    values (${id}, ${message.connectionId}, ${message.application}, ${message.facility}, ${message.controlId},
      ${message.messageType}, ${message.hash}, ${message.raw}, ${act.now}, ${message.peer}, ${outcome}, ${errorCode})`
  return id
}

export interface MessageRefusal {
  code: 'AE' | 'AR' | 'CE' | 'CR' | 'none'
  reasonCode: string
  orderId?: string
  /** False where the sender alone must act (a type we do not take): the row is enough. */
  exception?: boolean
}

/** Keeps a message that was refused, with its reason; a repeat of it counts up the same exception. */
export async function refuseMessage(
  department: Department,
  act: Act,
  message: InboundMessage,
  { code, reasonCode, orderId, exception = true }: MessageRefusal,
): Promise<string> {
  return mutate(department, { ...act, key: undefined }, 'refuse-message', async (scope) => {
    const messageId = await insertMessage(scope, message, code, reasonCode)
    if (!exception) return messageId
    const kind = kindOf(reasonCode)
    await raiseException(scope, {
      kind,
      key: `message:${message.application}|${message.facility}|${message.controlId ?? message.hash}`,
      reasonCode,
      reason:
        sentences[reasonCode] ??
        'A message could not be taken. Its bytes are kept; mend it, or ask the sender.',
      refs: { messageId, messageType: message.messageType, ...(orderId ? { orderId } : {}) },
      orderId: kind === 'conflict' ? (orderId ?? null) : null,
      siteId: message.siteId,
    })
    return messageId
  })
}

const conflicts = new Set([
  'duplicate-order',
  'order-ended',
  'procedure-begun',
  'images-exist',
  'report-final',
  'illegal-transition',
])

function kindOf(reasonCode: string): 'message' | 'conflict' | 'identity' {
  if (reasonCode === 'identity-mismatch') return 'identity'
  return conflicts.has(reasonCode) ? 'conflict' : 'message'
}

const sentences: Record<string, string> = {
  'message-conflict':
    'A control id came again with other content. Nothing was changed; ask the sender which one counts.',
  'unknown-order': 'A message speaks of an order that is not known here.',
  'duplicate-order': 'A new order came under a number that is known with other content.',
  'order-ended': 'A message wants to change an order that has ended.',
  'procedure-begun': 'A message wants to change or cancel an order whose examination has begun.',
  'images-exist': 'A message wants to change or cancel an order that has images already.',
  'report-final': 'A message wants to change an order whose report is final.',
  'identity-mismatch': 'A message names another patient than the order it speaks of.',
}

/** Of what an order says, whichever message brought it: the same order under a new control id is the same order. */
function contentHash(order: OrderMessage): string {
  const { control: _control, warnings: _warnings, ...content } = order
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}
