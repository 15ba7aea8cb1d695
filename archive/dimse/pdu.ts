/** Upper layer protocol data units but P-DATA-TF (PS3.8 section 9.3): their fields, read strictly and written. */
import { DicomError } from './dicom-error.ts'

export const PDU = {
  associateRq: 0x01,
  associateAc: 0x02,
  associateRj: 0x03,
  dataTf: 0x04,
  releaseRq: 0x05,
  releaseRp: 0x06,
  abort: 0x07,
} as const

export const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1'

export type ProposedContext = {
  readonly id: number
  readonly abstractSyntax: string
  readonly transferSyntaxes: readonly string[]
}

/** Results of PS3.8 table 9-18. */
export const CONTEXT_RESULT = {
  acceptance: 0,
  userRejection: 1,
  noReason: 2,
  abstractSyntaxNotSupported: 3,
  transferSyntaxesNotSupported: 4,
} as const

export type AnsweredContext = {
  readonly id: number
  readonly result: number
  /** Not significant unless accepted. */
  readonly transferSyntax: string
}

/** SCP/SCU Role Selection (PS3.7 section D.3.3.4): what the requestor is, or may be, for a SOP class. */
export type Role = { readonly sopClassUid: string; readonly scu: boolean; readonly scp: boolean }

/** User Identity (PS3.7 section D.3.3.7). The fields are secrets: never log them. */
export type UserIdentity = {
  readonly type: number
  readonly positiveResponseRequested: boolean
  readonly primary: Buffer
  readonly secondary: Buffer
}

type UserInformation = {
  /** The longest P-DATA-TF variable field its sender receives; 0 for no limit. */
  readonly maxPduBytes: number
  readonly implementationClassUid: string
  readonly implementationVersionName: string
  readonly roles: readonly Role[]
}

export type Titles = { readonly calledAe: string; readonly callingAe: string }

export type AssociateRq = UserInformation &
  Titles & {
    readonly protocolVersion: number
    readonly applicationContext: string
    readonly contexts: readonly ProposedContext[]
    readonly userIdentity?: UserIdentity
  }

export type AssociateAc = UserInformation & {
  readonly calledAe: string
  readonly callingAe: string
  readonly contexts: readonly AnsweredContext[]
  /** Says that the user identity was accepted, when the requestor asked to be told. */
  readonly userIdentityAccepted?: boolean
}

/** PS3.8 table 9-21. */
export type AssociateRj = { readonly result: number; readonly source: number; readonly reason: number }

/** PS3.8 table 9-26: source 0 is the user, 2 the provider with a reason. */
export type Abort = { readonly source: number; readonly reason: number }

const ITEM = {
  applicationContext: 0x10,
  contextRq: 0x20,
  contextAc: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maxLength: 0x51,
  implementationClassUid: 0x52,
  role: 0x54,
  implementationVersionName: 0x55,
  userIdentity: 0x58,
  userIdentityAc: 0x59,
} as const

export function encodeAssociateRq(rq: AssociateRq): Buffer {
  const contexts = rq.contexts.map(({ id, abstractSyntax, transferSyntaxes }) =>
    item(
      ITEM.contextRq,
      Buffer.of(id, 0, 0, 0),
      item(ITEM.abstractSyntax, ascii(abstractSyntax)),
      ...transferSyntaxes.map((uid) => item(ITEM.transferSyntax, ascii(uid))),
    ),
  )
  const identity = rq.userIdentity ? [encodeIdentity(rq.userIdentity)] : []
  return associate(PDU.associateRq, rq, [...contexts, userInformation(rq, identity)])
}

export function encodeAssociateAc(ac: AssociateAc): Buffer {
  const contexts = ac.contexts.map(({ id, result, transferSyntax }) =>
    item(ITEM.contextAc, Buffer.of(id, 0, result, 0), item(ITEM.transferSyntax, ascii(transferSyntax))),
  )
  const identity = ac.userIdentityAccepted ? [item(ITEM.userIdentityAc, u16(0))] : []
  return associate(PDU.associateAc, ac, [...contexts, userInformation(ac, identity)])
}

export const encodeAssociateRj = ({ result, source, reason }: AssociateRj): Buffer =>
  pdu(PDU.associateRj, Buffer.of(0, result, source, reason))

