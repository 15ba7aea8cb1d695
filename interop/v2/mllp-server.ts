/** An MLLP listener (HL7 v2 Transport, MLLP release 1): frames in, answers out, one at a time and in order per connection. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { type FrameEvent, type FrameLimits, FrameParser, frame } from './frame.ts'

export type Peer = {
  address: string
  port: number
  /** Set when the peer showed a client certificate: its subject's common name. */
  certificate?: string
}

/** What the listener tells beside messages; the bytes are patient data and belong in an exception, not in a log. */
export type ListenerEvent =
  | Exclude<FrameEvent, { type: 'frame' }>
  | { type: 'refused'; reason: 'too-many-connections' | 'unknown-peer' | 'not-tls' }
  | { type: 'failed'; error: unknown }

export type MllpServerOptions = {
  host: string
  /** 0 takes any free port. */
  port: number
  tls?: TlsOptions
  /**
   * Called with one message at a time on each connection. Answers with the acknowledgements to write, in order;
   * null or none writes nothing. A rejection writes nothing and closes, so that the sender repeats.
   */
  onMessage: (bytes: Buffer, peer: Peer) => Promise<Buffer | Buffer[] | null>
  /** Answers a frame that was too long, from its head. */
  onTooLong?: (head: Buffer, peer: Peer) => Promise<Buffer | Buffer[] | null>
  onEvent?: (event: ListenerEvent, peer: Peer) => void
  /** False closes the connection at once. */
  allowPeer?: (peer: Peer) => boolean
  maxConnections?: number
  limits?: Partial<ListenerLimits>
}

export type ListenerLimits = FrameLimits & {
  /** Silence inside a frame. */
  frameIdleMs: number
  /** From the first byte of a frame to its last, against a sender that drips. */
  frameTotalMs: number
  /** How long the CR after 1C is waited for. */
  carriageReturnMs: number
  /** Frames read ahead of our answers before reading stops. */
  maxQueuedFrames: number
  maxQueuedBytes: number
  /** How long a shutdown waits for the frames in hand. */
  shutdownMs: number
  keepAliveMs: number
}

const listenerLimits = {
  frameIdleMs: 30_000,
  frameTotalMs: 5 * 60_000,
  carriageReturnMs: 500,
  maxQueuedFrames: 32,
  maxQueuedBytes: 32 * 1024 * 1024,
  shutdownMs: 10_000,
  keepAliveMs: 60_000,
}

const lingerMs = 1_000

export type MllpServer = {
  port: number
  connections: () => number
  /** Stops accepting, finishes the frames in hand, writes their answers and ends; cut off after ten seconds. */
  close: () => Promise<void>
}

export async function listenMllp(options: MllpServerOptions): Promise<MllpServer> {
  const open = new Set<Conversation>()
  const accept = (socket: Socket) => {
    const peer = peerOf(socket)
    const refusal = refusalOf(options, peer, open.size)
    if (refusal) {
      socket.on('error', () => {}) // The peer may reset what we are closing.
      socket.destroy()
      options.onEvent?.({ type: 'refused', reason: refusal }, peer)
      return
    }
    const conversation = new Conversation(socket, peer, options)
    open.add(conversation)
    socket.once('close', () => open.delete(conversation))
  }
  const server = options.tls
    ? createTlsServer({ minVersion: 'TLSv1.2', ...options.tls, allowHalfOpen: true } as TlsOptions, accept)
    : createServer({ allowHalfOpen: true, noDelay: true }, accept)
  server.on('tlsClientError', (_error: Error, socket: Socket) =>
    options.onEvent?.({ type: 'refused', reason: 'not-tls' }, peerOf(socket)),
  )
  await listening(server, options)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    connections: () => open.size,
    close: () => close(server, open, options.limits?.shutdownMs ?? listenerLimits.shutdownMs),
  }
}

