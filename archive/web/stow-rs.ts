/** STOW-RS: storing instances, each answered for by itself (PS3.18 10.5). */
import type { Actor } from '#domain/permissions.ts'
import type { AskedMark, KeptMark } from '../marks/keep-mark.ts'
import { contentType } from './accept.ts'
import type { Access } from './access.ts'
import { NOT_KEPT, WebError, type WebRequest, type WebResponse } from './exchange.ts'
import { readMultipart } from './multipart.ts'
import { type JsonModel, nativeModel } from './native-model.ts'
import { JSON_MODEL, type Model, modelForm } from './representation.ts'

/** What became of one object; `ingest` keeps or sets aside its bytes before it answers. */
export type Ingested =
  | {
      outcome: 'stored' | 'repeat' | 'conflict'
      studyUid: string
      seriesUid: string
      sopClassUid: string
      sopInstanceUid: string
    }
  /** Of no study, and to be retrieved nowhere. */
  | { outcome: 'taken'; sopClassUid: string; sopInstanceUid: string }
  | { outcome: 'refused'; failureReason: number; sopClassUid: string | null; sopInstanceUid: string | null }

export interface Incoming {
  /** A Part 10 file as it comes in; to be read to its end. */
  bytes: AsyncIterable<Uint8Array>
  /** The study that the address names: an instance of another one is refused. */
  studyUid: string | null
  /** Sites whose studies whoever stores may see, and so add to; null: all. */
  sites: readonly string[] | null
  actor: Actor
}

export interface StowDependencies {
  ingest(incoming: Incoming): Promise<Ingested>
  /** A presentation state or a selection of key images, as its metadata alone (PS3.18 10.5.1.2). */
  mark(asked: AskedMark): Promise<KeptMark>
}

/** A900H: the data set is not what it should be, here of another study than the address says (PS3.18 table I.2-2). */
export const NOT_THIS_STUDY = 0xa900

/** 0124H: not authorised, here to add to a study that may not be seen. */
export const NOT_ALLOWED = 0x0124

/** A700H: out of resources, here longer than any object that is taken. */
export const TOO_LARGE = 0xa700

/** C000H: cannot be understood, here for what comes after the place where a body breaks. */
export const CANNOT_UNDERSTAND = 0xc000

const BROKEN: Ingested = {
  outcome: 'refused',
  failureReason: CANNOT_UNDERSTAND,
  sopClassUid: null,
  sopInstanceUid: null,
}

interface Storing {
  request: WebRequest
  access: Access
  studyUid: string | null
  /** Of the answer. */
  model: Model
}

export async function storeInstances(
  { ingest, mark }: StowDependencies,
  { request, access, studyUid }: Omit<Storing, 'model'>,
): Promise<WebResponse> {
  const model = modelForm(request, { isAlone: true })
  if (access.kind === 'launch') return storeMarks(mark, { request, access, studyUid, model })
  if (!access.mayStore) throw new WebError(403, 'storing is not allowed here')
  const { sites, actor } = access
  const results: Ingested[] = []
  try {
    for await (const bytes of objectsIn(request))
      results.push(await ingest({ bytes, studyUid, sites, actor }))
  } catch (error) {
    // What was stored before the body broke is answered for all the same.
    if (!(error instanceof WebError) || error.status !== 400 || results.length === 0) throw error
    results.push(BROKEN)
  }
  if (results.length === 0) throw new WebError(400, 'there is no object in the body')
  return answer(results, { root: request.root, model })
}

const MOST_METADATA_BYTES = 1024 * 1024

/** Under a launch nobody stores images: only what a reader says of them, and of the launch's own studies. */
async function storeMarks(
  mark: StowDependencies['mark'],
  { request, access, studyUid, model }: Storing & { access: Extract<Access, { kind: 'launch' }> },
): Promise<WebResponse> {
  if (access.mayMark !== true) throw new WebError(403, 'storing is not allowed here')
  if (studyUid === null || !access.studies.includes(studyUid))
    throw new WebError(404, 'there is no such study here')
  const type = typeOf(request)
  const { type: media, parameters } = contentType(type)
  if (media !== 'multipart/related' || parameters.get('type')?.toLowerCase() !== JSON_MODEL)
    throw new WebError(415, `what is said of images is stored as ${JSON_MODEL} in multipart/related`)
  const results: Ingested[] = []
  for await (const part of readMultipart(request.body, type))
    for (const json of metadataIn(await textOf(part.bytes)))
      results.push(await mark({ json, studyUid, launchId: access.launchId, actor: access.actor }))
  if (results.length === 0) throw new WebError(400, 'there is no object in the body')
  return answer(results, { root: request.root, model })
}

