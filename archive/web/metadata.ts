/** Metadata of studies, series and instances (PS3.18 10.4.1.1.2): made once per series, kept compressed. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip, zstdCompress } from 'node:zlib'
import type { AnySql } from '#db/client.ts'
import { noteMetadata } from '#db/mutations/prerendered.ts'
import { type Correction, correctionsOf, saidOf } from '#db/queries/corrections.ts'
import { type HeaderText, headersOf, type SeriesPlace, seriesAt } from '#db/queries/stored-headers.ts'
import { coercedText, coercionOf } from '../storage/coercion.ts'
import type { DerivedStore } from '../storage/derived-store.ts'
import { tagOfCorrected } from '../storage/outgoing.ts'
import { type ContentCoding, codingOf } from './accept.ts'
import { scopeOf } from './access.ts'
import { cached } from './cached.ts'
import type { WebRequest, WebResponse } from './exchange.ts'
import type { Recent } from './recent.ts'
import { inXml, modelForm, XML_MODEL } from './representation.ts'
import { NATIVE_SYNTAXES } from './transfer-syntax.ts'
import { notHere, type Retrieval } from './wado-rs.ts'

const zip = promisify(gzip)
const unzip = promisify(gunzip)
const zstd = promisify(zstdCompress)

/** Changes whenever what is written into the metadata does: kept ones of before are then made again. */
const FORM = 3

export interface MetadataDependencies {
  sql: AnySql
  derived: DerivedStore
  /** Bodies as they were sent a short while ago, to those who asked for absolute addresses or another coding. */
  bodies: Recent<Buffer>
}

/** Of a study, a series or one instance. */
export async function retrieveMetadata(
  metadata: MetadataDependencies,
  { request, access, place }: Retrieval,
): Promise<WebResponse> {
  const model = modelForm(request, { isAlone: false })
  const found = await seriesAt(metadata.sql, scopeOf(access), place)
  if (found.length === 0) throw notHere()
  const base = `${request.root}/studies/${place.studyUid}`
  const correction = await correctionAt(metadata.sql, place.studyUid)
  const tag = tagOf(found, correction, `${place.sopInstanceUid ?? ''}${model === XML_MODEL ? ' xml' : ''}`)
  if (place.sopInstanceUid !== undefined) {
    const text = await instanceText(metadata, found[0]!, { sopInstanceUid: place.sopInstanceUid, correction })
    if (text === null) throw notHere()
    const at = `${base}/series/${place.seriesUid}/instances/${place.sopInstanceUid}/`
    const body = Buffer.from(`[${relocate(text, at)}]`)
    return model === XML_MODEL ? sentAsXml(request, tag, body) : sent(request, tag, { coding: null, body })
  }
  if (model === XML_MODEL)
    return sentAsXml(request, tag, await locatedBody(metadata, { found, correction, base, coding: null }))
  const coding = codingOf(request)
  // The viewer's way: one series, relative BulkDataURIs, compressed as kept. No byte is touched.
  if (access.kind === 'launch' && place.seriesUid !== undefined && coding !== null)
    return sent(request, tag, {
      coding,
      body: await keptMetadata(metadata, { ...found[0]!, correction }, coding),
    })
  const isRelative = access.kind === 'launch' && place.seriesUid !== undefined
  const body = await locatedBody(metadata, { found, correction, base: isRelative ? null : base, coding })
  return sent(request, tag, { coding, body })
}

function sent(
  request: WebRequest,
  tag: string,
  { coding, body }: { coding: ContentCoding | null; body: Buffer },
): WebResponse {
  const headers = {
    'Content-Type': 'application/dicom+json',
    Vary: 'Accept, Accept-Encoding',
    ...(coding !== null && { 'Content-Encoding': coding }),
  }
  return cached(request, tag, { status: 200, headers, body: [body] })
}

function sentAsXml(request: WebRequest, tag: string, json: Buffer): WebResponse {
  const { contentType, body } = inXml(JSON.parse(json.toString('utf8')), { seed: tag })
  return cached(request, tag, { status: 200, headers: { 'Content-Type': contentType }, body })
}

// Weak: the same metadata in another coding has the same tag.
function tagOf(found: readonly SeriesPlace[], correction: Correction | undefined, of: string): string {
  const parts = found.map((series) => `${series.id}.${series.rev}`)
  const hash = createHash('sha256').update(`${FORM} ${parts.join(' ')} ${of}${tagOfCorrected(correction)}`)
  return `W/"${hash.digest('base64url').slice(0, 27)}"`
}

async function instanceText(
  { sql }: MetadataDependencies,
  series: SeriesPlace,
  { sopInstanceUid, correction }: { sopInstanceUid: string; correction: Correction | undefined },
): Promise<string | null> {
  const headers = await headersOf(sql, { seriesId: series.id, sopInstanceUid, native: NATIVE_SYNTAXES })
  const [header] = await correctedHeaders(sql, headers, correction)
  return header?.text ?? null
}