function listening(server: Server, { host, port }: MllpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function refusalOf({ allowPeer, maxConnections = 200 }: MllpServerOptions, peer: Peer, connections: number) {
  if (connections >= maxConnections) return 'too-many-connections'
  return allowPeer && !allowPeer(peer) ? 'unknown-peer' : undefined
}

function peerOf(socket: Socket): Peer {
  const certificate =
    'getPeerCertificate' in socket && typeof socket.getPeerCertificate === 'function'
      ? (socket.getPeerCertificate()?.subject?.CN as string | undefined)
      : undefined
  return { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0, certificate }
}

async function close(server: Server, open: Set<Conversation>, capMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const cap = setTimeout(() => {
    for (const conversation of open) conversation.destroy()
  }, capMs)
  for (const conversation of open) conversation.finish()
  await closed
  clearTimeout(cap)
}

type Queued = { bytes: Buffer; tooLong: boolean }

/** One connection: what was read and not yet answered, and the timers of the frame that is coming in. */
class Conversation {
  readonly #socket: Socket
  readonly #peer: Peer
  readonly #options: MllpServerOptions
  readonly #limits: ListenerLimits
  readonly #parser: FrameParser
  readonly #queue: Queued[] = []
  #queuedBytes = 0
  #busy = false
  #finishing = false
  #peerEnded = false
  #idle: NodeJS.Timeout | undefined
  #total: NodeJS.Timeout | undefined

  constructor(socket: Socket, peer: Peer, options: MllpServerOptions) {
    this.#socket = socket
    this.#peer = peer
    this.#options = options
    this.#parser = new FrameParser(options.limits)
    this.#limits = { ...listenerLimits, ...options.limits } as ListenerLimits
    socket.setNoDelay(true)
    socket.setKeepAlive(true, this.#limits.keepAliveMs)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#end())
    socket.on('error', () => {}) // A reset ends the connection; what was committed stands and the sender repeats.
    socket.on('close', () => this.#stopTimers())
  }

  /** No more reading; what is in hand is answered first. */
  finish(): void {
    this.#finishing = true
    this.#queue.length = 0
    this.#stopTimers()
    this.#socket.pause()
    if (!this.#busy) this.#endSocket()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    if (this.#finishing) return
    const wasInFrame = this.#parser.inFrame
    const events = this.#parser.push(chunk)
    if (!this.#socket.isPaused())
      this.#restartTimers(wasInFrame && events.every((event) => event.type !== 'frame'))
    this.#take(events)
  }

  #take(events: FrameEvent[]): void {
    for (const event of events) {
      if (event.type === 'frame') this.#enqueue({ bytes: event.bytes, tooLong: false })
      else {
        this.#options.onEvent?.(event, this.#peer)
        if (event.type === 'too-long' && this.#options.onTooLong)
          this.#enqueue({ bytes: event.head, tooLong: true })
        if (event.type === 'flood') this.#socket.destroy()
      }
    }
    void this.#work()
  }

  #enqueue(queued: Queued): void {
    this.#queue.push(queued)
    this.#queuedBytes += queued.bytes.length
    if (
      this.#queue.length >= this.#limits.maxQueuedFrames ||
      this.#queuedBytes >= this.#limits.maxQueuedBytes
    )
      this.#pause()
  }

  /** What we do not read cannot be late: the timers of a half-read frame rest as well. */
  #pause(): void {
    this.#socket.pause()
    this.#stopTimers()
  }

  #resume(): void {
    if (!this.#socket.isPaused()) return
    this.#socket.resume()
    this.#restartTimers(true)
  }

  /** One message at a time, in the order they came. */
  async #work(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#queue.shift(); next && !this.#socket.destroyed; next = this.#queue.shift()) {
      this.#queuedBytes -= next.bytes.length
      if (!this.#finishing && this.#queue.length < this.#limits.maxQueuedFrames / 2) this.#resume()
      if (!(await this.#answer(next))) break
    }
    this.#busy = false
    if (this.#finishing || this.#peerEnded) this.#endSocket()
  }

  /** @returns false when the connection is of no use any more */
  async #answer({ bytes, tooLong }: Queued): Promise<boolean> {
    const handler = tooLong ? this.#options.onTooLong! : this.#options.onMessage
    try {
      const answers = await handler(bytes, this.#peer)
      for (const answer of answers === null ? [] : [answers].flat()) await this.#write(frame(answer))
      return true
    } catch (error) {
      this.#options.onEvent?.({ type: 'failed', error }, this.#peer)
      this.#socket.destroy()
      return false
    }
  }

  /** The whole frame in one write; a peer that has gone finds the same answer when it repeats. */
  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.writable) this.#socket.write(bytes, () => resolve())
      else resolve()
    })
  }

  #end(): void {
    this.#stopTimers()
    this.#peerEnded = true
    this.#take(this.#parser.end())
  }

  /** Reads on and discards until the peer ends too: closing over unread bytes would reset our last answer away. */
  #endSocket(): void {
    if (this.#socket.destroyed) return
    this.#socket.end()
    this.#socket.resume()
    setTimeout(() => this.#socket.destroySoon(), this.#peerEnded ? 0 : lingerMs).unref()
  }

  #restartTimers(sameFrame: boolean): void {
    clearTimeout(this.#idle)
    if (!sameFrame || !this.#parser.inFrame) {
      clearTimeout(this.#total)
      this.#total = undefined
    }
    if (!this.#parser.inFrame) return
    this.#total ??= setTimeout(() => this.#giveUp(), this.#limits.frameTotalMs)
    this.#idle = this.#parser.awaitsCarriageReturn
      ? setTimeout(() => this.#expireCarriageReturn(), this.#limits.carriageReturnMs)
      : setTimeout(() => this.#giveUp(), this.#limits.frameIdleMs)
  }

  #expireCarriageReturn(): void {
    const events = this.#parser.expireCarriageReturn()
    this.#stopTimers()
    this.#take(events)
  }

  /** An incomplete frame is never processed and never acknowledged: the sender will repeat it. */
  #giveUp(): void {
    this.#end()
  }

  #stopTimers(): void {
    clearTimeout(this.#idle)
    clearTimeout(this.#total)
    this.#total = undefined
  }
}