export const encodeReleaseRq = (): Buffer => pdu(PDU.releaseRq, Buffer.alloc(4))
export const encodeReleaseRp = (): Buffer => pdu(PDU.releaseRp, Buffer.alloc(4))

export const encodeAbort = ({ source, reason }: Abort): Buffer =>
  pdu(PDU.abort, Buffer.of(0, 0, source, reason))

/** @throws DicomError 'pdu-malformed' */
export function decodeAssociateRq(body: Buffer): AssociateRq {
  const fields = associateFields(body)
  const user = decodeUserInformation(fields.items)
  const contexts = fields.items.filter(({ type }) => type === ITEM.contextRq).map(decodeProposed)
  checkContextIds(contexts)
  const identity = user.parts.find(({ type }) => type === ITEM.userIdentity)
  return {
    ...fields.head,
    applicationContext: uidOf(fields.items.find(({ type }) => type === ITEM.applicationContext)?.body),
    contexts,
    ...user.information,
    ...(identity ? { userIdentity: decodeIdentity(identity.body) } : {}),
  }
}

/** @throws DicomError 'pdu-malformed' */
export function decodeAssociateAc(body: Buffer): AssociateAc {
  const fields = associateFields(body)
  const user = decodeUserInformation(fields.items)
  const contexts = fields.items.filter(({ type }) => type === ITEM.contextAc).map(decodeAnswered)
  return { ...fields.head, contexts, ...user.information }
}

export function decodeAssociateRj(body: Buffer): AssociateRj {
  need(body, 4, 'A-ASSOCIATE-RJ')
  return { result: body[1]!, source: body[2]!, reason: body[3]! }
}

export function decodeAbort(body: Buffer): Abort {
  need(body, 4, 'A-ABORT')
  return { source: body[2]!, reason: body[3]! }
}

function associate(type: number, names: { calledAe: string; callingAe: string }, items: Buffer[]): Buffer {
  const head = Buffer.alloc(68)
  head.writeUInt16BE(1, 0)
  head.write(names.calledAe.padEnd(16), 4, 16, 'latin1')
  head.write(names.callingAe.padEnd(16), 20, 16, 'latin1')
  return pdu(type, head, item(ITEM.applicationContext, ascii(APPLICATION_CONTEXT)), ...items)
}

function userInformation(information: UserInformation, more: Buffer[]): Buffer {
  const maxLength = Buffer.alloc(4)
  maxLength.writeUInt32BE(information.maxPduBytes)
  const roles = information.roles.map(({ sopClassUid, scu, scp }) =>
    item(ITEM.role, lengthFirst(ascii(sopClassUid)), Buffer.of(Number(scu), Number(scp))),
  )
  return item(
    ITEM.userInformation,
    item(ITEM.maxLength, maxLength),
    item(ITEM.implementationClassUid, ascii(information.implementationClassUid)),
    ...roles,
    item(ITEM.implementationVersionName, ascii(information.implementationVersionName)),
    ...more,
  )
}

function encodeIdentity({ type, positiveResponseRequested, primary, secondary }: UserIdentity): Buffer {
  const flags = Buffer.of(type, Number(positiveResponseRequested))
  return item(ITEM.userIdentity, flags, lengthFirst(primary), lengthFirst(secondary))
}

const PDV_HEADER_BYTES = 6

type Item = { readonly type: number; readonly body: Buffer }

/** Who calls whom, of a proposal whose rest may be wrong. */
export const titlesIn = (body: Buffer): Titles | undefined => (body.length < 36 ? undefined : titlesOf(body))

const titlesOf = (body: Buffer): Titles => ({
  calledAe: titleOf(body.toString('latin1', 4, 20)),
  callingAe: titleOf(body.toString('latin1', 20, 36)),
})

function associateFields(body: Buffer) {
  need(body, 68, 'A-ASSOCIATE')
  return {
    head: {
      protocolVersion: body.readUInt16BE(0),
      ...titlesOf(body),
    },
    items: itemsOf(body.subarray(68)),
  }
}

