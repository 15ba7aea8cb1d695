/** QIDO-RS: searching for studies, series and instances (PS3.18 10.6). */
import { createHash } from 'node:crypto'
import type { AnySql } from '#db/client.ts'
import {
  type Found,
  milestones,
  placeAfter,
  type Search,
  type SearchPlace,
  search,
} from '#db/queries/dicomweb.ts'
import { isMatched, kindOf, type Level, type Match } from '#db/queries/matching-keys.ts'
import { seriesAt } from '#db/queries/stored-headers.ts'
import { isStored } from '#db/queries/stored-objects.ts'
import { hexOf, isKeyword, isPrivate, tagOf } from '../dimse/dictionary.ts'
import { coercionsFor } from '../storage/outgoing.ts'
import { type Access, scopeOf } from './access.ts'
import { json, NOT_KEPT, WebError, type WebRequest, type WebResponse } from './exchange.ts'
import type { Recent } from './recent.ts'
import { inXml, JSON_MODEL, type Model, modelForm } from './representation.ts'
import { notHere } from './wado-rs.ts'

export interface QidoDependencies {
  sql: AnySql
  /** Where pages ended that were given out: the next one begins there, without counting off those before it. */
  pages: Recent<PageEnd>
}

export interface PageEnd {
  place: SearchPlace
  /** When it was given out, in milliseconds. */
  at: number
}

export interface Searching {
  request: WebRequest
  access: Access
  level: Level
  /** What the address itself names. */
  within: { studyUid?: string; seriesUid?: string }
}

const MOST_RESULTS = 1000
const STUDY_UID = '0020000D'
const SERIES_UID = '0020000E'
const CONTROLS = new Set([
  'limit',
  'offset',
  'fuzzymatching',
  'includefield',
  'accept',
  'charset',
  'emptyvaluematching',
  'multiplevaluematching',
])

/** Studies asked for by UID that the requestor may not see; the caller writes them to the audit trail. */
export interface SearchResult {
  response: WebResponse
  denied: string[]
}

export async function searchResource(
  { sql, pages }: QidoDependencies,
  asked: Searching,
): Promise<SearchResult> {
  const { request, access, level, within } = asked
  const model = modelForm(request, { isAlone: false })
  const matching = {
    manyValues: flag(request.query, 'multiplevaluematching'),
    emptyValues: flag(request.query, 'emptyvaluematching'),
  }
  const matches = [...matchesOf(request.query, matching), ...named(within)]
  const limit = Math.min(count(request.query, 'limit') ?? MOST_RESULTS, MOST_RESULTS)
  const offset = count(request.query, 'offset') ?? 0
  const fields = fieldsOf(request.query)
  const sought = {
    level,
    scope: scopeOf(access),
    matches: access.kind === 'launch' ? withoutPatient(matches) : matches,
    fuzzy: flag(request.query, 'fuzzymatching'),
    isCombined: true,
    ...matching,
  }
  const key = createHash('sha256').update(JSON.stringify(sought)).digest('base64url')
  const start = await startOf({ sql, pages }, { key, sought, offset })
  // One more than asked for, to know whether to say that there is more.
  const wanted = fields === 'all' ? fields : [...fields]
  const found = await search(sql, { ...sought, limit: limit + 1, ...start, fields: wanted })
  const answered = wanted.length > 0 ? await asTheyGoOut(sql, found.slice(0, limit)) : found.slice(0, limit)
  await refuseUnseen(sql, asked, answered)
  const end = placeAfter(answered, start.after)
  if (end) pages.set(`${key} ${offset + answered.length}`, { place: end, at: Date.now() })
  const results = answered.map((hit) => resultOf(hit, { level, within, fields, root: request.root }))
  const more = found.length > limit
  const headers: Record<string, string> = {
    Vary: 'Accept',
    'Cache-Control': NOT_KEPT,
    ...warnings({ level, matches, more, limit }),
    ...(more && limit > 0 && { Link: `<${nextPage(request, offset + limit)}>; rel="next"` }),
  }
  return { response: answerOf(results, { model, headers }), denied: await deniedStudies(sql, asked, matches) }
}

