/** WADO-RS: studies, series, instances, metadata, frames, bulk data, rendered images and thumbnails (PS3.18 10.4). */
import type { AnySql } from '#db/client.ts'
import {
  headerOf,
  headersOf,
  type Place,
  type StoredObject,
  seriesAt,
  storedObjects,
} from '#db/queries/dicomweb.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { DerivedStore } from '../storage/derived-store.ts'
import { acceptable, type MediaRange, takes, takesGzip } from './accept.ts'
import { type Access, scopeOf } from './access.ts'
import { bulkValue } from './bulkdata.ts'
import { type Piece, WebError, type WebRequest, type WebResponse } from './exchange.ts'
import { frameNumbers, framesOf } from './frames.ts'
import { relocate, seriesMetadata, unpack } from './metadata.ts'
import { multipartRelated, type Part } from './multipart.ts'
import { RENDERED_TYPES, render } from './rendered.ts'
import { frameMediaType, frameTransferSyntax, NATIVE_SYNTAXES } from './transfer-syntax.ts'

export interface WadoDependencies {
  sql: AnySql
  blobs: BlobStore
  derived: DerivedStore
}

export interface Retrieval {
  request: WebRequest
  access: Access
  place: Place
}

/** Whole objects as stored: one part each, or one object alone when that is asked for. */
export async function retrieveObjects(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
): Promise<WebResponse> {
  const objects = await objectsAt(wado, access, place)
  const range = acceptable(request).find((wanted) => isObjectRange(wanted, objects))
  if (!range)
    throw new WebError(
      406,
      'stored objects are to be had as application/dicom, in the transfer syntax they are stored in',
    )
  const [object] = objects
  if (!range.multipart && objects.length === 1 && range.type === 'application/dicom') {
    return cached(request, `"${object!.sha256.slice(0, 32)}"`, {
      status: 200,
      headers: { 'Content-Type': dicomType(object!) },
      body: wholeObject(object!),
    })
  }
  const parts = objects.map((stored) => ({ contentType: dicomType(stored), body: wholeObject(stored) }))
  return multipart('application/dicom', parts)
}

function isObjectRange(range: MediaRange, objects: readonly StoredObject[]): boolean {
  if (!takes(range, 'application/dicom')) return false
  if (!range.multipart && range.type === 'application/dicom' && objects.length > 1) return false
  const { transferSyntax } = range
  return (
    transferSyntax === null ||
    transferSyntax === '*' ||
    objects.every((o) => o.transferSyntaxUid === transferSyntax)
  )
}

const dicomType = (object: StoredObject): string =>
  `application/dicom; transfer-syntax=${object.transferSyntaxUid}`

const wholeObject = (object: StoredObject): Piece[] => [
  { blob: object.blob, offset: 0, length: object.bytes },
]

/** Metadata of a study, a series or one instance; a series' is kept ready. */
export async function retrieveMetadata(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
): Promise<WebResponse> {
  if (
    !acceptable(request).some(
      (range) => takes(range, 'application/dicom+json') || range.type === 'application/json',
    )
  )
    throw new WebError(406, 'metadata is to be had as application/dicom+json')
  const found = await seriesAt(wado.sql, scopeOf(access), place)
  if (found.length === 0) throw notHere()
  if (place.sopInstanceUid !== undefined)
    return instanceMetadata(wado, { request, access, place }, found[0]!.id)

  const tag = `"${found.map((series) => `${series.id.slice(-8)}.${series.rev}`).join('-')}"`
  const headers = { 'Content-Type': 'application/dicom+json', Vary: 'Accept, Accept-Encoding' }
  const isViewer = access.kind === 'launch'
  // The viewer's way: one series, relative BulkDataURIs, compressed as kept. No byte is touched.
  if (isViewer && place.seriesUid !== undefined && takesGzip(request)) {
    const packed = await seriesMetadata(wado, found[0]!)
    return cached(request, weak(tag), {
      status: 200,
      headers: { ...headers, 'Content-Encoding': 'gzip' },
      body: [packed],
    })
  }
  const texts: string[] = []
  for (const series of found) {
    const prefix =
      isViewer && place.seriesUid !== undefined
        ? ''
        : `${request.root}/studies/${place.studyUid}/series/${series.seriesUid}/`
    texts.push(await unpack(await seriesMetadata(wado, series), prefix))
  }
  const body = [Buffer.from(`[${texts.filter((text) => text !== '').join(',')}]`)]
  return cached(request, weak(tag), { status: 200, headers, body })
}

async function instanceMetadata(
  wado: WadoDependencies,
  { request, place }: Retrieval,
  seriesId: string,
): Promise<WebResponse> {
  const [header] = await headersOf(wado.sql, {
    seriesId,
    sopInstanceUid: place.sopInstanceUid!,
    native: NATIVE_SYNTAXES,
  })
  if (!header) throw notHere()
  const prefix = `${request.root}/studies/${place.studyUid}/series/${place.seriesUid}/instances/${place.sopInstanceUid}/`
  return {
    status: 200,
    headers: { 'Content-Type': 'application/dicom+json' },
    body: [Buffer.from(`[${relocate(header.text, prefix)}]`)],
  }
}

