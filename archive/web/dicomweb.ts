/** The DICOMweb service: which address means which transaction, and one edge where errors become statuses (PS3.18 10.3). */
import type { AnySql } from '#db/client.ts'
import type { Level } from '#db/queries/matching-keys.ts'
import { seriesAt } from '#db/queries/stored-headers.ts'
import { isStored, type Place } from '#db/queries/stored-objects.ts'
import { type Access, type Asking, scopeOf } from './access.ts'
import { allowed, capabilities, methodsOf } from './capabilities.ts'
import { bodyLength, NOT_KEPT, sliceBody, WebError, type WebRequest, type WebResponse } from './exchange.ts'
import { type MetadataDependencies, retrieveMetadata } from './metadata.ts'
import { type QidoDependencies, searchResource } from './qido-rs.ts'
import { type RemoveDependencies, removeObjects } from './remove.ts'
import { type StowDependencies, storeInstances } from './stow-rs.ts'
import {
  notHere,
  type Retrieval,
  retrieveBulkData,
  retrieveFrames,
  retrieveObjects,
  retrieveRendered,
  retrieveThumbnail,
  type WadoDependencies,
} from './wado-rs.ts'

export interface DicomwebDependencies
  extends StowDependencies,
    WadoDependencies,
    MetadataDependencies,
    QidoDependencies,
    RemoveDependencies {
  sql: AnySql
  /** Somebody asked for what they may not see or do: an audit row. */
  denied(asking: Asking): Promise<void>
  /** A program was given something of a study: an audit row, once in a while for one study. */
  given(asking: Asking): Promise<void> | undefined
  /** An error of ours behind a 500: for the log. */
  failed(error: unknown, route: string): void
}

export type Dicomweb = (request: WebRequest, access: Access) => Promise<WebResponse>

export function dicomweb(service: DicomwebDependencies): Dicomweb {
  return async (request, access) => {
    try {
      return ranged(request, await audited(service, { request, access }))
    } catch (error) {
      const route = routeOf(request.path)
      if (error instanceof WebError) return refused(request, error)
      if (isFull(error)) {
        service.failed(error, route)
        return problem(503, 'the archive has no room at the moment')
      }
      service.failed(error, route)
      return problem(500, 'the archive could not answer')
    }
  }
}