interface Located {
  found: readonly SeriesPlace[]
  correction: Correction | undefined
  /** Address of the study that BulkDataURIs begin with; null leaves them relative to the series. */
  base: string | null
  coding: ContentCoding | null
}

async function locatedBody(metadata: MetadataDependencies, asked: Located): Promise<Buffer> {
  const { found, correction, base, coding } = asked
  const series = found.map(({ id, rev }) => `${id}.${rev}`).join(' ')
  const key = createHash('sha256')
    .update(`${coding} ${base} ${series}${tagOfCorrected(correction)}`)
    .digest('base64url')
  const known = metadata.bodies.get(key)
  if (known) return known
  const texts: string[] = []
  for (const one of found) {
    const prefix = base === null ? '' : `${base}/series/${one.seriesUid}/`
    texts.push(await unpack(await keptMetadata(metadata, { ...one, correction }, 'gzip'), prefix))
  }
  const text = `[${texts.filter((part) => part !== '').join(',')}]`
  const body = await coded(text, coding)
  metadata.bodies.set(key, body)
  return body
}

function coded(text: string, coding: ContentCoding | null): Promise<Buffer> | Buffer {
  if (coding === 'gzip') return zip(text, { level: 6 })
  return coding === 'zstd' ? zstd(text) : Buffer.from(text)
}

const EXTENSIONS: Record<ContentCoding, string> = { gzip: 'gz', zstd: 'zst' }

/**
 * A series' metadata, compressed, its BulkDataURIs relative to the series.
 * Keyed by the series' revision and by what its order corrects, so that a rejection, a further image or another
 * patient's name makes it anew.
 */
export async function keptMetadata(
  metadata: MetadataDependencies,
  series: KeptSeries,
  coding: ContentCoding,
): Promise<Buffer> {
  const { sql, derived } = metadata
  const kept = await derived.get(keyOf(series, coding))
  if (kept) return kept
  const text =
    coding === 'gzip'
      ? await seriesText(sql, series)
      : (await unzip(await keptMetadata(metadata, series, 'gzip'))).toString('utf8')
  const made = await coded(text, coding)
  await derived.put(keyOf(series, coding), made)
  if (coding === 'gzip') {
    await noteMetadata(sql, series)
    await derived.removeOthers(`${folderOf(series.id)}/`, {
      beginning: `${series.id}.`,
      keep: [keyOf(series, 'gzip'), keyOf(series, 'zstd')],
    })
  }
  return made
}

export interface KeptSeries {
  id: string
  rev: number
  correction: Correction | undefined
}

async function seriesText(sql: AnySql, { id: seriesId, correction }: KeptSeries): Promise<string> {
  const stored = await headersOf(sql, { seriesId, native: NATIVE_SYNTAXES })
  const headers = await correctedHeaders(sql, stored, correction)
  const texts = headers.map(({ text, sopInstanceUid }) => relocate(text, `instances/${sopInstanceUid}/`))
  return `[${texts.join(',')}]`
}

const folderOf = (id: string): string => `metadata/${id.slice(-2)}`

function keyOf({ id, rev, correction }: KeptSeries, coding: ContentCoding): string {
  const corrected = correction
    ? `.${createHash('sha256').update(tagOfCorrected(correction)).digest('hex').slice(0, 16)}`
    : ''
  return `${folderOf(id)}/${id}.${rev}${corrected}.${FORM}.json.${EXTENSIONS[coding]}`
}

/** What the study's order says that its images may say otherwise. */
export async function correctionAt(sql: AnySql, studyUid: string): Promise<Correction | undefined> {
  return (await correctionsOf(sql, [studyUid])).get(studyUid)
}

/** The headers as they go out; without a correction they are handed on unread. */
async function correctedHeaders(
  sql: AnySql,
  headers: readonly HeaderText[],
  correction: Correction | undefined,
): Promise<readonly HeaderText[]> {
  if (!correction) return headers
  const said = await saidOf(
    sql,
    headers.map(({ sopInstanceUid }) => sopInstanceUid),
  )
  const coercions = new Map(said.map((one) => [one.sopInstanceUid, coercionOf(one, correction)]))
  return headers.map((header) => {
    const coercion = coercions.get(header.sopInstanceUid)
    return coercion ? { ...header, text: coercedText(JSON.parse(header.text), coercion) } : header
  })
}

/** Unpacks what is kept and puts a prefix before its BulkDataURIs; the brackets are left off. */
async function unpack(packed: Buffer, prefix: string): Promise<string> {
  const text = (await unzip(packed)).toString('utf8')
  return prefix === '' ? text.slice(1, -1) : relocate(text.slice(1, -1), prefix)
}

// A quote inside a value is escaped, so this spelling can only be a BulkDataURI.
function relocate(text: string, prefix: string): string {
  return text.replaceAll(/"BulkDataURI": ?"(?=bulkdata\/|instances\/)/g, `$&${prefix}`)
}
