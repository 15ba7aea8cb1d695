/** From the bytes of a frame to orders or a refusal, and from the department's outcome back to the answer on the wire. */
import type { OrderMessage } from '#domain/order-message.ts'
import { type AckContext, acknowledge, type Outcome } from './ack.ts'
import type { Connection } from './connection.ts'
import type { ErrorCode, Finding, Warning } from './finding.ts'
import { contentHash, type MessageKey, messageKey } from './identity.ts'
import { type Message, parseMessage } from './message.ts'
import { mapOrders } from './orm.ts'

/** What every readable message has: enough to store it, to know it again and to answer it. */
type Read = {
  message: Message
  key: MessageKey
  hash: string
  /** MSH-9 as `ORM^O01`. */
  type: string
  warnings: Warning[]
}

export type Inbound =
  | (Read & { kind: 'order'; orders: OrderMessage[] })
  /** To be answered with `outcome`; `exception` says that somebody must look at it. */
  | (Read & { kind: 'refusal'; outcome: Outcome; exception: boolean })
  /** An ACK or MCF that came to the listener: matched to a delivery or dropped, never acknowledged. */
  | (Read & { kind: 'acknowledgement' })

const orderTypes = new Set(['ORM^O01', 'OMG^O19', 'OMI^O23'])

/** Never throws on content. The caller has stored the raw bytes already. */
export function readInbound(bytes: Uint8Array, connection: Connection): Inbound {
  const message = parseMessage(bytes, connection)
  const read: Read = {
    message,
    key: messageKey(message, connection.controlIdScope),
    hash: contentHash(message),
    type: typeOf(message),
    warnings: message.warnings,
  }
  if (/^(ACK|MCF)\b/.test(read.type)) return { ...read, kind: 'acknowledgement' }
  const refusal = refuse(read, connection)
  if (refusal) return { ...read, kind: 'refusal', ...refusal }
  const mapped = mapOrders(message, connection)
  const warnings = [...message.warnings, ...mapped.warnings]
  if (mapped.errors.length > 0)
    return {
      ...read,
      warnings,
      kind: 'refusal',
      outcome: { code: 'AE', errors: mapped.errors },
      exception: true,
    }
  return { ...read, warnings, kind: 'order', orders: mapped.orders }
}

function typeOf(message: Message): string {
  const header = message.first('MSH')
  return [header?.value('9.1'), header?.value('9.2')].filter(Boolean).join('^').toUpperCase()
}

type Refusal = { outcome: Outcome; exception: boolean }

/** The header checks in the order a sender can mend them. */
function refuse({ message, type }: Read, connection: Connection): Refusal | undefined {
  const header = message.first('MSH')
  if (message.fault) return { outcome: { code: 'AR', errors: [message.fault] }, exception: true }
  if (!header) return undefined
  if (message.unusableCharset)
    return wrong('102', 18, 'The declared character set (MSH-18) cannot be read here.')
  const version = header.value('12.1')
  if (!version) message.warn('version-missing', 'MSH-12')
  else if (!/^2(\.\d+)*$/.test(version))
    return rejected('203', 12, 'Only versions 2.x are read here (MSH-12).')
  if (!header.value('9.1')) return wrong('101', 9, 'The message type (MSH-9) is missing.')
  if (!header.value(10)) return wrong('101', 10, 'The control id (MSH-10) is missing.')
  if (!connection.processingIds.includes(header.value('11.1') ?? ''))
    return rejected('202', 11, 'This processing id (MSH-11) is not taken here.')
  if (!orderTypes.has(type)) return unsupported(type)
  if (type === 'OMI^O23' && !message.first('IPC') && connection.omiWithoutIpc === 'refuse')
    return wrongSegment('IPC', 'An OMI^O23 needs its imaging procedure (IPC).')
  return undefined
}

function unsupported(type: string): Refusal {
  const [family] = type.split('^')
  const known = [...orderTypes].some((taken) => taken.startsWith(`${family}^`))
  return known
    ? rejected('201', 9, 'This event (MSH-9.2) is not taken here.')
    : rejected('200', 9, 'This message type (MSH-9) is not taken here.')
}

function rejected(code0357: ErrorCode, field: number, sentence: string): Refusal {
  return { outcome: { code: 'AR', errors: [inHeader(code0357, field, sentence)] }, exception: false }
}

function wrong(code0357: ErrorCode, field: number, sentence: string): Refusal {
  return { outcome: { code: 'AE', errors: [inHeader(code0357, field, sentence)] }, exception: true }
}

function wrongSegment(segment: string, sentence: string): Refusal {
  const error: Finding = { code0357: '100', location: { segment }, ourCode: 'invalid-message', sentence }
  return { outcome: { code: 'AE', errors: [error] }, exception: true }
}

function inHeader(code0357: ErrorCode, field: number, sentence: string): Finding {
  return {
    code0357,
    location: { segment: 'MSH', occurrence: 1, field },
    ourCode: 'invalid-message',
    sentence,
  }
}

/** The answers on the wire, in order; none for an acknowledgement, or where the sender wants none (MSH-15/16 NE). */
export function answerFor(inbound: Inbound, outcome: Outcome, context: AckContext): Buffer[] {
  return inbound.kind === 'acknowledgement' ? [] : acknowledge(inbound.message, outcome, context)
}

/** How refusals of the department read on this wire (ERR-3); what isn't listed is 207, and ERR-5 says which it was. */
const codes: Record<string, ErrorCode> = {
  'unknown-order': '204',
  'not-found': '204',
  'duplicate-order': '205',
  'message-conflict': '205',
  'invalid-message': '102',
  'unknown-procedure': '103',
  held: '206',
}

const sentences: Record<string, string> = {
  'unknown-order': 'No order with this number is known here.',
  'duplicate-order': 'This order number is known with other content.',
  'message-conflict': 'This control id is known with other content.',
  'order-ended': 'The order has ended; a new number is wanted.',
  'procedure-begun': 'The examination has begun.',
  'images-exist': 'Images of this order exist already.',
  'report-final': 'The report of this order is final.',
  'identity-mismatch': 'The order belongs to another patient.',
  'illegal-transition': 'The order cannot take this step now.',
  'unknown-procedure': 'The procedure code is not known here.',
  held: 'The record is in use; send again later.',
}

/**
 * The one translation from an error to this wire: always AE, because the message was read.
 * An NW for an ended order is a duplicate key; any other step on one is an illegal one.
 */
export function outcomeOfError(error: unknown, location?: Finding['location'], control?: string): Outcome {
  const code = codeOf(error)
  const ourCode = code ?? 'internal-error'
  const code0357 = code === 'order-ended' && control === 'NW' ? '205' : (codes[ourCode] ?? '207')
  const sentence = sentences[ourCode] ?? (code ? `The department refused this: ${code}.` : 'Try again later.')
  return { code: 'AE', errors: [{ code0357, location, ourCode, sentence }] }
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[a-z]+(-[a-z]+)*$/.test(code) ? code : undefined
}

/** A frame that was too long to take: answered AE 207 by the head that was kept. */
export function refuseTooLong(head: Uint8Array, context: AckContext): Buffer[] {
  const message = parseMessage(head, context.connection)
  const sentence = 'The message is longer than this interface takes.'
  return acknowledge(
    message,
    { code: 'AE', errors: [{ code0357: '207', ourCode: 'not-stored', sentence }] },
    context,
  )
}