/** Frames in the syntax they are stored in, native ones in little endian. */
export async function retrieveFrames(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
  list: string,
): Promise<WebResponse> {
  const [object] = await objectsAt(wado, access, place)
  const stored = object!
  const mediaType = frameMediaType(stored.transferSyntaxUid)
  const syntax = frameTransferSyntax(stored.transferSyntaxUid)
  const range = acceptable(request).find((wanted) => isFrameRange(wanted, mediaType, syntax))
  if (!range) throw new WebError(406, `the frames are stored as ${mediaType}; transfer-syntax=${syntax}`)
  const numbers = frameNumbers(list)
  const frames = await framesOf(wado.blobs, stored, numbers)
  const type = `${mediaType}; transfer-syntax=${syntax}`
  const tag = `"${stored.sha256.slice(0, 32)}-${numbers.join('.')}"`
  if (!range.multipart && range.type !== '*/*' && frames.length === 1)
    return cached(request, tag, { status: 200, headers: { 'Content-Type': type }, body: frames[0]! })
  const at = `${request.root}/studies/${stored.studyUid}/series/${stored.seriesUid}/instances/${stored.sopInstanceUid}/frames`
  const parts = frames.map((body, n) => ({ contentType: type, location: `${at}/${numbers[n]}`, body }))
  return cached(request, tag, multipart(mediaType, parts))
}

function isFrameRange({ type, transferSyntax }: MediaRange, mediaType: string, syntax: string): boolean {
  // PS3.18 8.7.3.5: `transfer-syntax=*` takes whatever is stored, whichever type stands before it.
  if (transferSyntax === '*')
    return type === '*/*' || type === mediaType || type === 'application/octet-stream' || type === 'image/*'
  const isStored = transferSyntax === null || transferSyntax === syntax
  return isStored && takes({ type, transferSyntax, multipart: true, quality: 1 }, mediaType)
}

export async function retrieveBulkData(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
  path: readonly string[],
): Promise<WebResponse> {
  const [object] = await objectsAt(wado, access, place)
  const value = await bulkValue(wado.blobs, object!, path)
  const range = acceptable(request).find(
    (wanted) => takes(wanted, value.mediaType) || takes(wanted, 'application/octet-stream'),
  )
  if (!range) throw new WebError(406, `the value is ${value.mediaType}`)
  const type = takes(range, value.mediaType) ? value.mediaType : 'application/octet-stream'
  const tag = `"${object!.sha256.slice(0, 32)}-${path.join('.')}"`
  if (!range.multipart && value.parts.length === 1)
    return cached(request, tag, { status: 200, headers: { 'Content-Type': type }, body: value.parts[0]! })
  return cached(
    request,
    tag,
    multipart(
      type,
      value.parts.map((body) => ({ contentType: type, body })),
    ),
  )
}

/** A frame as people see it: windowed, in colours, scaled into the viewport asked for. */
export async function retrieveRendered(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
  { frame, thumbnail }: { frame: number; thumbnail: boolean },
): Promise<WebResponse> {
  const objects = (await objectsAt(wado, access, place)).filter((object) => object.pixel !== null)
  // The middle image says most about a series or a study.
  const object = objects[Math.floor(objects.length / 2)]
  if (!object) throw new WebError(406, 'there are no pixels to show')
  const type = acceptable(request)
    .flatMap((range) => RENDERED_TYPES.filter((offered) => takes(range, offered)))
    .at(0)
  if (!type) throw new WebError(406, `rendered images are to be had as ${RENDERED_TYPES.join(' or ')}`)
  const [pieces] = await framesOf(wado.blobs, object, [frame])
  const image = await render({
    header: await headerOf(wado.sql, object.id),
    transferSyntaxUid: object.transferSyntaxUid,
    frame: pieces!,
    blobs: wado.blobs,
    query: request.query,
    largest: thumbnail ? 256 : null,
    type,
  })
  return cached(request, `"${object.sha256.slice(0, 16)}-${frame}-${hashOf(request.query)}-${image.type}"`, {
    status: 200,
    headers: { 'Content-Type': image.type },
    body: [image.bytes],
  })
}

async function objectsAt(wado: WadoDependencies, access: Access, place: Place): Promise<StoredObject[]> {
  const objects = await storedObjects(wado.sql, scopeOf(access), place)
  if (objects.length === 0) throw notHere()
  return objects
}

export const notHere = (): WebError => new WebError(404, 'there is no such study, series or instance')

function multipart(type: string, parts: readonly Part[]): WebResponse {
  const { contentType, body } = multipartRelated(type, parts)
  return { status: 200, headers: { 'Content-Type': contentType }, body }
}

const weak = (tag: string): string => `W/${tag}`

// What an object holds never changes, but whether it may be seen does: a cache must always ask.
function cached(request: WebRequest, tag: string, response: WebResponse): WebResponse {
  const headers = { ...response.headers, ETag: tag, 'Cache-Control': 'private, no-cache' }
  const known = String(request.headers['if-none-match'] ?? '')
    .split(',')
    .map((one) => one.trim())
  if (known.includes(tag))
    return { status: 304, headers: { ETag: tag, 'Cache-Control': 'private, no-cache' }, body: [] }
  return { ...response, headers }
}

const hashOf = (query: URLSearchParams): string =>
  Buffer.from(
    [...query.keys()]
      .sort()
      .map((key) => `${key}=${query.get(key)}`)
      .join('&'),
  )
    .toString('base64url')
    .slice(0, 40)