/** What was asked for of headers beside the keys of a level: the rows say it corrected, a header as it came. */
async function asTheyGoOut(sql: AnySql, found: readonly Found[]): Promise<Found[]> {
  const objects = found.flatMap(({ study, instance }) =>
    instance ? [{ sopInstanceUid: instance.sopInstanceUid, studyUid: study.studyUid }] : [],
  )
  const coercions = await coercionsFor(sql, objects)
  return found.map((hit) => {
    const { study, series, instance, fields } = hit
    if (instance)
      return { ...hit, fields: { ...fields, ...coercions.get(instance.sopInstanceUid)?.attributes } }
    const rows = { ...study.attributes, ...series?.attributes }
    const said = Object.entries(fields).map(([tag, element]) => [tag, rows[tag] ?? element] as const)
    return { ...hit, fields: Object.fromEntries(said) }
  })
}

function answerOf(
  results: readonly Json[],
  { model, headers }: { model: Model; headers: Record<string, string> },
): WebResponse {
  if (results.length === 0) return { status: 204, headers, body: [] }
  if (model === JSON_MODEL) return json(results, headers)
  const { contentType, body } = inXml(results)
  return { status: 200, headers: { 'Content-Type': contentType, ...headers }, body }
}

function nextPage({ root, path, query }: WebRequest, offset: number): string {
  const next = new URLSearchParams(query)
  next.set('offset', String(offset))
  return `${root}/${path.join('/')}?${next}`
}

/** A page is asked for soon after the one before it; later, studies may have come that move all of them. */
const PAGE_END_MS = 10 * 60_000

/** So many studies are counted off without a thought. */
const MILESTONE = 5_000

interface Start {
  after: SearchPlace | null
  /** From there. */
  offset: number
}

/** Where a page begins: where the one before it ended, or else near a milestone of the search. */
async function startOf(
  { sql, pages }: QidoDependencies,
  { key, sought, offset }: { key: string; sought: Omit<Search, 'limit' | 'offset'>; offset: number },
): Promise<Start> {
  const end = offset === 0 ? null : pageEnd(pages, `${key} ${offset}`)
  if (end) return { after: end, offset: 0 }
  if (sought.level !== 'study' || offset <= MILESTONE) return { after: null, offset }
  const near = offset - (offset % MILESTONE)
  const known = nearestKnown(pages, key, near)
  const upTo = near - known.number
  const places =
    upTo === 0 ? [] : await milestones(sql, { ...sought, after: known.place }, { every: MILESTONE, upTo })
  for (const [n, place] of places.entries())
    pages.set(`${key} ${known.number + (n + 1) * MILESTONE}`, { place, at: Date.now() })
  const reached = known.number + places.length * MILESTONE
  return { after: places.at(-1) ?? known.place, offset: offset - reached }
}

/** The last milestone up to a number that was counted off lately: those behind it are counted from there. */
function nearestKnown(
  pages: QidoDependencies['pages'],
  key: string,
  near: number,
): { number: number; place: SearchPlace | null } {
  for (let number = near; number > 0; number -= MILESTONE) {
    const place = pageEnd(pages, `${key} ${number}`)
    if (place) return { number, place }
  }
  return { number: 0, place: null }
}

function pageEnd(pages: Recent<PageEnd>, key: string): SearchPlace | null {
  const end = pages.get(key)
  return end && Date.now() - end.at < PAGE_END_MS ? end.place : null
}

/** A study or series that the address names and the requestor may not see is not there. */
async function refuseUnseen(
  sql: AnySql,
  { access, within, level }: Searching,
  answered: readonly Found[],
): Promise<void> {
  if (within.studyUid === undefined || answered.length > 0) return
  const place = { studyUid: within.studyUid, ...(level === 'instance' && within) }
  if ((await seriesAt(sql, scopeOf(access), place)).length === 0) throw notHere()
}

/**
 * Under a launch a patient is never matched on: the launch's own studies are its priors, chosen by the department,
 * whatever Patient ID the viewer read from an image.
 */
function withoutPatient(matches: readonly Match[]): Match[] {
  return matches.filter((match) => !match.tag.startsWith('0010'))
}

interface Matching {
  manyValues: boolean
  emptyValues: boolean
}

function matchesOf(query: URLSearchParams, matching: Matching): Match[] {
  return [...query].flatMap(([name, value]) => {
    if (CONTROLS.has(name.toLowerCase())) return []
    const tag = tagAt(name, 'a key of the query is no DICOM attribute')
    if (!isSense(tag, value, matching))
      throw new WebError(400, `the value of ${tag} is none that it can have`)
    return [{ tag, value }]
  })
}