function itemsOf(body: Buffer): Item[] {
  const items: Item[] = []
  for (let at = 0; at < body.length; ) {
    need(body, at + 4, 'an item')
    const end = at + 4 + body.readUInt16BE(at + 2)
    need(body, end, 'an item')
    items.push({ type: body[at]!, body: body.subarray(at + 4, end) })
    at = end
  }
  return items
}

function decodeProposed({ body }: Item): ProposedContext {
  need(body, 4, 'a presentation context')
  const parts = itemsOf(body.subarray(4))
  const abstractSyntax = uidOf(parts.find(({ type }) => type === ITEM.abstractSyntax)?.body)
  const transferSyntaxes = parts
    .filter(({ type }) => type === ITEM.transferSyntax)
    .map((part) => uidOf(part.body))
  return { id: body[0]!, abstractSyntax, transferSyntaxes }
}

function decodeAnswered({ body }: Item): AnsweredContext {
  need(body, 4, 'a presentation context')
  const transferSyntax = itemsOf(body.subarray(4)).find(({ type }) => type === ITEM.transferSyntax)
  return { id: body[0]!, result: body[2]!, transferSyntax: uidOf(transferSyntax?.body) }
}

// Odd, each once, in any order (PS3.8 section 9.3.2.2): 128 of them at most, which needs no check of its own.
function checkContextIds(contexts: readonly ProposedContext[]) {
  const seen = new Set<number>()
  for (const { id } of contexts) {
    if (id % 2 === 0 || seen.has(id))
      throw new DicomError('pdu-malformed', { wanted: 'odd, distinct context ids', id })
    seen.add(id)
  }
}

function decodeUserInformation(items: readonly Item[]) {
  const parts = itemsOf(items.find(({ type }) => type === ITEM.userInformation)?.body ?? Buffer.alloc(0))
  const find = (type: number) => parts.find((part) => part.type === type)?.body
  const maxLength = find(ITEM.maxLength)
  const maxPduBytes = maxLength && maxLength.length >= 4 ? maxLength.readUInt32BE(0) : 0
  if (maxPduBytes > 0 && maxPduBytes <= PDV_HEADER_BYTES)
    throw new DicomError('pdu-malformed', { wanted: 'a maximum length that has room for a value' })
  const information: UserInformation = {
    maxPduBytes,
    implementationClassUid: uidOf(find(ITEM.implementationClassUid)),
    implementationVersionName: uidOf(find(ITEM.implementationVersionName)),
    roles: parts.filter(({ type }) => type === ITEM.role).map(decodeRole),
  }
  return { information, parts }
}

function decodeRole({ body }: Item): Role {
  const [uid, rest] = splitLength(body)
  need(rest, 2, 'a role selection')
  return { sopClassUid: uidOf(uid), scu: rest[0] === 1, scp: rest[1] === 1 }
}

function decodeIdentity(body: Buffer): UserIdentity {
  need(body, 2, 'a user identity')
  const [primary, rest] = splitLength(body.subarray(2))
  const [secondary] = rest.length >= 2 ? splitLength(rest) : [Buffer.alloc(0)]
  return { type: body[0]!, positiveResponseRequested: body[1] === 1, primary, secondary }
}

function splitLength(body: Buffer): [Buffer, Buffer] {
  need(body, 2, 'a length')
  const end = 2 + body.readUInt16BE(0)
  need(body, end, 'a field')
  return [body.subarray(2, end), body.subarray(end)]
}

function need(body: Buffer, length: number, wanted: string) {
  if (body.length < length) throw new DicomError('pdu-malformed', { wanted, found: body.length })
}

// Spaces around it are not significant (PS3.8 table 9-11); some senders fill up with zeros instead.
const titleOf = (field: string): string => field.replace(/\0+$/, '').trim()

// Some senders pad UIDs to even length here too, where PS3.8 section 9.3 has no padding.
const uidOf = (body: Buffer | undefined): string => (body?.toString('latin1') ?? '').replace(/[\0 ]+$/, '')

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

const lengthFirst = (body: Buffer): Buffer => Buffer.concat([u16(body.length), body])

function item(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(type, 0), u16(body.length), body])
}

function pdu(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(6)
  head[0] = type
  head.writeUInt32BE(body.length, 2)
  return Buffer.concat([head, body])
}