/** RFC 9110 15.5.6: whoever may not do this is told what may be done. */
function refused({ path }: WebRequest, { status, message }: WebError): WebResponse {
  const answer = problem(status, message)
  return status === 405 ? { ...answer, headers: { ...answer.headers, Allow: methodsOf(path) } } : answer
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'].includes(String((error as { code?: unknown } | null)?.code))

// Nothing is given, and no denial answered, that the audit trail could not take.
async function audited(service: DicomwebDependencies, asked: Asked): Promise<WebResponse> {
  try {
    const response = await answer(service, asked.request, asked.access)
    const writing = isGiven(asked.request, response) ? auditGiven(service, asked) : undefined
    if (writing) await writing
    return response
  } catch (error) {
    if (error instanceof WebError && error.status === 404) await auditDenial(service, asked)
    if (error instanceof WebError && error.status === 403) await auditRefusal(service, asked)
    throw error
  }
}

// What was stored or removed, and a resource's methods, are nothing that was given; nor is a search without a result.
const isGiven = ({ method }: WebRequest, { status }: WebResponse): boolean => isRead(method) && status !== 204

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

async function answer(
  service: DicomwebDependencies,
  request: WebRequest,
  access: Access,
): Promise<WebResponse> {
  const target = targetOf(request.path)
  if (request.path.length === 0) {
    if (isRead(request.method) || request.method === 'OPTIONS') return capabilities(request)
    throw new WebError(405, `${request.method} is not served here`)
  }
  if (request.method === 'OPTIONS') return allowed(request.path)
  if (target === null) throw new WebError(404, 'there is no such resource')
  if (request.method === 'DELETE') {
    if (target.kind !== 'objects') throw new WebError(405, 'studies, series and instances are removed, whole')
    return removeObjects(service, { request, access, place: target.place })
  }
  if (request.method === 'POST') return stored(service, { request, access, target })
  if (!isRead(request.method)) throw new WebError(405, `${request.method} is not served here`)
  return target.kind === 'search'
    ? searched(service, request, { access, target })
    : retrieved(service, { request, access, place: target.place }, target)
}

async function stored(
  service: DicomwebDependencies,
  { request, access, target }: { request: WebRequest; access: Access; target: Target },
): Promise<WebResponse> {
  const isStudies = target.kind === 'search' && request.path.length === 1 && target.level === 'study'
  const isStudy = target.kind === 'objects' && target.place.seriesUid === undefined
  if (!isStudies && !isStudy) throw new WebError(405, 'objects are stored to studies or to one study')
  const studyUid = isStudy ? target.place.studyUid : null
  await refuseUnseen(service.sql, access, studyUid)
  return storeInstances(service, { request, access, studyUid })
}

/** A new study may be named; one that is there and may not be seen is not there. */
async function refuseUnseen(sql: AnySql, access: Access, studyUid: string | null): Promise<void> {
  const isLimited = access.kind === 'launch' || access.sites !== null
  if (studyUid === null || !isLimited) return
  const seen = await seriesAt(sql, scopeOf(access), { studyUid })
  if (seen.length === 0 && (await isStored(sql, studyUid))) throw notHere()
}

type Target =
  | { kind: 'search'; level: Level; within: { studyUid?: string; seriesUid?: string } }
  | { kind: 'objects' | 'metadata'; place: Place }
  | { kind: 'frames'; place: Place; list: string }
  | { kind: 'bulkdata'; place: Place; path: readonly string[] }
  | { kind: 'rendered'; place: Place; list: string | null }
  | { kind: 'thumbnail'; place: Place; frame: number }

const UID = /^[0-9.]{1,64}$/

function targetOf(path: readonly string[]): Target | null {
  const { place, level, rest } = placeOf(path)
  if (level === null) return null
  const within = { studyUid: place.studyUid, seriesUid: place.seriesUid }
  // A collection's name at the end is searched; a UID at the end is retrieved.
  if (rest.length === 1 && rest[0] === COLLECTIONS[level])
    return { kind: 'search', level, within: defined(within) }
  return place.studyUid === '' ? null : retrievalOf(place, rest)
}

function retrievalOf(place: Place, rest: readonly string[]): Target | null {
  const [first, second, third] = rest
  const isInstance = place.sopInstanceUid !== undefined
  if (first === undefined) return { kind: 'objects', place }
  if (first === 'metadata' && rest.length === 1) return { kind: 'metadata', place }
  if (first === 'thumbnail' && rest.length === 1) return { kind: 'thumbnail', place, frame: 1 }
  if (first === 'rendered' && rest.length === 1) return { kind: 'rendered', place, list: null }
  if (!isInstance) return null
  if (first === 'bulkdata' && rest.length > 1) return { kind: 'bulkdata', place, path: rest.slice(1) }
  if (first !== 'frames' || second === undefined) return null
  if (rest.length === 2) return { kind: 'frames', place, list: second }
  if (rest.length !== 3) return null
  if (third === 'rendered') return { kind: 'rendered', place, list: second }
  const isFrame = third === 'thumbnail' && /^[1-9]\d{0,8}$/.test(second)
  return isFrame ? { kind: 'thumbnail', place, frame: Number(second) } : null
}

const COLLECTIONS: Record<Level, string> = { study: 'studies', series: 'series', instance: 'instances' }

interface Placed {
  place: { studyUid: string; seriesUid?: string; sopInstanceUid?: string }
  /** What a search at this point would be for. */
  level: Level | null
  rest: readonly string[]
}

function placeOf(path: readonly string[]): Placed {
  const place: Placed['place'] = { studyUid: '' }
  const [root] = path
  if (root === 'series' || root === 'instances')
    return {
      place,
      level: path.length === 1 ? (root === 'series' ? 'series' : 'instance') : null,
      rest: path,
    }
  if (root !== 'studies') return { place, level: null, rest: path }
  if (path.length === 1) return { place, level: 'study', rest: path }
  if (!UID.test(path[1]!)) return { place, level: null, rest: path }
  place.studyUid = path[1]!
  if (path[2] === 'instances')
    return { place, level: path.length === 3 ? 'instance' : null, rest: path.slice(2) }
  if (path[2] !== 'series') return { place, level: 'series', rest: path.slice(2) }
  if (path.length === 3) return { place, level: 'series', rest: path.slice(2) }
  if (!UID.test(path[3]!)) return { place, level: null, rest: path }
  place.seriesUid = path[3]!
  if (path[4] !== 'instances' || path.length === 5) return { place, level: 'instance', rest: path.slice(4) }
  if (!UID.test(path[5]!)) return { place, level: null, rest: path }
  place.sopInstanceUid = path[5]!
  return { place, level: 'instance', rest: path.slice(6) }
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ''),
  ) as Partial<T>
}