/** A keyword or a tag, those of the sequences around it before it (PS3.18 8.3.4.1), as tags. @throws WebError 400 */
function tagAt(path: string, words: string): string {
  const names = path.split('.')
  if (names.some((name) => !isKeyword(name) && !/^[0-9A-Fa-f]{8}$/.test(name))) throw new WebError(400, words)
  return names.map((name) => hexOf(tagOf(name))).join('.')
}

const SENSE: Partial<Record<ReturnType<typeof kindOf> & string, RegExp>> = {
  date: /^(\d{8}|\d{8}-(\d{8})?|-\d{8})$/,
  time: /^([\d:.]{2,16}|[\d:.]{2,16}-([\d:.]{2,16})?|-[\d:.]{2,16})$/,
  uid: /^[0-9.]{1,64}([\\,][0-9.]{1,64})*$/,
  number: /^[+-]?\d{1,12}$/,
}

/** Whether a value can be matched at all; nonsense is refused rather than answered with nothing (PS3.18 8.3.4). */
function isSense(tag: string, value: string, { manyValues, emptyValues }: Matching): boolean {
  if (value.includes('\0')) return false
  const sense = SENSE[kindOf(tag) ?? 'text']
  if (!sense || (emptyValues && value === '""')) return true
  const values = manyValues ? value.split('\\') : [value]
  return values.every((one) => /^\**$/.test(one.trim()) || sense.test(one.trim()))
}

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name)
  if (text !== null && !/^(true|false)$/i.test(text)) throw new WebError(400, `${name} is true or false`)
  return text?.toLowerCase() === 'true'
}

function named({ studyUid, seriesUid }: Searching['within']): Match[] {
  return [
    ...(studyUid === undefined ? [] : [{ tag: STUDY_UID, value: studyUid }]),
    ...(seriesUid === undefined ? [] : [{ tag: SERIES_UID, value: seriesUid }]),
  ]
}

function count(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  if (text === null) return null
  if (!/^\d{1,9}$/.test(text)) throw new WebError(400, `${name} is a whole number`)
  return Number(text)
}

function warnings({
  level,
  matches,
  more,
  limit,
}: {
  level: Level
  matches: readonly Match[]
  more: boolean
  limit: number
}): Record<string, string> {
  const words: string[] = []
  const ignored = matches
    .filter((match) => match.value !== '' && !isMatched(level, match.tag))
    .map((match) => match.tag)
  if (ignored.length > 0) words.push(`299 isocenter "These keys were not matched on: ${ignored.join(' ')}"`)
  if (more && limit === MOST_RESULTS)
    words.push(`299 isocenter "There are more than ${limit} results; ask for them with offset"`)
  return words.length === 0 ? {} : { Warning: words.join(', ') }
}

async function deniedStudies(
  sql: AnySql,
  { access, within, request }: Searching,
  matches: readonly Match[],
): Promise<string[]> {
  if (access.kind === 'program' && access.sites === null) return []
  const asked = matches
    .filter((match) => match.tag === STUDY_UID)
    .flatMap((match) => match.value.split(/[\\,]/))
  if (within.studyUid === undefined && !request.query.has('StudyInstanceUID') && asked.length === 0) return []
  const denied: string[] = []
  for (const uid of new Set(asked)) {
    const isSeen =
      access.kind === 'launch'
        ? access.studies.includes(uid)
        : (await seriesAt(sql, scopeOf(access), { studyUid: uid })).length > 0
    if (!isSeen && (await isStored(sql, uid))) denied.push(uid)
  }
  return denied
}

type Json = Record<string, { vr: string; Value?: unknown[]; BulkDataURI?: string; InlineBinary?: string }>

function fieldsOf(query: URLSearchParams): 'all' | Set<string> {
  const listed = query
    .getAll('includefield')
    .flatMap((value) => value.split(','))
    .map((field) => field.trim())
    .filter((field) => field !== '')
  if (listed.some((field) => field.toLowerCase() === 'all')) return 'all'
  // A path into a sequence asks for the sequence.
  const tags = listed.map((field) => tagAt(field, 'includefield names no DICOM attribute').split('.')[0]!)
  return new Set([...tags, ...tags.filter((tag) => isPrivate(tagOf(tag))).map(creatorOf)])
}

/** Who reserved the block of a private element, without whom it says nothing (PS3.18 10.6.3.3). */
const creatorOf = (tag: string): string => `${tag.slice(0, 4)}00${tag.slice(4, 6)}`

interface Shaping {
  level: Level
  within: Searching['within']
  fields: 'all' | Set<string>
  root: string
}

