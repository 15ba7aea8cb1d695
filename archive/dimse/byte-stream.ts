/** A socket as bytes to take in order, with backpressure, deadlines and a floor under the peer's speed. */
import type { Socket } from 'node:net'
import { DicomError } from './dicom-error.ts'
import { startClock } from './peer-clock.ts'
import { type Borrowed, hearBytes } from './read-buffer.ts'

export type StreamTimers = {
  /** Longest silence in the middle of a PDU or of a message. */
  readonly stallMs: number
  /** Bytes a second a peer must average over a PDU or message that takes longer than `graceMs` to come. */
  readonly floorBytesPerSecond: number
  readonly graceMs: number
}

// Above it the socket is paused: what a slow disk leaves waiting stays in the peer's memory, not in ours.
const HIGH_WATER_BYTES = 256 * 1024

/**
 * Only time spent waiting for the peer counts: while our own side is slow, the socket is paused and no clock runs.
 */
export class ByteStream {
  private readonly socket: Socket
  private readonly timers: StreamTimers
  /** Bytes lie in the socket's one buffer, and stay there until it is full and asked for more. */
  private readonly borrowed: Borrowed | undefined
  private readonly chunks: Buffer[] = []
  private queuedBytes = 0
  private ended: DicomError | undefined
  private waiting: { wake(): void } | undefined
  private takenBytes = 0
  private measured: { since: number; waitedMs: number } | undefined
  /** Asked before bytes that `some` has handed out may be overwritten, or when none are left to hand out. */
  beforeReuse: (() => void | Promise<void>) | undefined

  constructor(socket: Socket, timers: StreamTimers) {
    this.socket = socket
    this.timers = timers
    this.borrowed = hearBytes(socket, (chunk) => this.lent(chunk))
    if (!this.borrowed) socket.on('data', (chunk: Buffer) => this.arrived(chunk))
    socket.on('end', () => this.finish(new DicomError('connection-lost', { how: 'closed by the peer' })))
    socket.on('close', () => this.finish(new DicomError('connection-lost', { how: 'closed' })))
    socket.on('error', (cause) =>
      this.finish(
        new DicomError('connection-lost', { how: (cause as NodeJS.ErrnoException).code ?? 'error' }, cause),
      ),
    )
  }

  /** From here to `endMeasure` the peer's speed is held against the floor. */
  beginMeasure() {
    this.measured ??= { since: this.takenBytes, waitedMs: 0 }
  }

  endMeasure() {
    this.measured = undefined
  }

  /** Between two messages: nothing that was handed out is looked at any more. */
  release() {
    if (this.chunks.length === 0) this.borrowed?.release()
  }

  /**
   * Exactly `length` bytes, for headers and small bodies: check the length first.
   * @throws DicomError 'connection-lost', 'peer-too-slow'
   */
  async take(length: number, patienceMs = this.timers.stallMs): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let missing = length; missing > 0; ) {
      const part = await this.some(missing, patienceMs)
      parts.push(this.borrowed ? Buffer.from(part) : part)
      missing -= part.length
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** At least one and at most `limit` bytes, as they came, uncopied: the next call may overwrite them. */
  async some(limit: number, patienceMs = this.timers.stallMs): Promise<Buffer> {
    while (this.chunks.length === 0) {
      if (this.ended) throw this.ended
      const emptied = this.borrowed?.isFull === false ? undefined : this.beforeReuse?.()
      if (emptied) {
        await emptied
        continue
      }
      if (this.borrowed) this.goOn(this.borrowed)
      await this.more(patienceMs)
    }
    return this.atHand(limit)!
  }

  /** `some` without a wait: undefined when nothing is here yet. */
  atHand(limit: number): Buffer | undefined {
    const first = this.chunks[0]
    if (!first) return undefined
    const part = first.length <= limit ? first : first.subarray(0, limit)
    if (part === first) this.chunks.shift()
    else this.chunks[0] = first.subarray(limit)
    this.queuedBytes -= part.length
    this.takenBytes += part.length
    if (!this.borrowed && this.queuedBytes < HIGH_WATER_BYTES && this.socket.isPaused()) this.socket.resume()
    return part
  }

  /** `take` without a wait: undefined when they are not all here in one piece. To be looked at before the next call. */
  wholeAtHand(length: number): Buffer | undefined {
    const first = this.chunks[0]
    return first && first.length >= length ? this.atHand(length) : undefined
  }

  /** Ends every wait, now and later, with this error. */
  finish(reason: DicomError) {
    this.ended ??= reason
    this.waiting?.wake()
  }

  /** False for a peer that only looked whether the port is open. */
  get hasReceived(): boolean {
    return this.takenBytes + this.queuedBytes > 0
  }

  /** Lets the peer's remaining bytes go by unread, so that what was last written to it is not lost to a reset. */
  discard() {
    this.finish(new DicomError('connection-lost', { how: 'given up' }))
    this.chunks.length = 0
    this.socket.resume()
  }

  /** Whether it is to stay in the buffer: what comes after the end nobody wants. */
  private lent(chunk: Buffer): boolean {
    if (this.ended) return false
    this.chunks.push(chunk)
    this.queuedBytes += chunk.length
    this.waiting?.wake()
    return true
  }

  private goOn(borrowed: Borrowed) {
    borrowed.isFull = false
    this.socket.resume()
  }

  private arrived(chunk: Buffer) {
    if (this.ended) return
    this.chunks.push(chunk)
    this.queuedBytes += chunk.length
    if (this.queuedBytes >= HIGH_WATER_BYTES) this.socket.pause()
    this.waiting?.wake()
  }

  private async more(patienceMs: number): Promise<void> {
    const began = performance.now()
    const allowanceMs = this.allowanceMs()
    const came = await this.arrival(Math.min(patienceMs, allowanceMs))
    const waitedMs = Math.round(performance.now() - began)
    if (this.measured) this.measured.waitedMs += performance.now() - began
    if (!came)
      throw new DicomError('peer-too-slow', { waitedMs, clock: allowanceMs < patienceMs ? 'floor' : 'stall' })
  }

  private arrival(patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (came: boolean) => {
        clock.stop()
        this.waiting = undefined
        resolve(came)
      }
      const clock = startClock(patienceMs, () => done(false))
      this.waiting = { wake: () => done(true) }
    })
  }

  /** How much longer the peer may keep us waiting and still be above the floor. */
  private allowanceMs(): number {
    if (!this.measured) return Number.POSITIVE_INFINITY
    const bytes = this.takenBytes - this.measured.since
    const earnedMs = (bytes * 1000) / this.timers.floorBytesPerSecond
    return Math.max(this.timers.graceMs, earnedMs) - this.measured.waitedMs
  }
}
