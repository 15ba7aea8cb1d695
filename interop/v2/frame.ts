/** MLLP frames (HL7 v2 Transport, minimal lower layer protocol): `0B` data `1C 0D`, out of chunks of any size. */

const VT = 0x0b
const FS = 0x1c
const CR = 0x0d
const LF = 0x0a

export type FrameLimits = {
  /** A frame longer than this is not stored; its head is kept so that it can be refused by its control id. */
  maxFrameBytes: number
  /** So many bytes without `0B` mean that the peer does not speak MLLP. */
  maxOutsideBytes: number
  /** How much of an over-long frame is kept. */
  keptHeadBytes: number
}

export const frameLimits: FrameLimits = {
  maxFrameBytes: 16 * 1024 * 1024,
  maxOutsideBytes: 64 * 1024,
  keptHeadBytes: 64 * 1024,
}

export type FrameEvent =
  | { type: 'frame'; bytes: Buffer }
  /** An empty frame, or only white space: somebody asks whether we are there. */
  | { type: 'keep-alive' }
  /** The next frame began before this one ended; never to be processed or answered. */
  | { type: 'cut'; bytes: Buffer }
  /** The peer went away or fell silent inside a frame. */
  | { type: 'incomplete'; bytes: Buffer }
  | { type: 'too-long'; head: Buffer; bytes: number }
  /** A bare MSH outside any frame. */
  | { type: 'unframed'; bytes: Buffer }
  /** The connection is of no use any more: close it. */
  | { type: 'flood'; bytes: number }
  | { type: 'warning'; code: 'bytes-outside' | 'missing-carriage-return' | 'stray-control'; count: number }

/** One per connection. The same bytes give the same events, however they are cut into chunks. */
export class FrameParser {
  readonly #limits: FrameLimits
  #state: 'outside' | 'inside' | 'after-1c' | 'flooded' = 'outside'
  #parts: Buffer[] = []
  #length = 0
  #outside: Buffer[] = []
  #outsideLength = 0
  /** Bytes seen but not decided: a `0B` inside a frame needs the three after it. */
  #carry: Buffer = Buffer.alloc(0)
  #events: FrameEvent[] = []

  constructor(limits: Partial<FrameLimits> = {}) {
    this.#limits = { ...frameLimits, ...limits }
  }

  /** True while a frame has begun and not ended. */
  get inFrame(): boolean {
    return this.#state === 'inside' || this.#state === 'after-1c'
  }

  /** True when only the final CR is missing; after half a second without it the frame counts as ended. */
  get awaitsCarriageReturn(): boolean {
    return this.#state === 'after-1c'
  }

  /** Bytes held for a frame that has not ended yet. */
  get heldBytes(): number {
    return this.#length
  }

