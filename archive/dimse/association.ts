/** One association after its negotiation, either side of it: reads, serves, requests, releases and aborts (PS3.8). */
import type { Socket } from 'node:net'
import type { ByteStream } from './byte-stream.ts'
import {
  COMMAND,
  type Command,
  type CommandFields,
  encodeCommand,
  HAS_DATASET,
  NO_DATASET,
} from './command.ts'
import type { Dataset } from './dataset.ts'
import { decodeDataset } from './decode.ts'
import { DicomError } from './dicom-error.ts'
import { type DatasetReceiver, MessageReader } from './message-reader.ts'
import { type DatasetBytes, MessageWriter } from './message-writer.ts'
import {
  type Abort,
  decodeAbort,
  encodeAbort,
  encodeReleaseRp,
  encodeReleaseRq,
  PDU,
  type Role,
} from './pdu.ts'
import { type PeerClock, startClock } from './peer-clock.ts'
import { receiveStore, serve } from './serve.ts'
import type { DimseRequest, Services } from './services.ts'
import type { DimseLimits, DimseTimers } from './settings.ts'
import { isPending } from './status.ts'

export type PresentationContext = {
  readonly id: number
  readonly abstractSyntax: string
  readonly transferSyntax: string
}

/** Who the peer is and what was agreed. */
export type Agreement = {
  readonly side: 'acceptor' | 'requestor'
  readonly callingAe: string
  readonly calledAe: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly contexts: readonly PresentationContext[]
  readonly roles: readonly Role[]
  readonly peerMaxPduBytes: number
  readonly peerImplementationClassUid: string
  readonly peerImplementationVersionName: string
}

export type Response = {
  readonly status: number
  readonly command: Command
  /** Decoded on demand, for a pending match or an attribute list. */
  readonly dataset: Dataset | undefined
}

export type AssociationParts = {
  readonly socket: Socket
  readonly stream: ByteStream
  readonly agreement: Agreement
  readonly services: Services
  readonly limits: DimseLimits
  readonly timers: DimseTimers
}

/** How it ended: released, in order or in the middle of a message, or by an error. */
export type End =
  | { readonly released: true; readonly cutShort?: DicomError }
  | { readonly released: false; readonly error: DicomError }

export class Association {
  readonly agreement: Agreement
  /** Settles when the association is over and every handler of it has finished; never rejects. */
  readonly ended: Promise<End>
  private readonly parts: AssociationParts
  private readonly reader: MessageReader
  private readonly writer: MessageWriter
  private readonly contexts: ReadonlyMap<number, PresentationContext>
  private readonly serving = new Map<number, AbortController>()
  private readonly awaited = new Map<number, ResponseQueue>()
  private turn: Promise<unknown> = Promise.resolve()
  private waitingRequests = 0
  private requestTurn: Promise<unknown> = Promise.resolve()
  private lastMessageId = 0
  private idle: PeerClock | undefined
  private releasing = false
  private over: DicomError | 'released' | undefined

  constructor(parts: AssociationParts) {
    this.parts = parts
    this.agreement = parts.agreement
    this.contexts = new Map(parts.agreement.contexts.map((context) => [context.id, context]))
    this.writer = new MessageWriter(parts.socket, parts.agreement.peerMaxPduBytes, parts.timers.stallMs)
    this.reader = new MessageReader(parts.stream, parts.limits, {
      message: (contextId, command) => this.arrived(contextId, command, undefined),
      dataset: (contextId, command) => this.receiver(contextId, command),
    })
    this.ended = this.run()
  }

  get callingAe(): string {
    return this.agreement.callingAe
  }

  get calledAe(): string {
    return this.agreement.calledAe
  }

  get isOver(): boolean {
    return this.over !== undefined
  }

  /** The accepted context for a SOP class, in this transfer syntax when one is given. */
  context(abstractSyntax: string, transferSyntax?: string): PresentationContext | undefined {
    return this.agreement.contexts.find(
      (context) =>
        context.abstractSyntax === abstractSyntax &&
        (transferSyntax === undefined || context.transferSyntax === transferSyntax),
    )
  }

