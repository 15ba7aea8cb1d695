/** A request and a response of DICOMweb without a server around them: what a body is made of is known before it is sent. */
import type { IncomingHttpHeaders } from 'node:http'

export interface WebRequest {
  method: string
  /** Decoded path segments below the root: `['studies', '1.2.3', 'metadata']`. */
  path: readonly string[]
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** Absolute address of the root, for Retrieve URL and absolute BulkDataURI; no slash at its end. */
  root: string
  body: AsyncIterable<Uint8Array>
}

/** Bytes in memory, a stretch of a stored object that is read when its turn comes, or bytes that are made then. */
export type Piece = Uint8Array | Stretch | Made

interface Stretch {
  readonly blob: string
  readonly offset: number
  readonly length: number
}

export interface Made {
  readonly length: number
  make(): Promise<Uint8Array>
}

export interface WebResponse {
  status: number
  headers: Record<string, string>
  body: readonly Piece[]
}

/** An answer that is not a success, in words that hold no patient data. */
export class WebError extends Error {
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.name = 'WebError'
    this.status = status
  }
}

/** Cache-Control of what holds for the moment of its asking: results of a search, of storing, and refusals. */
export const NOT_KEPT = 'no-store'

export const pieceLength = (piece: Piece): number => piece.length

export function bodyLength(body: readonly Piece[]): number {
  return body.reduce((bytes, piece) => bytes + pieceLength(piece), 0)
}

/** The bytes from `start` up to and not including `end`. */
export function sliceBody(body: readonly Piece[], start: number, end: number): Piece[] {
  const sliced: Piece[] = []
  let at = 0
  for (const piece of body) {
    const from = Math.max(start - at, 0)
    const to = Math.min(end - at, piece.length)
    at += piece.length
    if (to <= from) continue
    if (piece instanceof Uint8Array) sliced.push(piece.subarray(from, to))
    else if ('make' in piece)
      sliced.push({ length: to - from, make: async () => (await piece.make()).subarray(from, to) })
    else sliced.push({ blob: piece.blob, offset: piece.offset + from, length: to - from })
  }
  return sliced
}

export function json(value: unknown, headers: Record<string, string> = {}): WebResponse {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/dicom+json', ...headers },
    body: [Buffer.from(JSON.stringify(value))],
  }
}
