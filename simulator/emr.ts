/** The EMR as it meets the department: an MLLP receiver that keeps a ledger, and that can be told to misbehave. */
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ulid } from 'ulid'
import { buildAck } from '#interop/v2/ack.ts'
import { connection } from '#interop/v2/connection.ts'
import { FrameParser, frame } from '#interop/v2/frame.ts'
import { type Message, parseMessage } from '#interop/v2/message.ts'
import { type EmrLedger, type LedgerEntry, memoryLedger } from './emr-ledger.ts'

/**
 * `ok` acknowledges · `slow` acknowledges late · `reject` files nothing and says so · `hang` never answers ·
 * `down` refuses connections · `half-ack` breaks off in the middle of its answer · `wrong-id` acknowledges another
 * message · `drop-ack` files the message and hangs up without a word.
 */
export type EmrMode =
  | { mode: 'ok' }
  | { mode: 'slow'; ms: number }
  | { mode: 'reject'; code: 'AE' | 'AR' }
  | { mode: 'hang' }
  | { mode: 'down' }
  | { mode: 'half-ack' }
  | { mode: 'wrong-id' }
  | { mode: 'drop-ack' }

export interface ReceivedMessage extends LedgerEntry {
  bytes: Buffer
  message: Message
}

export interface EmrReceiver {
  readonly port: number
  /** Everything that came since it was started, repeats and refused ones too, in order of coming. */
  readonly messages: readonly ReceivedMessage[]
  readonly mode: EmrMode
  /** Settles when the mode is in force: for `down` when the port is closed, afterwards when it is open again. */
  setMode(mode: EmrMode | EmrMode['mode']): Promise<void>
  ledger(): readonly LedgerEntry[]
  close(): Promise<void>
}

export interface EmrOptions {
  host?: string
  /** 0 takes any free port. */
  port: number
  ledger?: EmrLedger
  mode?: EmrMode
  /** Told of each message, once it stands in the ledger. */
  onMessage?: (received: ReceivedMessage) => void
}

/** Starts listening. @throws when the port is taken */
export async function emrReceiver(options: EmrOptions): Promise<EmrReceiver> {
  const receiver = new Receiver(options)
  if (options.mode?.mode !== 'down') await receiver.open()
  return receiver
}

/** A mode by its word, with what else it needs at its default. */
export function emrMode(word: EmrMode['mode']): EmrMode {
  if (word === 'slow') return { mode: 'slow', ms: 5_000 }
  return word === 'reject' ? { mode: 'reject', code: 'AE' } : { mode: word }
}

class Receiver implements EmrReceiver {
  readonly messages: ReceivedMessage[] = []
  readonly #options: EmrOptions
  readonly #ledger: EmrLedger
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #mode: EmrMode
  #port: number

  constructor(options: EmrOptions) {
    this.#options = options
    this.#ledger = options.ledger ?? memoryLedger()
    this.#mode = options.mode ?? { mode: 'ok' }
    this.#port = options.port
  }

  get port(): number {
    return this.#port
  }

  get mode(): EmrMode {
    return this.#mode
  }

  ledger(): readonly LedgerEntry[] {
    return this.#ledger.entries
  }

  async setMode(mode: EmrMode | EmrMode['mode']): Promise<void> {
    this.#mode = typeof mode === 'string' ? emrMode(mode) : mode
    if (this.#mode.mode === 'down') await this.close()
    else await this.open()
  }

  async open(): Promise<void> {
    if (this.#server) return
    const server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, this.#options.host ?? '127.0.0.1', resolve)
    })
    // Kept for when it comes back from `down`: peers know it by this number.
    const address = server.address()
    if (typeof address === 'object' && address) this.#port = address.port
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server) await new Promise((resolve) => server.close(resolve))
  }

  #serve(socket: Socket): void {
    const parser = new FrameParser()
    let last: Promise<void> = Promise.resolve()
    this.#sockets.add(socket)
    socket.on('error', () => {}) // The department may go away at any moment: it comes back and repeats.
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      for (const event of parser.push(chunk)) {
        if (event.type !== 'frame') continue
        last = last.then(() => this.#take(socket, event.bytes))
      }
    })
  }

  /** Into the ledger first, then the answer: what was acknowledged can be found again. */
  async #take(socket: Socket, bytes: Buffer): Promise<void> {
    const mode = this.#mode
    const message = parseMessage(bytes)
    const code = answerCode(mode)
    const entry = this.#ledger.add(message, { mode: mode.mode, answered: code })
    const received = { ...entry, bytes, message }
    this.messages.push(received)
    this.#options.onMessage?.(received)
    if (mode.mode === 'hang') return
    if (mode.mode === 'slow') await sleep(mode.ms)
    if (socket.destroyed) return
    if (mode.mode === 'drop-ack') return void socket.destroy()
    const answer = frame(answerTo(message, mode))
    if (mode.mode !== 'half-ack') return void socket.write(answer)
    socket.write(answer.subarray(0, answer.length >> 1), () => socket.destroySoon())
  }
}

function answerCode(mode: EmrMode): LedgerEntry['answered'] {
  if (mode.mode === 'reject') return mode.code
  return mode.mode === 'ok' || mode.mode === 'slow' ? 'AA' : null
}

const ourselves = connection({ name: 'EMR', application: 'EMR', facility: 'GENERAL' })

function answerTo(message: Message, mode: EmrMode): Buffer {
  const context = { connection: ourselves, newControlId: () => `EMR${ulid().slice(-17)}`, now: new Date() }
  if (mode.mode === 'reject') {
    const sentence = 'The simulated EMR was told to refuse.'
    const error = { code0357: '207', ourCode: 'told-to-refuse', sentence } as const
    return buildAck(message, mode.code, { errors: [error] }, context)
  }
  const ack = buildAck(message, 'AA', {}, context)
  if (mode.mode !== 'wrong-id') return ack
  const other = parseMessage(ack)
  other.set('MSA-2', `NOT${ulid().slice(-17)}`)
  return other.toBytes()
}