async function searched(
  service: DicomwebDependencies,
  request: WebRequest,
  { access, target }: { access: Access; target: Extract<Target, { kind: 'search' }> },
): Promise<WebResponse> {
  const { response, denied } = await searchResource(service, {
    request,
    access,
    level: target.level,
    within: target.within,
  })
  for (const studyUid of denied) await service.denied(askingOf({ request, access }, studyUid))
  return response
}

function retrieved(
  service: DicomwebDependencies,
  retrieval: Retrieval,
  target: Exclude<Target, { kind: 'search' }>,
): Promise<WebResponse> {
  switch (target.kind) {
    case 'objects':
      return retrieveObjects(service, retrieval)
    case 'metadata':
      return retrieveMetadata(service, retrieval)
    case 'frames':
      return retrieveFrames(service, retrieval, target.list)
    case 'bulkdata':
      return retrieveBulkData(service, retrieval, target.path)
    case 'rendered':
      return retrieveRendered(service, retrieval, target.list)
    case 'thumbnail':
      return retrieveThumbnail(service, retrieval, target.frame)
  }
}

/** RFC 9110 14.2: one range of the body; several are answered with the whole, as is one of another version. */
function ranged(request: WebRequest, response: WebResponse): WebResponse {
  if (response.status !== 200 || !isRead(request.method)) return response
  const length = bodyLength(response.body)
  const headers = { ...response.headers, 'Accept-Ranges': 'bytes' }
  const asked = isForAll(request, response) ? null : /^bytes=(\d*)-(\d*)$/i.exec(request.headers.range ?? '')
  if (!asked || (asked[1] === '' && asked[2] === '')) return { ...response, headers }
  const start = asked[1] === '' ? Math.max(0, length - Number(asked[2])) : Number(asked[1])
  const end = asked[1] === '' || asked[2] === '' ? length : Math.min(length, Number(asked[2]) + 1)
  if (start >= end)
    return {
      status: 416,
      headers: { 'Content-Range': `bytes */${length}`, 'Cache-Control': NOT_KEPT },
      body: [],
    }
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${start}-${end - 1}/${length}` },
    body: sliceBody(response.body, start, end),
  }
}

// Only GET has ranges, and only a strong tag says that the bytes are the same (RFC 9110 13.1.5).
function isForAll({ method, headers }: WebRequest, response: WebResponse): boolean {
  const version = headers['if-range']
  const isAnother =
    version !== undefined && (version !== response.headers.ETag || String(version).startsWith('W/'))
  return method !== 'GET' || isAnother
}

// Not found and not allowed look the same from outside; the audit trail tells them apart.
async function auditDenial(service: DicomwebDependencies, asked: Asked): Promise<void> {
  const studyUid = asked.request.path[0] === 'studies' ? asked.request.path[1] : undefined
  if (studyUid === undefined || !UID.test(studyUid)) return
  const { access } = asked
  if (access.kind === 'launch' ? access.studies.includes(studyUid) : access.sites === null) return
  if (await isStored(service.sql, studyUid)) await service.denied(askingOf(asked, studyUid))
}

// Of who may see a study and not do to it what was asked: nothing is hidden, and the trail has it all the same.
function auditRefusal(service: DicomwebDependencies, asked: Asked): Promise<void> {
  const [root, studyUid] = asked.request.path
  const isNamed = root === 'studies' && studyUid !== undefined && UID.test(studyUid)
  return service.denied(askingOf(asked, isNamed ? studyUid : null))
}

// A launch was written to the trail when it was opened, with its studies; a program says by each request what it wants.
function auditGiven(service: DicomwebDependencies, asked: Asked): Promise<void> | undefined {
  const studyUid = asked.request.path[0] === 'studies' ? asked.request.path[1] : undefined
  if (asked.access.kind !== 'program' || studyUid === undefined) return undefined
  return service.given(askingOf(asked, studyUid))
}

interface Asked {
  request: WebRequest
  access: Access
}

function askingOf({ request, access }: Asked, studyUid: string | null): Asking {
  const launchId = access.kind === 'launch' ? access.launchId : null
  return { actor: access.actor, launchId, studyUid, method: request.method, route: routeOf(request.path) }
}

/** `studies/{}/series/{}`: what may stand in a log. */
export function routeOf(path: readonly string[]): string {
  return path.map((part) => (WORDS.has(part) ? part : '{}')).join('/')
}

const WORDS: ReadonlySet<string> = new Set([
  'studies',
  'series',
  'instances',
  'metadata',
  'frames',
  'bulkdata',
  'rendered',
  'thumbnail',
])

export function problem(status: number, words: string): WebResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': NOT_KEPT },
    body: [Buffer.from(JSON.stringify({ status, message: words }))],
  }
}
