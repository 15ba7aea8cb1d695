/** Bodies of many parts (RFC 2387, PS3.18 8.6): written from pieces, read as a stream. */
import { createHash, randomBytes } from 'node:crypto'
import { contentType } from './accept.ts'
import { type Piece, WebError } from './exchange.ts'

export interface Part {
  contentType: string
  /** Where the part can be had alone. */
  location?: string
  body: readonly Piece[]
}

export function multipartRelated(
  type: string,
  parts: readonly Part[],
  { seed }: { seed?: string } = {},
): { contentType: string; body: Piece[] } {
  // With a seed that stands for the parts, the same parts make the same body: a range of it can be asked for later.
  const random =
    seed === undefined ? randomBytes(16) : createHash('sha256').update(`boundary ${seed}`).digest()
  const boundary = `isocenter-${random.toString('hex').slice(0, 32)}`
  const body: Piece[] = []
  for (const part of parts) {
    const location = part.location === undefined ? '' : `Content-Location: ${part.location}\r\n`
    // OHIF looks for `Content-Type:` in this spelling.
    body.push(Buffer.from(`--${boundary}\r\nContent-Type: ${part.contentType}\r\n${location}\r\n`))
    body.push(...part.body, Buffer.from('\r\n'))
  }
  body.push(Buffer.from(`--${boundary}--\r\n`))
  return { contentType: `multipart/related; type="${type}"; boundary=${boundary}`, body }
}

export interface ReceivedPart {
  headers: Map<string, string>
  /** To be read to its end before the next part is asked for; what is left is skipped. */
  bytes: AsyncIterable<Uint8Array>
}

const LONGEST_HEADER_BYTES = 16 * 1024

/**
 * The parts of a body in their order, each as it comes in.
 * @throws WebError 400 when a part or the end is missing
 */
export async function* readMultipart(
  body: AsyncIterable<Uint8Array>,
  type: string,
): AsyncGenerator<ReceivedPart> {
  const boundary = contentType(type).parameters.get('boundary')
  if (!boundary) throw new WebError(400, 'a multipart body needs a boundary')
  const reader = new DelimitedReader(body, Buffer.from(`\r\n--${boundary}`))
  for await (const _ of reader.upToDelimiter()) {
    // The preamble before the first boundary means nothing (RFC 2046 5.1.1).
  }
  while (!(await reader.isLast())) {
    const headers = headersOf(await reader.upTo(Buffer.from('\r\n\r\n'), LONGEST_HEADER_BYTES))
    const bytes = reader.upToDelimiter()
    yield { headers, bytes }
    for await (const _ of bytes) {
      // Left unread by whoever took the part.
    }
  }
}

class DelimitedReader {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #delimiter: Buffer
  // A boundary at the very start has no line end before it; this gives it one.
  #held: Buffer = Buffer.from('\r\n')
  #ended = false

  constructor(body: AsyncIterable<Uint8Array>, delimiter: Buffer) {
    this.#source = body[Symbol.asyncIterator]()
    this.#delimiter = delimiter
  }

  async *upToDelimiter(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = this.#held.indexOf(this.#delimiter)
      if (at >= 0) {
        const before = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + this.#delimiter.length)
        if (before.length > 0) yield before
        return
      }
      // All but what could be the beginning of a delimiter may go on.
      const safe = this.#held.length - this.#delimiter.length + 1
      if (safe > 0) {
        const before = this.#held.subarray(0, safe)
        this.#held = this.#held.subarray(safe)
        yield before
      }
      await this.#more()
    }
  }

  /** After a delimiter: `--` closes the body, a line end begins a part. */
  async isLast(): Promise<boolean> {
    while (this.#held.length < 2) await this.#more()
    if (this.#held.subarray(0, 2).toString('latin1') === '--') return true
    const line = await this.upTo(Buffer.from('\n'), 200)
    if (line.toString('latin1').trim() !== '')
      throw new WebError(400, 'a boundary is followed by something else')
    return false
  }

  async upTo(end: Buffer, most: number): Promise<Buffer> {
    // A part may have no headers at all: then its blank line stands at once.
    if (end.length === 4) {
      while (this.#held.length < 2) await this.#more()
      if (this.#held.subarray(0, 2).toString('latin1') === '\r\n') {
        this.#held = this.#held.subarray(2)
        return Buffer.alloc(0)
      }
    }
    for (;;) {
      const at = this.#held.indexOf(end)
      if (at >= 0) {
        const found = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + end.length)
        return found
      }
      if (this.#held.length > most) throw new WebError(400, 'the headers of a part are too long')
      await this.#more()
    }
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new WebError(400, 'the body ends before its last boundary')
    const next = await this.#source.next()
    if (next.done) {
      this.#ended = true
      return
    }
    this.#held = this.#held.length === 0 ? Buffer.from(next.value) : Buffer.concat([this.#held, next.value])
  }
}

function headersOf(bytes: Buffer): Map<string, string> {
  const lines = bytes.toString('latin1').split('\r\n')
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0
        ? []
        : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const]
    }),
  )
}
