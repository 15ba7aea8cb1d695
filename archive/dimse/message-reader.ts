/** P-DATA-TF PDUs into DIMSE messages (PS3.8 section 9.3.5, PS3.7 section 6.3), passing data sets on in pieces. */
import type { ByteStream } from './byte-stream.ts'
import { type Command, decodeCommand } from './command.ts'
import { DicomError } from './dicom-error.ts'
import { PDU } from './pdu.ts'
import type { DimseLimits } from './settings.ts'

export type DatasetReceiver = {
  /** The piece stays as it is until `drain` is asked. */
  write(piece: Buffer): void | Promise<void>
  /** What was written may be overwritten from here on, or nothing more has come for now. */
  drain?(): void | Promise<void>
  end(): void | Promise<void>
  abort(reason: DicomError): void | Promise<void>
}

/** Each call is awaited before anything more is read. */
export type MessageHandler = {
  message(contextId: number, command: Command): void | Promise<void>
  dataset(contextId: number, command: Command): DatasetReceiver | Promise<DatasetReceiver>
}

type Incoming = {
  readonly contextId: number
  readonly commandParts: Buffer[]
  commandBytes: number
  receiver: DatasetReceiver | undefined
}

const COMMAND_FRAGMENT = 0x01
const LAST_FRAGMENT = 0x02

export class MessageReader {
  private readonly stream: ByteStream
  private readonly limits: DimseLimits
  private readonly handler: MessageHandler
  private incoming: Incoming | undefined

  constructor(stream: ByteStream, limits: DimseLimits, handler: MessageHandler) {
    this.stream = stream
    this.limits = limits
    this.handler = handler
    stream.beforeReuse = () => this.incoming?.receiver?.drain?.()
  }

  get inMessage(): boolean {
    return this.incoming !== undefined
  }

  /** One P-DATA-TF, whose header has been read; it may hold several PDVs. */
  async pdu(length: number): Promise<void> {
    if (length > this.limits.pduBytes) {
      throw new DicomError('pdu-too-long', { type: PDU.dataTf, found: length, limit: this.limits.pduBytes })
    }
    for (let left = length; left > 0; ) left -= await this.pdv(left)
  }

  /** Ends what was under way: the receiver is told once, and its own failure changes nothing any more. */
  async abort(reason: DicomError): Promise<void> {
    const receiver = this.incoming?.receiver
    this.incoming = undefined
    await receiver?.abort(reason)
  }

  private async pdv(left: number): Promise<number> {
    if (left < 6) throw new DicomError('pdu-malformed', { wanted: 'a PDV', found: left })
    const head = this.stream.wholeAtHand(6) ?? (await this.stream.take(6))
    const length = head.readUInt32BE(0)
    if (length < 2 || length > left - 4)
      throw new DicomError('pdu-malformed', { wanted: 'a PDV length', found: length })
    const flags = head[5]!
    const fragment = { contextId: head[4]!, bytes: length - 2, last: (flags & LAST_FRAGMENT) !== 0 }
    if (flags & COMMAND_FRAGMENT) await this.commandFragment(fragment)
    else await this.datasetFragment(fragment)
    return 4 + length
  }

  private async commandFragment({ contextId, bytes, last }: Fragment): Promise<void> {
    this.incoming ??= { contextId, commandParts: [], commandBytes: 0, receiver: undefined }
    const incoming = this.incoming
    if (incoming.receiver || incoming.contextId !== contextId) {
      throw new DicomError('message-malformed', { found: 'a command', wanted: 'the rest of a message' })
    }
    incoming.commandBytes += bytes
    if (incoming.commandBytes > this.limits.commandBytes) {
      throw new DicomError('message-malformed', { wanted: 'a short command', found: incoming.commandBytes })
    }
    if (bytes > 0) incoming.commandParts.push(await this.stream.take(bytes))
    if (last) await this.commandComplete(incoming)
  }

  private async commandComplete(incoming: Incoming): Promise<void> {
    const command = decodeCommand(Buffer.concat(incoming.commandParts))
    if (command.hasDataset) {
      incoming.receiver = await this.handler.dataset(incoming.contextId, command)
      return
    }
    this.incoming = undefined
    await this.handler.message(incoming.contextId, command)
  }

  private async datasetFragment({ contextId, bytes, last }: Fragment): Promise<void> {
    const incoming = this.incoming
    if (!incoming?.receiver || incoming.contextId !== contextId) {
      throw new DicomError('message-malformed', { found: 'a data set', wanted: 'a command' })
    }
    for (let left = bytes; left > 0; ) {
      const piece = this.stream.atHand(left) ?? (await this.stream.some(left))
      left -= piece.length
      const writing = incoming.receiver.write(piece)
      if (writing) await writing
    }
    if (!last) return
    this.incoming = undefined
    await incoming.receiver.end()
  }
}

type Fragment = { readonly contextId: number; readonly bytes: number; readonly last: boolean }