  /**
   * Sends a request and yields its responses, pending ones first. One request at a time: no
   * asynchronous operations window is ever negotiated. Leaving the loop early sends C-CANCEL for a query.
   * @throws DicomError 'connection-lost', 'association-aborted', 'peer-too-slow'
   */
  async *requests(
    context: PresentationContext,
    fields: CommandFields,
    dataset?: DatasetBytes,
  ): AsyncGenerator<Response, void> {
    const release = await this.requestLock()
    const messageId = this.nextMessageId()
    const queue = new ResponseQueue(this.parts.timers.responseMs)
    let finished = false
    try {
      if (this.over) throw this.overError()
      this.awaited.set(messageId, queue)
      this.touch()
      await this.send(
        context.id,
        { ...fields, MessageID: messageId, CommandDataSetType: datasetType(dataset) },
        dataset,
      )
      while (!finished) {
        const response = await queue.next()
        finished = !isPending(response.status)
        yield response
      }
    } finally {
      const leftEarly = !finished && !this.over && !queue.hasFailed && isQuery(fields.CommandField)
      if (leftEarly) await this.cancel(context.id, messageId, queue).catch(() => undefined)
      this.awaited.delete(messageId)
      this.touch()
      release()
    }
  }

  /** A request with one response. */
  async request(
    context: PresentationContext,
    fields: CommandFields,
    dataset?: DatasetBytes,
  ): Promise<Response> {
    let last: Response | undefined
    for await (const response of this.requests(context, fields, dataset)) last = response
    return last!
  }

  /** A message as it is; for responses and for callers that number their own. */
  send(contextId: number, fields: CommandFields, dataset?: DatasetBytes): Promise<void> {
    return this.writer.message(contextId, encodeCommand(fields), dataset)
  }

  /** Requestor's side: asks for the release and waits for it. */
  async release(): Promise<void> {
    if (this.over) return
    this.releasing = true
    this.touch()
    await this.writer.pdu(encodeReleaseRq()).catch(() => undefined)
    const timer = setTimeout(() => this.abort('no release response came'), this.parts.timers.responseMs)
    await this.ended
    clearTimeout(timer)
  }

  /** Ends it at once: A-ABORT, then the connection. */
  abort(why: string): void {
    this.stop(new DicomError('association-aborted', { by: 'us', why }))
  }

  private async run(): Promise<End> {
    // A turn of the event loop first: handlers may look at the association, which is still being made.
    await Promise.resolve()
    this.touch()
    try {
      while (!this.over) await this.pdu()
    } catch (error) {
      this.stop(asDicomError(error))
    }
    return this.finished()
  }

  private async pdu(): Promise<void> {
    const { stream } = this.parts
    // Between messages the idle timer watches; inside one, the stream does.
    const patienceMs = this.reader.inMessage ? undefined : Number.POSITIVE_INFINITY
    const first = stream.wholeAtHand(1) ?? (await stream.take(1, patienceMs))
    const type = first[0]!
    stream.beginMeasure()
    this.idle?.stop()
    const length = (stream.wholeAtHand(5) ?? (await stream.take(5))).readUInt32BE(1)
    if (type === PDU.dataTf) await this.reader.pdu(length)
    else await this.control(type, length)
    if (!this.reader.inMessage) {
      stream.endMeasure()
      stream.release()
    }
    this.touch()
  }

  private async control(type: number, length: number): Promise<void> {
    const known = type === PDU.releaseRq || type === PDU.releaseRp || type === PDU.abort
    if (!known || (type === PDU.releaseRp && !this.releasing))
      throw new DicomError('pdu-unexpected', { found: type })
    if (length !== 4) throw new DicomError('pdu-malformed', { wanted: 'four bytes', found: length })
    const body = await this.parts.stream.take(4)
    if (type === PDU.abort) throw new DicomError('association-aborted', { by: 'peer', ...decodeAbort(body) })
    if (type === PDU.releaseRq) {
      await this.turn
      await this.writer.pdu(encodeReleaseRp())
    }
    this.over = 'released'
  }