  push(chunk: Buffer): FrameEvent[] {
    const bytes = this.#carry.length > 0 ? Buffer.concat([this.#carry, chunk]) : chunk
    this.#carry = Buffer.alloc(0)
    let at = 0
    while (at < bytes.length && this.#state !== 'flooded') {
      if (this.#state === 'outside') at = this.#readOutside(bytes, at)
      else if (this.#state === 'after-1c') at = this.#readAfterFs(bytes, at)
      else at = this.#readInside(bytes, at)
    }
    return this.#drain()
  }

  /** The wait for the final CR is over. */
  expireCarriageReturn(): FrameEvent[] {
    if (this.#state === 'after-1c') this.#endWithoutCr()
    return this.#drain()
  }

  /** The peer closed, or idled past the frame timeout: what is held is told and forgotten. */
  end(): FrameEvent[] {
    if (this.#state === 'after-1c') this.#endWithoutCr()
    if (this.#state === 'inside') {
      this.#store(this.#carry)
      this.#carry = Buffer.alloc(0)
      this.#events.push({ type: 'incomplete', bytes: this.#take() })
      this.#state = 'outside'
    }
    this.#endOutside()
    return this.#drain()
  }

  #readOutside(bytes: Buffer, at: number): number {
    const start = bytes.indexOf(VT, at)
    this.#keepOutside(bytes.subarray(at, start < 0 ? bytes.length : start))
    if (this.#outsideLength > this.#limits.maxOutsideBytes) {
      const count = this.#outsideLength
      this.#endOutside()
      this.#flood(count)
      return bytes.length
    }
    if (start < 0) return bytes.length
    this.#endOutside()
    this.#state = 'inside'
    return start + 1
  }

  #keepOutside(bytes: Buffer): void {
    this.#outsideLength += bytes.length
    if (bytes.length > 0) this.#outside.push(Buffer.from(bytes))
  }

  #endOutside(): void {
    if (this.#outsideLength === 0) return
    const bytes = Buffer.concat(this.#outside)
    this.#events.push({ type: 'warning', code: 'bytes-outside', count: bytes.length })
    const header = /(?:^|[\r\n\0 ])(MSH[^A-Za-z0-9\s])/.exec(bytes.toString('latin1'))
    if (header) this.#events.push({ type: 'unframed', bytes: bytes.subarray(bytes.indexOf(header[1]!)) })
    this.#outside = []
    this.#outsideLength = 0
  }

  #readInside(bytes: Buffer, at: number): number {
    const next = nextControl(bytes, at)
    this.#store(bytes.subarray(at, next))
    if (this.#length > 2 * this.#limits.maxFrameBytes) {
      this.#flood(this.#length)
      return bytes.length
    }
    if (next === bytes.length) return next
    if (bytes[next] === FS) {
      this.#state = 'after-1c'
      return next + 1
    }
    return this.#readStrayStart(bytes, next)
  }

  /** `0B MSH` inside a frame: the frame before was cut. Any other `0B` is stray. */
  #readStrayStart(bytes: Buffer, at: number): number {
    const following = bytes.subarray(at + 1, at + 4).toString('latin1')
    if (following.length < 3 && 'MSH'.startsWith(following)) {
      this.#carry = Buffer.from(bytes.subarray(at))
      return bytes.length
    }
    if (following !== 'MSH') this.#events.push({ type: 'warning', code: 'stray-control', count: 1 })
    else this.#cut()
    return at + 1
  }

  #cut(): void {
    const cut = this.#take()
    if (!isBlank(cut)) this.#events.push({ type: 'cut', bytes: cut })
  }

  #readAfterFs(bytes: Buffer, at: number): number {
    const byte = bytes[at]
    if (byte === CR) {
      this.#endFrame()
      return at + 1
    }
    if (byte === LF || byte === VT) {
      this.#endWithoutCr()
      return byte === LF ? at + 1 : at
    }
    // Ending here would acknowledge half a message.
    this.#events.push({ type: 'warning', code: 'stray-control', count: 1 })
    this.#state = 'inside'
    return at
  }

  #endWithoutCr(): void {
    this.#events.push({ type: 'warning', code: 'missing-carriage-return', count: 1 })
    this.#endFrame()
  }

  #endFrame(): void {
    const length = this.#length
    const bytes = this.#take()
    this.#state = 'outside'
    if (length > this.#limits.maxFrameBytes)
      this.#events.push({ type: 'too-long', head: bytes, bytes: length })
    else if (isBlank(bytes)) this.#events.push({ type: 'keep-alive' })
    else this.#events.push({ type: 'frame', bytes })
  }

  #store(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#length += bytes.length
    if (this.#length <= this.#limits.maxFrameBytes) this.#parts.push(Buffer.from(bytes))
    else if (this.#parts.length > 0 || this.#length === bytes.length) this.#keepHead(bytes)
  }

  #keepHead(bytes: Buffer): void {
    if (this.#headKept) return
    this.#headKept = true
    const head = Buffer.concat([...this.#parts, bytes]).subarray(0, this.#limits.keptHeadBytes)
    this.#parts = [Buffer.from(head)]
  }

  #headKept = false

  #take(): Buffer {
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    this.#length = 0
    this.#headKept = false
    return bytes
  }

  #flood(bytes: number): void {
    this.#take()
    this.#state = 'flooded'
    this.#events.push({ type: 'flood', bytes })
  }

  #drain(): FrameEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }
}

function nextControl(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && bytes[at] !== FS && bytes[at] !== VT) at += 1
  return at
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === CR || byte === LF || byte === 0)
}

/** One message as it goes on the wire; written in one piece, since some receivers want the frame in one segment. */
export function frame(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(VT), message, Buffer.of(FS, CR)])
}
