/** WADO-RS: studies, series, instances, metadata, frames, bulk data, rendered images and thumbnails (PS3.18 10.4). */
import { createHash } from 'node:crypto'
import type { AnySql } from '#db/client.ts'
import { headerOf } from '#db/queries/stored-headers.ts'
import { middleImage, type Place, type StoredObject, storedObjects } from '#db/queries/stored-objects.ts'
import { EXPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Coercion } from '../storage/coercion.ts'
import { coercionsFor, outgoing, tagOfCorrected } from '../storage/outgoing.ts'
import { acceptable, takes } from './accept.ts'
import { type Access, scopeOf } from './access.ts'
import { type BulkValue, bulkValue } from './bulkdata.ts'
import { cached } from './cached.ts'
import { type Piece, WebError, type WebRequest, type WebResponse } from './exchange.ts'
import type { FrameThreads } from './frame-threads.ts'
import { frameNumbers, framesOf, type PixelPlace } from './frames.ts'
import type { Header } from './header.ts'
import { multipartRelated, type Part } from './multipart.ts'
import { hasNativeForm, nativeFrames, nativeObject } from './native.ts'
import { PICTURE_TYPES, type PictureType } from './picture.ts'
import type { Recent } from './recent.ts'
import { isShowable, render, styleOf } from './rendered.ts'
import { type Chosen, frameForm, objectForm } from './representation.ts'
import type { ShownObjects } from './shown-objects.ts'
import { frameMediaType, frameTransferSyntax, isLossless, isNative, videoType } from './transfer-syntax.ts'

export interface WadoDependencies {
  sql: AnySql
  blobs: BlobStore
  threads: FrameThreads
  places: Recent<PixelPlace>
  shown: ShownObjects
}

export interface Retrieval {
  request: WebRequest
  access: Access
  place: Place
}

/** Whole objects, as stored or uncompressed: one part each, or one object alone when that is asked for. */
export async function retrieveObjects(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
): Promise<WebResponse> {
  const found = await objectsAt(wado, access, place)
  const objects = sound(found)
  const headers = new Map<string, Header>()
  const canBeNative = async (object: StoredObject) => {
    const header = await headerOf(wado.sql, object.id)
    headers.set(object.id, header)
    return hasNativeForm(object, header)
  }
  const chosen = await objectForm(request, {
    transferSyntaxUids: objects.map((object) => object.transferSyntaxUid),
    count: objects.length,
    canBeNative: async () => {
      for (const object of objects) if (!(await canBeNative(object))) return false
      return true
    },
  })
  const isSentAsStored = async (object: StoredObject) => {
    const { transferSyntaxUid } = object
    if (chosen.form === 'stored' || transferSyntaxUid === EXPLICIT_LITTLE) return true
    if (chosen.form === 'native') return false
    // PS3.18 8.7.3: Explicit VR Little Endian, but for pixels that are to be had in lossy compression alone.
    return !isLossless(transferSyntaxUid) || !(await canBeNative(object))
  }
  const coercions = await coercionsFor(wado.sql, objects)
  const tag = tagOf([
    chosen.form,
    ...objects.map((object) => object.sha256 + tagOfCorrected(coercions.get(object.sopInstanceUid))),
  ])
  const parts: Part[] = []
  for (const object of objects) {
    const isStored = await isSentAsStored(object)
    const syntax = isStored ? object.transferSyntaxUid : EXPLICIT_LITTLE
    parts.push({
      contentType: `application/dicom; transfer-syntax=${syntax}`,
      body: isStored
        ? await wholeObject(wado, object, coercions.get(object.sopInstanceUid))
        : await nativeObject(wado, object, {
            header: headers.get(object.id)!,
            leads: parts.length === 0,
            coercion: coercions.get(object.sopInstanceUid),
          }),
    })
  }
  const status = objects.length < found.length ? 206 : 200
  return answered(request, { type: 'application/dicom', parts, chosen, tag, status })
}

/** What was found damaged goes to nobody as if it were the image: of several the others do (PS3.18 table 8.5-1). */
function sound(objects: readonly StoredObject[]): StoredObject[] {
  const sound = objects.filter(({ isDamaged }) => !isDamaged)
  if (sound.length === 0) throw new WebError(410, 'what is stored of it is damaged or gone')
  return sound
}

/** As stored, or with what its order corrects in its header; the rest of it is sent from the disk as it lies there. */
async function wholeObject(
  { blobs }: WadoDependencies,
  object: StoredObject,
  coercion: Coercion | undefined,
): Promise<Piece[]> {
  const { blob, bytes, datasetOffset } = object
  if (!coercion) return [{ blob, offset: 0, length: bytes }]
  const reader = await blobs.open(blob)
  try {
    const { header, rest } = await outgoing(reader, object, coercion)
    return [
      { blob, offset: 0, length: datasetOffset },
      header,
      ...(rest < bytes ? [{ blob, offset: rest, length: bytes - rest }] : []),
    ]
  } finally {
    await reader.close()
  }
}