  private contextOf(contextId: number): PresentationContext {
    const context = this.contexts.get(contextId)
    if (!context) throw new DicomError('no-presentation-context', { id: contextId })
    return context
  }

  private async receiver(contextId: number, command: Command): Promise<DatasetReceiver> {
    if (command.name === 'cStore' && !command.isResponse) return this.storeReceiver(contextId, command)
    this.contextOf(contextId)
    const parts: Buffer[] = []
    let bytes = 0
    return {
      write: (piece) => {
        bytes += piece.length
        if (bytes > this.parts.limits.datasetBytes) {
          throw new DicomError('message-malformed', { wanted: 'a short data set', found: bytes })
        }
        parts.push(Buffer.from(piece))
      },
      end: () => this.arrived(contextId, command, Buffer.concat(parts)),
      abort: () => undefined,
    }
  }

  private async storeReceiver(contextId: number, command: Command): Promise<DatasetReceiver> {
    // Stores sent ahead of their answers wait here, in the socket.
    await this.turn
    const request = this.begin(contextId, command)
    const receiver = await receiveStore(this.parts.services, request)
    const done = () => this.serving.delete(command.messageId)
    return {
      write: (piece) => receiver.write(piece),
      drain: () => receiver.drain?.(),
      end: async () => {
        await receiver.end()
        done()
      },
      abort: async (reason) => {
        await receiver.abort(reason)
        done()
      },
    }
  }

  private async arrived(contextId: number, command: Command, bytes: Buffer | undefined): Promise<void> {
    const context = this.contextOf(contextId)
    if (command.isResponse) return this.answered(context, command, bytes)
    if (command.name === 'cCancel')
      return this.serving.get(command.messageId)?.abort(new DicomError('status'))
    if (command.name === 'cStore')
      throw new DicomError('message-malformed', { wanted: 'a data set to store' })
    const request = this.begin(contextId, command)
    this.waitingRequests++
    const served = this.turn
      .then(() => serve(this.parts.services, request, bytes))
      // What is left to fail is the sending of the answer.
      .catch((error) => this.stop(asDicomError(error)))
      .finally(() => {
        this.waitingRequests--
        this.serving.delete(command.messageId)
        this.touch()
      })
    this.turn = served
    if (this.waitingRequests > this.parts.limits.waitingRequests) await served
  }

  private answered(context: PresentationContext, command: Command, bytes: Buffer | undefined) {
    if (this.lastMessageId === 0)
      throw new DicomError('message-malformed', { wanted: 'a request: nothing was asked of it' })
    // One that comes too late is nobody's any more.
    this.awaited.get(command.messageId)?.push(asResponse(context, command, bytes))
  }

  private begin(contextId: number, command: Command): DimseRequest {
    const context = this.contextOf(contextId)
    const controller = new AbortController()
    this.serving.set(command.messageId, controller)
    const { sopClassUid, sopInstanceUid } = command
    return { association: this, context, command, sopClassUid, sopInstanceUid, signal: controller.signal }
  }

  private stop(error: DicomError) {
    if (this.over) return
    this.over = error
    for (const controller of this.serving.values()) controller.abort(error)
    for (const queue of this.awaited.values()) queue.fail(error)
    const abort = abortFor(error)
    // Not through the writer: what is under way must not be waited for.
    if (abort && this.parts.socket.writable) this.parts.socket.write(encodeAbort(abort))
    this.parts.stream.finish(error)
  }

  private async finished(): Promise<End> {
    this.idle?.stop()
    const error = this.over instanceof DicomError ? this.over : undefined
    const cutShort = !error && this.reader.inMessage && new DicomError('message-malformed', { wanted: REST })
    await this.reader.abort(error ?? new DicomError('connection-lost', { how: 'released inside a message' }))
    for (const controller of this.serving.values()) controller.abort(error)
    for (const queue of this.awaited.values()) queue.fail(this.overError())
    this.parts.stream.discard()
    closeSoon(this.parts.socket, this.parts.timers.lingerMs)
    await this.turn
    if (error) return { released: false, error }
    return cutShort ? { released: true, cutShort } : { released: true }
  }

