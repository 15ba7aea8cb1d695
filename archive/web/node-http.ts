/** DICOMweb on Node's HTTP server: reads the address, writes the pieces with backpressure. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BlobReader, BlobStore } from '../storage/blob-store.ts'
import type { Access } from './access.ts'
import { bodyLength, type Piece, type WebRequest, type WebResponse } from './exchange.ts'
import type { DicomwebService } from './service.ts'

export interface Mount {
  service: Pick<DicomwebService, 'answer' | 'blobs'>
  /** The path that the service is mounted on, without a slash at its end: `/dicom-web/launch/01K…`. */
  root: string
  access: Access
}

export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  mount: Mount,
): Promise<void> {
  const asked = webRequest(request, mount.root)
  const answered = await mount.service.answer(asked, mount.access)
  await sendResponse({ request, response, answered, blobs: mount.service.blobs })
}

function webRequest(request: IncomingMessage, root: string): WebRequest {
  const original = (request as IncomingMessage & { originalUrl?: string }).originalUrl ?? request.url ?? '/'
  const url = new URL(original, 'http://archive')
  const below = url.pathname.slice(root.length)
  const scheme = 'encrypted' in request.socket ? 'https' : 'http'
  return {
    method: request.method ?? 'GET',
    path: below
      .split('/')
      .filter((part) => part !== '')
      .map(decodedPart),
    query: url.searchParams,
    headers: request.headers,
    root: `${scheme}://${request.headers.host ?? 'localhost'}${root}`,
    body: request,
  }
}

function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // Not an address of ours; it will match no resource.
    return ''
  }
}

interface Sending {
  request: IncomingMessage
  response: ServerResponse
  answered: WebResponse
  blobs: BlobStore
}

export async function sendResponse({ request, response, answered, blobs }: Sending): Promise<void> {
  response.statusCode = answered.status
  for (const [name, value] of Object.entries(answered.headers)) response.setHeader(name, value)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  const length = bodyLength(answered.body)
  if (![204, 304].includes(answered.status)) response.setHeader('Content-Length', length)
  if (request.method === 'HEAD' || answered.body.length === 0) {
    response.end()
    return
  }
  if (length <= AT_ONCE_BYTES) return sendAtOnce(response, answered.body, blobs)
  try {
    await pipeline(Readable.from(bytesOf(answered.body, blobs), { objectMode: false }), response)
  } catch (error) {
    // The other side left while the bytes were on their way; there is nobody left to tell.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

/** A frame and what stands around it: not worth a stream. */
const AT_ONCE_BYTES = 2 * 1024 * 1024

async function sendAtOnce(response: ServerResponse, body: readonly Piece[], blobs: BlobStore): Promise<void> {
  response.cork()
  for await (const bytes of bytesOf(body, blobs)) response.write(bytes)
  response.uncork()
  response.end()
}

const LARGEST_READ_BYTES = 1024 * 1024

async function* bytesOf(body: readonly Piece[], blobs: BlobStore): AsyncGenerator<Uint8Array> {
  let opened: { blob: string; reader: BlobReader } | undefined
  try {
    for (const piece of body) {
      if (piece instanceof Uint8Array) {
        yield piece
        continue
      }
      if ('make' in piece) {
        yield await piece.make()
        continue
      }
      if (opened === undefined || opened.blob !== piece.blob) {
        await opened?.reader.close()
        opened = { blob: piece.blob, reader: await blobs.open(piece.blob) }
      }
      for (let at = 0; at < piece.length; at += LARGEST_READ_BYTES)
        yield await opened.reader.read(piece.offset + at, Math.min(LARGEST_READ_BYTES, piece.length - at))
    }
  } finally {
    await opened?.reader.close()
  }
}