/** The Content-Type of a body that is as it says. @throws WebError 415 for one that was compressed on its way */
function typeOf({ headers }: WebRequest): string {
  if (!/^(identity)?$/i.test(headers['content-encoding']?.trim() ?? ''))
    throw new WebError(415, 'the body is taken as it is, without a content coding')
  return String(headers['content-type'] ?? '')
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    length += chunk.length
    if (length > MOST_METADATA_BYTES) throw new WebError(413, 'that is too much to say of images')
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks).toString('utf8')
}

function metadataIn(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed : [parsed]
  } catch {
    throw new WebError(400, 'the metadata cannot be read')
  }
}

async function* objectsIn(request: WebRequest): AsyncGenerator<AsyncIterable<Uint8Array>> {
  const type = typeOf(request)
  const { type: media, parameters } = contentType(type)
  if (media === 'application/dicom') {
    yield request.body
    return
  }
  const isDicomParts =
    media === 'multipart/related' &&
    (parameters.get('type') ?? 'application/dicom').toLowerCase() === 'application/dicom'
  if (!isDicomParts)
    throw new WebError(415, 'objects are stored as application/dicom, one or several in multipart/related')
  for await (const part of readMultipart(request.body, type)) yield part.bytes
}

function answer(results: readonly Ingested[], { root, model }: { root: string; model: Model }): WebResponse {
  const stored = results.filter((result) => result.outcome !== 'refused')
  const refused = results.filter((result) => result.outcome === 'refused')
  const studies = [...new Set(stored.flatMap((one) => (one.outcome === 'taken' ? [] : [one.studyUid])))]
  const body: JsonModel = {
    ...(refused.length > 0 && { '00081198': { vr: 'SQ', Value: refused.map(failed) } }),
    ...(studies.length === 1 && { '00081190': { vr: 'UR', Value: [`${root}/studies/${studies[0]}`] } }),
    ...(stored.length > 0 && {
      '00081199': { vr: 'SQ', Value: stored.map((result) => referenced(result, root)) },
    }),
  }
  const status = refused.length === 0 ? 200 : stored.length > 0 ? 202 : isOnlyTooLarge(refused) ? 413 : 409
  return {
    status,
    headers: { 'Content-Type': model, 'Cache-Control': NOT_KEPT },
    body: [Buffer.from(model === JSON_MODEL ? JSON.stringify(inTagOrder(body)) : nativeModel(body))],
  }
}

const isOnlyTooLarge = (refused: readonly Ingested[]): boolean =>
  refused.every((one) => one.outcome === 'refused' && one.failureReason === TOO_LARGE)

const inTagOrder = (body: object): object =>
  Object.fromEntries(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)))

function failed(result: Extract<Ingested, { outcome: 'refused' }>): object {
  return {
    ...(result.sopClassUid !== null && { '00081150': { vr: 'UI', Value: [result.sopClassUid] } }),
    ...(result.sopInstanceUid !== null && { '00081155': { vr: 'UI', Value: [result.sopInstanceUid] } }),
    '00081197': { vr: 'US', Value: [result.failureReason] },
  }
}

function referenced(result: Exclude<Ingested, { outcome: 'refused' }>, root: string): object {
  const which = {
    '00081150': { vr: 'UI', Value: [result.sopClassUid] },
    '00081155': { vr: 'UI', Value: [result.sopInstanceUid] },
  }
  if (result.outcome === 'taken') return which
  const at = `${root}/studies/${result.studyUid}/series/${result.seriesUid}/instances/${result.sopInstanceUid}`
  return { ...which, '00081190': { vr: 'UR', Value: [at] } }
}