/** Frames in the syntax they are stored in, native ones in little endian; or decoded, when that is asked for. */
export async function retrieveFrames(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
  list: string,
): Promise<WebResponse> {
  const numbers = frameNumbers(list)
  const object = await objectAt(wado, access, place)
  let header: Header | undefined
  const chosen = await frameForm(request, {
    transferSyntaxUid: object.transferSyntaxUid,
    count: numbers.length,
    canBeNative: async () => {
      header ??= await headerOf(wado.sql, object.id)
      return hasNativeForm(object, header)
    },
  })
  const isStored = chosen.form === 'stored' || isNative(object.transferSyntaxUid)
  const frames = isStored
    ? await framesOf(wado, object, numbers)
    : await nativeFrames(wado, { object, header: header!, leads: true }, numbers)
  const mediaType = isStored ? frameMediaType(object.transferSyntaxUid) : 'application/octet-stream'
  const syntax = isStored ? frameTransferSyntax(object.transferSyntaxUid) : EXPLICIT_LITTLE
  const contentType = `${mediaType}; transfer-syntax=${syntax}`
  const parts = frames.map((body, n) => ({
    contentType,
    location: `${addressOf(request, object)}/frames/${numbers[n]}`,
    body,
  }))
  const tag = tagOf([object.sha256, isStored ? 'stored' : 'native', ...numbers])
  return answered(request, { type: mediaType, parts, chosen, tag })
}

export async function retrieveBulkData(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
  path: readonly string[],
): Promise<WebResponse> {
  const object = await objectAt(wado, access, place)
  const value = await bulkValue(wado.blobs, object, path)
  const range = acceptable(request).find(
    (wanted) =>
      (takes(wanted, value.mediaType) || takes(wanted, 'application/octet-stream')) &&
      (wanted.multipart || value.parts.length === 1 || wanted.type === '*/*'),
  )
  if (!range) throw new WebError(406, `the value is ${value.mediaType}`)
  const type = takes(range, value.mediaType) ? value.mediaType : 'application/octet-stream'
  const parts = value.parts.map((body) => ({ contentType: type, body }))
  const multipart = range.multipart || parts.length > 1
  return answered(request, {
    type,
    parts,
    chosen: { form: 'stored', multipart },
    tag: tagOf([object.sha256, 'bulk', ...path]),
  })
}

const ENCAPSULATED_DOCUMENT = '00420011'

/**
 * What an object looks like to people: frames windowed, in colours, scaled into the viewport asked for; a video and a
 * document as they are.
 */
export async function retrieveRendered(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
  list: string | null,
): Promise<WebResponse> {
  const objects = sound(await objectsAt(wado, access, place))
  const [object] = objects
  if (objects.length > 1) return renderedObjects(wado, request, objects)
  const whole = list === null ? await wholeRendered(wado, object!) : null
  const header = await headerOf(wado.sql, object!.id)
  for (const range of acceptable(request)) {
    if (whole && takes(range, whole.mediaType)) return renderedWhole(request, object!, whole)
    const type = PICTURE_TYPES.find((offered) => takes(range, offered))
    const numbers = list === null ? [1] : frameNumbers(list)
    const multipart = range.multipart || numbers.length > 1
    const isTooMany = numbers.length > 1 && !range.multipart && range.type !== '*/*'
    if (!type || isTooMany || !isShowable(object!, header)) continue
    return renderedFrames(wado, { request, object: object!, header, numbers, type, multipart })
  }
  throw new WebError(
    406,
    whole
      ? `it is to be had as ${whole.mediaType}`
      : isShowable(object!, header)
        ? `pictures are to be had as ${PICTURE_TYPES.join(' or ')}`
        : 'there are no pixels that can be shown here',
  )
}

interface WholeRendered {
  mediaType: string
  body: Piece[]
}

/** A video or a document is shown by what it holds. */
async function wholeRendered(wado: WadoDependencies, object: StoredObject): Promise<WholeRendered | null> {
  const video = videoType(object.transferSyntaxUid)
  if (video !== null) {
    const value = await bulkValue(wado.blobs, object, ['7FE00010'])
    return { mediaType: video, body: value.parts.flat() }
  }
  if (object.hasPixels) return null
  const document = await bulkValue(wado.blobs, object, [ENCAPSULATED_DOCUMENT]).catch(notThere)
  return document ? { mediaType: document.mediaType, body: document.parts.flat() } : null
}

function notThere(error: unknown): BulkValue | null {
  if (error instanceof WebError && error.status === 404) return null
  throw error
}

function renderedWhole(request: WebRequest, object: StoredObject, whole: WholeRendered): WebResponse {
  const parts = [{ contentType: whole.mediaType, body: whole.body }]
  const chosen: Chosen = { form: 'stored', multipart: false }
  return answered(request, {
    type: whole.mediaType,
    parts,
    chosen,
    tag: tagOf([object.sha256, 'rendered']),
  })
}

interface RenderedFrames {
  request: WebRequest
  object: StoredObject
  header: Header
  numbers: readonly number[]
  type: PictureType
  multipart: boolean
}