  private overError(): DicomError {
    return this.over instanceof DicomError
      ? this.over
      : new DicomError('connection-lost', { how: 'released' })
  }

  /** Starts the idle clock over, when nothing is under way. */
  private touch() {
    this.idle?.stop()
    if (
      this.over ||
      this.serving.size > 0 ||
      this.awaited.size > 0 ||
      this.releasing ||
      this.reader.inMessage
    )
      return
    const { idleMs } = this.parts.timers
    this.idle = startClock(idleMs, () =>
      this.stop(new DicomError('peer-too-slow', { waitedMs: idleMs, clock: 'idle' })),
    )
  }

  private async requestLock(): Promise<() => void> {
    const before = this.requestTurn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.requestTurn = promise
    await before
    return resolve
  }

  private nextMessageId(): number {
    this.lastMessageId = (this.lastMessageId % 0xffff) + 1
    return this.lastMessageId
  }

  private async cancel(contextId: number, messageId: number, queue: ResponseQueue): Promise<void> {
    const fields = { CommandField: COMMAND.cCancel, MessageIDBeingRespondedTo: messageId }
    await this.send(contextId, { ...fields, CommandDataSetType: NO_DATASET })
    for (;;) if (!isPending((await queue.next()).status)) return
  }
}

/** Writes what is left, then closes; a peer that does not close in time is cut off. */
export function closeSoon(socket: Socket, lingerMs: number) {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.end()
}

const REST = 'the rest of it before the release'

const isQuery = (field: CommandFields[string]): boolean =>
  field === COMMAND.cFind || field === COMMAND.cMove || field === COMMAND.cGet

const datasetType = (dataset: DatasetBytes | undefined): number => (dataset ? HAS_DATASET : NO_DATASET)

function asResponse(context: PresentationContext, command: Command, bytes: Buffer | undefined): Response {
  const status = command.set.number('Status')
  if (status === undefined) throw new DicomError('message-malformed', { wanted: 'Status' })
  return {
    status,
    command,
    get dataset() {
      return bytes && decodeDataset(bytes, context.transferSyntax)
    },
  }
}

function asDicomError(error: unknown): DicomError {
  return error instanceof DicomError ? error : new DicomError('association-aborted', { by: 'us' }, error)
}

const isKnownPdu = (type: unknown): boolean => (Object.values(PDU) as unknown[]).includes(type)

/**
 * What to tell the peer (PS3.8 table 9-26); nothing when it is the one that left. Source 2 is the upper layer, which
 * has a reason; source 0 its user, who has none: a DIMSE message that makes no sense, our own wish to end it.
 */
function abortFor(error: DicomError): Abort | undefined {
  switch (error.code) {
    case 'connection-lost':
      return undefined
    case 'pdu-unexpected':
      return { source: 2, reason: isKnownPdu(error.refs.found) ? 2 : 1 }
    case 'pdu-malformed':
    case 'pdu-too-long':
    case 'no-presentation-context':
      return { source: 2, reason: 6 }
    case 'association-aborted':
      return error.refs.by === 'peer' ? undefined : { source: 0, reason: 0 }
    case 'message-malformed':
      return { source: 0, reason: 0 }
    default:
      return { source: 2, reason: 0 }
  }
}

class ResponseQueue {
  private readonly patienceMs: number
  private readonly arrived: Response[] = []
  private failure: DicomError | undefined
  private wake: (() => void) | undefined

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs
  }

  push(response: Response) {
    this.arrived.push(response)
    this.wake?.()
  }

  fail(error: DicomError) {
    this.failure ??= error
    this.wake?.()
  }

  get hasFailed(): boolean {
    return this.failure !== undefined
  }

  async next(): Promise<Response> {
    for (;;) {
      const response = this.arrived.shift()
      if (response) return response
      if (this.failure) throw this.failure
      await this.something()
    }
  }

  private something(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.fail(new DicomError('peer-too-slow', { waitedMs: this.patienceMs })),
        this.patienceMs,
      )
      this.wake = () => {
        clearTimeout(timer)
        this.wake = undefined
        resolve()
      }
    })
  }
}
