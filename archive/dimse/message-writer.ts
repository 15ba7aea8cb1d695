/** DIMSE messages onto a socket as P-DATA-TF PDUs, one message at a time, without copying data sets. */
import type { Socket } from 'node:net'
import { DicomError } from './dicom-error.ts'
import { PDU } from './pdu.ts'

/** Bytes of a data set: whole, or in pieces as a file is read. */
export type DatasetBytes = Buffer | AsyncIterable<Buffer>

// What a peer without a limit gets: larger gains nothing.
const LONGEST_PDU_BYTES = 1024 * 1024
const PDV_HEADER_BYTES = 6
// Of the PDU and of its one PDV.
const HEADER_BYTES = 12
const NOTHING = Buffer.alloc(0)

export class MessageWriter {
  private readonly socket: Socket
  private readonly fragmentBytes: number
  private readonly stallMs: number
  private turn: Promise<unknown> = Promise.resolve()

  constructor(socket: Socket, peerMaxPduBytes: number, stallMs: number) {
    if (peerMaxPduBytes > 0 && peerMaxPduBytes <= PDV_HEADER_BYTES) {
      throw new DicomError('pdu-malformed', { wanted: 'a usable maximum length', found: peerMaxPduBytes })
    }
    this.socket = socket
    this.fragmentBytes = Math.min(peerMaxPduBytes || LONGEST_PDU_BYTES, LONGEST_PDU_BYTES) - PDV_HEADER_BYTES
    this.stallMs = stallMs
  }

  /**
   * Messages never interleave. Resolves when the socket has taken it; of a data set that came in pieces, when the
   * system has taken the last byte, so that its buffers may be used again.
   */
  message(contextId: number, command: Buffer, dataset?: DatasetBytes): Promise<void> {
    // The answer to every object: one fragment, one buffer, one write.
    if (!dataset && command.length <= this.fragmentBytes) return this.pdu(commandAlone(contextId, command))
    return this.inTurn(async () => {
      // Corked until the event loop turns, so that a command and a short data set leave in one segment.
      this.socket.cork()
      process.nextTick(() => this.socket.uncork())
      await this.fragments(contextId, 0x01, whole(command))
      if (!dataset) return
      if (Buffer.isBuffer(dataset)) return this.fragments(contextId, 0x00, whole(dataset))
      await this.fragments(contextId, 0x00, dataset)
      await this.flushed()
    })
  }

  /** A PDU after the messages before it. */
  pdu(bytes: Buffer): Promise<void> {
    return this.inTurn(() => this.write([bytes]))
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => undefined)
    return done
  }

  // Held back by one piece, because only the last fragment of all is flagged.
  private async fragments(contextId: number, flags: number, pieces: AsyncIterable<Buffer>): Promise<void> {
    let held: Buffer | undefined
    for await (const piece of pieces) {
      if (held) await this.piece(contextId, flags, held, false)
      held = piece
    }
    await this.piece(contextId, flags, held ?? Buffer.alloc(0), true)
  }

  // All fragments of a piece are handed over together, so that many short PDUs leave in one system call.
  private async piece(contextId: number, flags: number, bytes: Buffer, isLast: boolean): Promise<void> {
    const size = this.fragmentBytes
    const count = Math.max(1, Math.ceil(bytes.length / size))
    const headers = Buffer.allocUnsafe(count * HEADER_BYTES)
    const buffers: Buffer[] = []
    for (let n = 0; n < count; n++) {
      const fragment = bytes.subarray(n * size, (n + 1) * size)
      const header = headers.subarray(n * HEADER_BYTES, (n + 1) * HEADER_BYTES)
      dataHeader(header, contextId, flags | (isLast && n === count - 1 ? 0x02 : 0), fragment.length)
      buffers.push(header, fragment)
    }
    await this.write(buffers)
  }

  private async write(buffers: readonly Buffer[]): Promise<void> {
    if (this.socket.destroyed || !this.socket.writable) {
      throw new DicomError('connection-lost', { how: 'no longer writable' })
    }
    let room = true
    this.socket.cork()
    for (const buffer of buffers) if (buffer.length > 0) room = this.socket.write(buffer)
    this.socket.uncork()
    if (!room) await this.drained()
  }

  private drained(): Promise<void> {
    return this.patiently((done) => this.socket.once('drain', done))
  }

  private flushed(): Promise<void> {
    if (this.socket.writableLength === 0) return Promise.resolve()
    return this.patiently((done) => this.socket.write(NOTHING, () => done()))
  }

  /** Waits for the peer to take what was written, not longer than it may stall. */
  private patiently(wait: (done: () => void) => void): Promise<void> {
    const { socket } = this
    return new Promise((resolve, reject) => {
      const settle = (error?: DicomError) => {
        clearTimeout(timer)
        socket.off('close', onClose)
        if (error) reject(error)
        else resolve()
      }
      const onClose = () => settle(new DicomError('connection-lost', { how: 'closed' }))
      // A peer that takes nothing would otherwise hold its association and our memory for ever.
      const timer = setTimeout(() => {
        socket.destroy()
        settle(new DicomError('peer-too-slow', { waitedMs: this.stallMs }))
      }, this.stallMs)
      socket.once('close', onClose)
      wait(() => settle())
    })
  }
}

function commandAlone(contextId: number, command: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + command.length)
  dataHeader(bytes, contextId, 0x03, command.length)
  command.copy(bytes, HEADER_BYTES)
  return bytes
}

async function* whole(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

function dataHeader(header: Buffer, contextId: number, flags: number, bytes: number) {
  header[0] = PDU.dataTf
  header[1] = 0
  header.writeUInt32BE(bytes + PDV_HEADER_BYTES, 2)
  header.writeUInt32BE(bytes + 2, 6)
  header[10] = contextId
  header[11] = flags
}