/** The level asked for, and the levels above it that the address does not already name (PS3.18 10.6.3.3). */
function resultOf(
  { study, series, instance, fields: asked }: Found,
  { level, within, fields, root }: Shaping,
): Json {
  const at = `${root}/studies/${study.studyUid}`
  const all: Json = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080056': value('CS', study.availability),
    ...known(study.attributes, ['00080201']),
    [STUDY_UID]: value('UI', study.studyUid),
  }
  const isStudyWanted = level === 'study' || within.studyUid === undefined
  if (isStudyWanted) Object.assign(all, studyResult(study))
  const extra: Json = isStudyWanted ? { ...study.attributes } : {}
  all['00081190'] = value('UR', at)
  if (series) {
    all['00081190'] = value('UR', `${at}/series/${series.seriesUid}`)
    all[SERIES_UID] = value('UI', series.seriesUid)
    all['00080060'] = value('CS', series.modality)
    if (level === 'series' || within.seriesUid === undefined) {
      Object.assign(all, seriesResult(series))
      Object.assign(extra, series.attributes)
    }
  }
  if (instance) {
    all['00081190'] = value('UR', `${at}/series/${series!.seriesUid}/instances/${instance.sopInstanceUid}`)
    Object.assign(all, instanceResult(instance))
    Object.assign(extra, instance.attributes)
  }
  for (const [tag, element] of Object.entries({ ...asked, ...extra })) {
    if (all[tag] === undefined && (fields === 'all' || fields.has(tag))) all[tag] = element
  }
  return inTagOrder(all)
}

function studyResult(study: Found['study']): Json {
  const { attributes } = study
  return {
    '00080020': value('DA', study.studyDate),
    '00080030': value('TM', study.studyTime),
    '00080050': value('SH', study.accession),
    '00080061': { vr: 'CS', ...(study.modalities.length > 0 && { Value: study.modalities }) },
    '00080090': attributes['00080090'] ?? name(study.referringPhysician),
    '00081030': attributes['00081030'] ?? value('LO', study.description),
    '00100010': attributes['00100010'] ?? name(study.patientName),
    '00100020': value('LO', study.patientId),
    '00100021': value('LO', study.issuer),
    '00100030': attributes['00100030'] ?? { vr: 'DA' },
    '00100040': attributes['00100040'] ?? { vr: 'CS' },
    '00200010': value('SH', study.studyId),
    '00201206': value('IS', study.seriesCount),
    '00201208': value('IS', study.instanceCount),
  }
}

function seriesResult(series: NonNullable<Found['series']>): Json {
  return {
    '00080021': value('DA', series.seriesDate),
    '00080031': value('TM', series.seriesTime),
    '0008103E': series.attributes['0008103E'] ?? value('LO', series.description),
    '00180015': value('CS', series.bodyPart),
    '00200011': series.seriesNumber === null ? { vr: 'IS' } : value('IS', series.seriesNumber),
    '00201209': value('IS', series.instanceCount),
    ...known(series.attributes, ['00400244', '00400245', '00400275']),
  }
}

/** PS3.18 tables 10.6.3-3 to -5 want these of what has them. */
const known = (attributes: Json, tags: readonly string[]): Json =>
  Object.fromEntries(tags.flatMap((tag) => (attributes[tag] ? [[tag, attributes[tag]] as const] : [])))

function instanceResult(instance: NonNullable<Found['instance']>): Json {
  return {
    '00080016': value('UI', instance.sopClassUid),
    '00080018': value('UI', instance.sopInstanceUid),
    '00083002': value('UI', instance.transferSyntaxUid),
    '00200013': instance.instanceNumber === null ? { vr: 'IS' } : value('IS', instance.instanceNumber),
    ...(instance.rows !== null && { '00280010': value('US', instance.rows) }),
    ...(instance.columns !== null && { '00280011': value('US', instance.columns) }),
    ...(instance.attributes['00280100'] && { '00280100': instance.attributes['00280100'] }),
    ...(instance.frames > 1 && { '00280008': value('IS', instance.frames) }),
  }
}

function value(vr: string, content: string | number): Json[string] {
  return content === '' ? { vr } : { vr, Value: [content] }
}

function name(text: string): Json[string] {
  return text === '' ? { vr: 'PN' } : { vr: 'PN', Value: [{ Alphabetic: text }] }
}

function inTagOrder(all: Json): Json {
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)))
}
