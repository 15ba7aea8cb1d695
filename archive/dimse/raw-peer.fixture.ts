/** A peer that says whatever bytes it likes, right or wrong, and the words it may say them with. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, vi } from 'vitest'
import { COMMAND, encodeCommand, HAS_DATASET, NO_DATASET } from './command.ts'
import { APPLICATION_CONTEXT, type AssociateRq, encodeAssociateRq, PDU } from './pdu.ts'
import { CT_IMAGE_STORAGE, VERIFICATION } from './sop-class.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'

/** A peer that can say anything: collects the PDUs it is answered with. */
export class RawPeer {
  readonly socket: Socket
  private received = Buffer.alloc(0)

  constructor(port: number, from = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress: from })
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    this.socket.on('error', () => undefined)
  }

  get pdus(): { type: number; body: Buffer }[] {
    const pdus = []
    for (let at = 0; at + 6 <= this.received.length; ) {
      const end = at + 6 + this.received.readUInt32BE(at + 2)
      if (end > this.received.length) break
      pdus.push({ type: this.received[at]!, body: this.received.subarray(at + 6, end) })
      at = end
    }
    return pdus
  }

  send(...bytes: Buffer[]) {
    this.socket.write(Buffer.concat(bytes))
    return this
  }

  async answered(count: number) {
    await vi.waitFor(() => expect(this.pdus.length).toBeGreaterThanOrEqual(count), {
      timeout: 10_000,
      interval: 5,
    })
    return this.pdus
  }

  async closed() {
    if (!this.socket.closed) await once(this.socket, 'close')
    return this.pdus
  }
}

export const proposal = (more: Partial<AssociateRq> = {}): Buffer =>
  encodeAssociateRq({
    protocolVersion: 1,
    applicationContext: APPLICATION_CONTEXT,
    callingAe: 'CT1',
    calledAe: 'ISOCENTER',
    contexts: [
      { id: 5, abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [EXPLICIT_LITTLE] },
      { id: 3, abstractSyntax: VERIFICATION, transferSyntaxes: [IMPLICIT_LITTLE] },
      { id: 1, abstractSyntax: '1.2.3', transferSyntaxes: [IMPLICIT_LITTLE] },
    ],
    maxPduBytes: 16_384,
    implementationClassUid: '1.2.3',
    implementationVersionName: 'HOSTILE',
    roles: [],
    ...more,
  })

export function pdv(contextId: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt32BE(body.length + 2)
  head[4] = contextId
  head[5] = flags
  return Buffer.concat([head, body])
}

export function data(...pdvs: Buffer[]): Buffer {
  const body = Buffer.concat(pdvs)
  const head = Buffer.alloc(6)
  head[0] = PDU.dataTf
  head.writeUInt32BE(body.length, 2)
  return Buffer.concat([head, body])
}

export const echo = (messageId: number) =>
  encodeCommand({
    CommandField: COMMAND.cEcho,
    MessageID: messageId,
    CommandDataSetType: NO_DATASET,
    AffectedSOPClassUID: VERIFICATION,
  })

export const storeRq = (messageId: number, uid: string, type = HAS_DATASET) =>
  encodeCommand({
    CommandField: COMMAND.cStore,
    MessageID: messageId,
    CommandDataSetType: type,
    AffectedSOPClassUID: CT_IMAGE_STORAGE,
    AffectedSOPInstanceUID: uid,
    Priority: 0,
  })

export const aborted = (source: number, reason: number) => ({
  type: PDU.abort,
  body: Buffer.of(0, 0, source, reason),
})
