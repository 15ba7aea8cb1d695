/** DICOMweb on Node's HTTP server: reads the address, writes the pieces with backpressure. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BlobReader, BlobStore } from '../storage/blob-store.ts'
import type { Access } from './access.ts'
import { bodyLength, type Piece, type WebRequest, type WebResponse } from './exchange.ts'
import type { DicomwebService } from './service.ts'
import { SpareBuffers } from './spare-buffers.ts'

export interface Mount {
  service: Pick<DicomwebService, 'answer' | 'blobs'>
  /** The path that the service is mounted on, without a slash at its end: `/dicom-web/launch/01K…`. */
  root: string
  access: Access
  /** Whether it is called over TLS that ends before this process; its addresses say so. */
  isBehindTls?: boolean
}

export async function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  mount: Mount,
): Promise<void> {
  const asked = webRequest(request, mount)
  const answered = await mount.service.answer(asked, mount.access)
  await sendResponse({ request, response, answered, blobs: mount.service.blobs })
}

function webRequest(request: IncomingMessage, { root, isBehindTls = false }: Mount): WebRequest {
  const { pathname, search } = addressOf(request)
  const below = pathname.slice(root.length)
  const scheme = isBehindTls || 'encrypted' in request.socket ? 'https' : 'http'
  return {
    method: request.method ?? 'GET',
    path: below
      .split('/')
      .filter((part) => part !== '')
      .map(decodedPart),
    query: new URLSearchParams(search),
    headers: request.headers,
    root: `${scheme}://${request.headers.host ?? 'localhost'}${root}`,
    body: request,
  }
}

function addressOf(request: IncomingMessage): { pathname: string; search: string } {
  const original = (request as IncomingMessage & { originalUrl?: string }).originalUrl ?? request.url ?? '/'
  // What has nothing to be resolved is split and no more.
  if (!/^\/[\w./,-]*$/.test(original) || original.includes('/.')) return new URL(original, 'http://archive')
  return { pathname: original, search: '' }
}

function decodedPart(part: string): string {
  if (!part.includes('%')) return part
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
  const { status, headers, body } = answered
  const length = bodyLength(body)
  const bytes =
    request.method === 'HEAD' || length === 0 || length > AT_ONCE_BYTES ? null : await atOnce(body, blobs)
  response.writeHead(status, {
    ...headers,
    'X-Content-Type-Options': 'nosniff',
    ...(headers['Content-Type'] !== PDF && HARMLESS),
    ...(status !== 204 && status !== 304 && { 'Content-Length': length }),
  })
  if (bytes) {
    response.end(bytes, () => spare.give(bytes))
    return
  }
  if (request.method === 'HEAD' || length === 0) {
    response.end()
    return
  }
  await inTurn(response, body, blobs)
}

const PDF = 'application/pdf'

// What an object holds is a stranger's: opened as a page of this origin it may not do what its reader may. A browser's
// own reader of PDF is shut off by a sandbox, and runs nothing here.
const HARMLESS = { 'Content-Security-Policy': "default-src 'none'; sandbox" }

/** A frame and what stands around it: read into one buffer and written in one piece. */
const AT_ONCE_BYTES = 2 * 1024 * 1024
const SPARE_BYTES = 32 * 1024 * 1024
const spare = new SpareBuffers(SPARE_BYTES)

async function atOnce(body: readonly Piece[], blobs: BlobStore): Promise<Buffer> {
  const bytes = spare.take(bodyLength(body))
  let at = 0
  for (const piece of body) {
    if (piece instanceof Uint8Array) bytes.set(piece, at)
    else if ('make' in piece) bytes.set(await piece.make(), at)
    else await blobs.read(piece.blob, bytes.subarray(at, at + piece.length), piece.offset)
    at += piece.length
  }
  return bytes
}

/** Reads one stretch while the one before it is on its way, so that a slow client holds two and no more. */
async function inTurn(response: ServerResponse, body: readonly Piece[], blobs: BlobStore): Promise<void> {
  let written: Promise<boolean> = Promise.resolve(true)
  for await (const bytes of bytesOf(body, blobs)) {
    // The other side left while the bytes were on their way; there is nobody left to tell.
    if (!(await written)) return
    written = isWritten(response, bytes)
  }
  if (await written) response.end()
}

/** False when the connection was closed before. */
function isWritten(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false)
  return new Promise((resolve) => {
    const left = () => resolve(false)
    response.once('close', left)
    response.write(bytes, (error) => {
      response.off('close', left)
      spare.give(bytes)
      resolve(!error)
    })
  })
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
      for (let at = 0; at < piece.length; at += LARGEST_READ_BYTES) {
        const target = spare.take(Math.min(LARGEST_READ_BYTES, piece.length - at))
        const bytes = await opened.reader.readInto(target, piece.offset + at)
        if (bytes.length < target.length) throw new Error(`${piece.blob} ends too early`)
        yield bytes
      }
    }
  } finally {
    await opened?.reader.close()
  }
}
