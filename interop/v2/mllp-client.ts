/** An MLLP sender (HL7 v2 Transport, MLLP release 1): one connection, one message in flight, never a late answer mistaken. */
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Answer, readAnswer } from './answer.ts'
import { FrameParser, frame } from './frame.ts'

/**
 * Why there is no answer. `refused`: nothing was sent. `timeout` and `lost`: it was sent, and whether it arrived is
 * unknown, so it must be sent again under the same control id.
 */
export type MllpOutcome = 'refused' | 'timeout' | 'lost'

export class MllpFailure extends Error {
  readonly outcome: MllpOutcome

  constructor(outcome: MllpOutcome, cause?: unknown) {
    super(`MLLP: ${sentences[outcome]}`, { cause })
    this.name = 'MllpFailure'
    this.outcome = outcome
  }
}

const sentences: Record<MllpOutcome, string> = {
  refused: 'the receiver could not be reached',
  timeout: 'no answer in time',
  lost: 'the connection ended before an answer',
}

export type MllpClientOptions = {
  host: string
  port: number
  tls?: ConnectionOptions
  connectTimeoutMs?: number
  keepAliveMs?: number
  /** An answer to another message: a late one is credited to its own row. */
  onForeignAnswer?: (answer: Answer, bytes: Buffer) => void
}

export type Sent = { answer: Buffer; read: Answer }

export type MllpClient = {
  /**
   * Sends one message and waits for the answer that names it. Calls queue: one message is in flight at a time.
   * A CA is such an answer; an application answer that follows it comes as a foreign one.
   * @throws MllpFailure
   */
  send: (message: Uint8Array, wanted: { controlId: string; timeoutMs: number }) => Promise<Sent>
  close: () => Promise<void>
}

/** Connects when there is something to send, keeps the connection, and opens a new one after any failure. */
export function connectMllp(options: MllpClientOptions): MllpClient {
  let line: Line | undefined
  let last: Promise<unknown> = Promise.resolve()
  const sendNow: MllpClient['send'] = async (message, wanted) => {
    if (!line?.usable) line = await Line.open(options)
    try {
      return await line.exchange(message, wanted)
    } catch (error) {
      line?.destroy()
      line = undefined
      throw error
    }
  }
  return {
    send(message, wanted) {
      const result = last.then(() => sendNow(message, wanted))
      last = result.catch(() => {}) // Each caller hears of its own failure.
      return result
    },
    async close() {
      await last
      line?.end()
      line = undefined
    },
  }
}

type Waiting = { controlId: string; resolve: (sent: Sent) => void; reject: (error: MllpFailure) => void }

/** One socket. After a failure it is never used again, because its next answer would be taken for another's. */
class Line {
  readonly #socket: Socket
  readonly #options: MllpClientOptions
  readonly #parser = new FrameParser()
  #waiting: Waiting | undefined

  private constructor(socket: Socket, options: MllpClientOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#fail(new MllpFailure('lost', error)))
    socket.on('end', () => this.#fail(new MllpFailure('lost')))
    socket.on('close', () => this.#fail(new MllpFailure('lost')))
  }

  static async open(options: MllpClientOptions): Promise<Line> {
    const socket = await connected(options)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, options.keepAliveMs ?? 60_000)
    return new Line(socket, options)
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && !this.#socket.readableEnded
  }

  async exchange(
    message: Uint8Array,
    { controlId, timeoutMs }: { controlId: string; timeoutMs: number },
  ): Promise<Sent> {
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Sent>((resolve, reject) => {
        this.#waiting = { controlId, resolve, reject }
        timer = setTimeout(() => reject(new MllpFailure('timeout')), timeoutMs)
        this.#socket.write(frame(message))
      })
    } finally {
      clearTimeout(timer)
      this.#waiting = undefined
    }
  }

  #read(chunk: Buffer): void {
    for (const event of this.#parser.push(chunk)) if (event.type === 'frame') this.#hear(event.bytes)
    if (this.#parser.awaitsCarriageReturn) setTimeout(() => this.#hearUnfinished(), 500).unref()
  }

  #hearUnfinished(): void {
    for (const event of this.#parser.expireCarriageReturn())
      if (event.type === 'frame') this.#hear(event.bytes)
  }

  #hear(bytes: Buffer): void {
    const read = readAnswer(bytes, this.#waiting?.controlId ?? '')
    if (this.#waiting && read.kind !== 'foreign') this.#waiting.resolve({ answer: bytes, read })
    else this.#options.onForeignAnswer?.(read, bytes)
  }

  #fail(failure: MllpFailure): void {
    // A whole answer that lacks only its last CR is an answer.
    this.#hearUnfinished()
    this.#waiting?.reject(failure)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  end(): void {
    this.#socket.end()
    this.#socket.destroySoon()
  }
}

function connected(options: MllpClientOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, tls, connectTimeoutMs = 10_000 } = options
    const socket = tls ? connectTls({ minVersion: 'TLSv1.2', ...tls, host, port }) : connect({ host, port })
    const timer = setTimeout(() => socket.destroy(new Error('connection timed out')), connectTimeoutMs)
    const fail = (error: unknown) => {
      clearTimeout(timer)
      reject(new MllpFailure('refused', error))
    }
    socket.once('error', fail)
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