async function renderedFrames(wado: WadoDependencies, asked: RenderedFrames): Promise<WebResponse> {
  const { request, object, header, numbers, type, multipart } = asked
  if (numbers.length > MOST_RENDERED) throw tooMany()
  const style = styleOf(request.query, { thumbnail: false })
  const parts: Part[] = []
  for (const frame of numbers) {
    const bytes = await render(wado, { object, header, frame, style, type })
    parts.push({
      contentType: type,
      location: `${addressOf(request, object)}/frames/${frame}/rendered`,
      body: [bytes],
    })
  }
  const tag = tagOf([object.sha256, type, ...numbers, JSON.stringify(style)])
  return answered(request, { type, parts, chosen: { form: 'native', multipart }, tag })
}

/** As many as are rendered before anything is sent. */
const MOST_RENDERED = 100

const tooMany = () => new WebError(413, `more than ${MOST_RENDERED} pictures are asked for one by one`)

async function renderedObjects(
  wado: WadoDependencies,
  request: WebRequest,
  objects: readonly StoredObject[],
): Promise<WebResponse> {
  const range = acceptable(request).find(
    (wanted) =>
      (wanted.multipart || wanted.type === '*/*') && PICTURE_TYPES.some((type) => takes(wanted, type)),
  )
  if (!range)
    throw new WebError(406, 'several pictures are to be had as multipart/related of image/jpeg or image/png')
  const images = objects.filter((object) => object.hasPixels)
  if (images.length > MOST_RENDERED) throw tooMany()
  const type = PICTURE_TYPES.find((offered) => takes(range, offered))!
  const style = styleOf(request.query, { thumbnail: false })
  const parts: Part[] = []
  for (const object of images) {
    const header = await headerOf(wado.sql, object.id)
    if (!isShowable(object, header)) continue
    const bytes = await render(wado, { object, header, frame: 1, style, type })
    parts.push({ contentType: type, location: `${addressOf(request, object)}/rendered`, body: [bytes] })
  }
  if (parts.length === 0) throw new WebError(406, 'there are no pixels that can be shown here')
  const tag = tagOf([...images.map((object) => object.sha256), type, JSON.stringify(style)])
  return answered(request, { type, parts, chosen: { form: 'native', multipart: true }, tag })
}

/** A small picture of a frame, or of the middle image of a series or study. */
export async function retrieveThumbnail(
  wado: WadoDependencies,
  { request, access, place }: Retrieval,
  frame: number,
): Promise<WebResponse> {
  const object =
    place.sopInstanceUid === undefined
      ? await middleImage(wado.sql, scopeOf(access), place)
      : await objectAt(wado, access, place)
  if (!object) {
    await objectsAt(wado, access, place)
    throw new WebError(406, 'there are no pixels to show')
  }
  const type = acceptable(request)
    .flatMap((range) => PICTURE_TYPES.filter((offered) => takes(range, offered)))
    .at(0)
  if (!type) throw new WebError(406, `thumbnails are to be had as ${PICTURE_TYPES.join(' or ')}`)
  const style = styleOf(request.query, { thumbnail: true })
  const header = await headerOf(wado.sql, object.id)
  const bytes = await render(wado, { object, header, frame, style, type })
  return cached(request, tagOf([object.sha256, type, frame, JSON.stringify(style)]), {
    status: 200,
    headers: { 'Content-Type': type },
    body: [bytes],
  })
}

async function objectsAt(wado: WadoDependencies, access: Access, place: Place): Promise<StoredObject[]> {
  const objects = await storedObjects(wado.sql, scopeOf(access), place)
  if (objects.length === 0) throw notHere()
  return objects
}

async function objectAt(wado: WadoDependencies, access: Access, place: Place): Promise<StoredObject> {
  const object = await wado.shown.at(scopeOf(access), place)
  if (!object) throw notHere()
  return sound([object])[0]!
}

export const notHere = (): WebError => new WebError(404, 'there is no such study, series or instance')

const addressOf = (request: WebRequest, object: StoredObject): string =>
  `${request.root}/studies/${object.studyUid}/series/${object.seriesUid}/instances/${object.sopInstanceUid}`

interface Answer {
  type: string
  parts: readonly Part[]
  chosen: Chosen
  tag: string
  status?: number
}

function answered(request: WebRequest, { type, parts, chosen, tag, status = 200 }: Answer): WebResponse {
  const [part] = parts
  if (!chosen.multipart)
    return cached(request, tag, {
      status,
      headers: { 'Content-Type': part!.contentType },
      body: part!.body,
    })
  const { contentType, body } = multipartRelated(type, parts, { seed: tag })
  // Other bytes than the one part alone: a client that has half of one must not go on with the other.
  return cached(request, tagOf([tag, 'parts']), {
    status,
    headers: { 'Content-Type': contentType },
    body,
  })
}

/** Of what a response is made of: the same bytes under the same tag, its boundaries too. */
function tagOf(parts: readonly (string | number)[]): string {
  return `"${createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 32)}"`
}
