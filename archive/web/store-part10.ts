/** Objects that come as Part 10 files over the web, taken in by the archive's own ingest. */
import type { AnySql } from '#db/client.ts'
import type { Actor } from '#domain/permissions.ts'
import { KEY_OBJECT_SELECTION, rejectionNoteIn } from '#domain/rejection-note.ts'
import { bufferSource } from '../dimse/byte-source.ts'
import type { Dataset } from '../dimse/dataset.ts'
import { decodeDataset } from '../dimse/decode.ts'
import { isDicomError } from '../dimse/dicom-error.ts'
import { readPart10 } from '../dimse/part10.ts'
import { HANGING_PROTOCOL_STORAGE } from '../dimse/sop-class.ts'
import { examine } from '../ingest/examine.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { WebError } from './exchange.ts'
import {
  CANNOT_UNDERSTAND,
  type Incoming,
  type Ingested,
  NOT_ALLOWED,
  NOT_THIS_STUDY,
  TOO_LARGE,
} from './stow-rs.ts'

/** File Meta and, in any object of the real world, the identifying groups before the first large value. */
const BEGINNING_BYTES = 256 * 1024
const AFTER_STUDY_UID = 0x0020000e
/** Tens of thousands of references. */
const LONGEST_NOTE = 16 * 1024 * 1024

/** Under which the index files what came over the web. */
const SOURCE_AE = 'STOW-RS'

export interface Storing {
  sql: AnySql
  ingest: Ingest
  /** The longest object that is taken. */
  largestBytes: number
  /** Somebody wanted to add to a study that they may not see: an audit row. */
  denied(actor: Actor, studyUid: string): Promise<void>
}

/** Stored, synced and indexed when it resolves to something else than a refusal. */
export async function storePart10(
  { sql, ingest, largestBytes, denied }: Storing,
  { bytes, studyUid, sites, actor }: Incoming,
): Promise<Ingested> {
  const { beginning, rest: whole } = await split(bytes)
  const rest = limited(whole, largestBytes - beginning.length)
  const announced = announcedBy(beginning)
  if (!announced) {
    if (!(await keepUnreadable(ingest, beginning, rest))) return tooLarge(whole, null)
    return { outcome: 'refused', failureReason: CANNOT_UNDERSTAND, sopClassUid: null, sopInstanceUid: null }
  }
  const { sopClassUid, sopInstanceUid, transferSyntaxUid, datasetOffset } = announced
  if (studyUid !== null && announced.studyUid !== studyUid) {
    await skip(rest)
    return { outcome: 'refused', failureReason: NOT_THIS_STUDY, sopClassUid, sopInstanceUid }
  }
  const unseen = await unseenOf(sql, announced, sites)
  if (unseen.length > 0) {
    for (const uid of unseen) await denied(actor, uid)
    await skip(rest)
    return { outcome: 'refused', failureReason: NOT_ALLOWED, sopClassUid, sopInstanceUid }
  }
  const coming = await ingest.begin({
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid,
    sourceAe: SOURCE_AE,
    peer: 'web',
    sender: actor,
  })
  // Who sees everything may withdraw everything, by a note as by DELETE.
  const note = sites !== null && sopClassUid === KEY_OBJECT_SELECTION ? [beginning] : null
  try {
    await coming.write(beginning.subarray(datasetOffset))
    for await (const chunk of note ? limited(rest, LONGEST_NOTE) : rest) {
      note?.push(Buffer.from(chunk))
      await coming.write(chunk)
    }
  } catch (error) {
    await coming.abort()
    if (error instanceof TooLarge) return tooLarge(whole, announced)
    throw error
  }
  const hidden = note ? await withdrawnUnseen(sql, Buffer.concat(note), sites!) : []
  if (hidden.length > 0) {
    await coming.abort()
    for (const uid of hidden) await denied(actor, uid)
    return { outcome: 'refused', failureReason: NOT_ALLOWED, sopClassUid, sopInstanceUid }
  }
  const fault = await coming.finish()
  if (fault) return { outcome: 'refused', failureReason: fault.status, sopClassUid, sopInstanceUid }
  if (sopClassUid === HANGING_PROTOCOL_STORAGE) return { outcome: 'taken', sopClassUid, sopInstanceUid }
  return filed(sql, sopInstanceUid)
}

/**
 * Studies that an object would add to, or be another content in, and that its sender may not see. A new study is
 * anybody's who may store.
 */
async function unseenOf(
  sql: AnySql,
  { studyUid = '', sopInstanceUid }: Announced,
  sites: readonly string[] | null,
): Promise<string[]> {
  if (sites === null) return []
  const rows = await sql<{ uid: string }[]>`
    select study_uid as uid from studies where site_id <> all(${sites as string[]}) and (study_uid = ${studyUid}
      or id in (select study_id from instances where sop_instance_uid = ${sopInstanceUid}))`
  return rows.map(({ uid }) => uid)
}

/** Studies that a rejection note names images of and that its sender may not see. */
async function withdrawnUnseen(sql: AnySql, note: Buffer, sites: readonly string[]): Promise<string[]> {
  const result = examine(bufferSource(note), null)
  const instances = ('examined' in result && rejectionNoteIn(result.examined)?.instances) || []
  const rows = await sql<{ uid: string }[]>`
    select distinct s.study_uid as uid from instances i join studies s on s.id = i.study_id
    where i.sop_instance_uid = any(${instances as string[]}) and s.site_id <> all(${sites as string[]})`
  return rows.map(({ uid }) => uid)
}

async function split(bytes: AsyncIterable<Uint8Array>) {
  const source = bytes[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  for (let length = 0; length < BEGINNING_BYTES; ) {
    const next = await source.next()
    if (next.done) break
    chunks.push(next.value)
    length += next.value.length
  }
  return { beginning: Buffer.concat(chunks), rest: { [Symbol.asyncIterator]: () => source } }
}

class TooLarge extends Error {}

/** The bytes as far as they may go. @throws TooLarge instead of the first ones beyond */
function limited(bytes: AsyncIterable<Uint8Array>, most: number): AsyncIterable<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]()
  let left = most
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const result = left < 0 ? null : await source.next()
    if (result && !result.done) left -= result.value.length
    if (result === null || left < 0) throw new TooLarge()
    return result
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
}

async function tooLarge(
  rest: AsyncIterable<Uint8Array>,
  announced: { sopClassUid: string; sopInstanceUid: string } | null,
): Promise<Ingested> {
  await skip(rest)
  const { sopClassUid = null, sopInstanceUid = null } = announced ?? {}
  return { outcome: 'refused', failureReason: TOO_LARGE, sopClassUid, sopInstanceUid }
}

// Never dropped without a word: the bytes are kept aside and somebody is asked to look. False when there are too many.
async function keepUnreadable(
  ingest: Ingest,
  beginning: Buffer,
  rest: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  if (beginning.length === 0) return true
  const coming = await ingest.beginUnreadable({ sourceAe: SOURCE_AE, peer: 'web' })
  try {
    await coming.write(beginning)
    for await (const chunk of rest) await coming.write(chunk)
  } catch (error) {
    await coming.abort()
    if (error instanceof TooLarge) return false
    throw error
  }
  await coming.finish()
  return true
}

async function skip(rest: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of rest) {
    // The other objects of the body come after it.
  }
}

interface Announced {
  sopClassUid: string
  sopInstanceUid: string
  studyUid: string | undefined
  transferSyntaxUid: string
  datasetOffset: number
}

/** What the object says it is; its data set is believed before the File Meta, which careless tools copy. */
function announcedBy(beginning: Buffer): Announced | null {
  try {
    const { meta, transferSyntaxUid, datasetOffset } = readPart10(beginning)
    const head = headOf(beginning, { transferSyntaxUid, datasetOffset })
    const sopClassUid = head?.text('SOPClassUID') ?? meta.text('MediaStorageSOPClassUID')
    const sopInstanceUid = head?.text('SOPInstanceUID') ?? meta.text('MediaStorageSOPInstanceUID')
    if (!sopClassUid || !sopInstanceUid) return null
    return {
      sopClassUid,
      sopInstanceUid,
      studyUid: head?.text('StudyInstanceUID'),
      transferSyntaxUid,
      datasetOffset,
    }
  } catch (error) {
    if (isDicomError(error)) return null
    throw error
  }
}

// Cut off behind its beginning on purpose: what is asked for stands in front of every large value.
function headOf(beginning: Buffer, at: { transferSyntaxUid: string; datasetOffset: number }): Dataset | null {
  try {
    return decodeDataset(beginning, at.transferSyntaxUid, {
      offset: at.datasetOffset,
      before: AFTER_STUDY_UID,
    })
  } catch (error) {
    if (isDicomError(error)) return null
    throw error
  }
}

async function filed(sql: AnySql, sopInstanceUid: string): Promise<Ingested> {
  const [row] = await sql<{ studyUid: string; seriesUid: string; sopClassUid: string }[]>`
    select s.study_uid as "studyUid", e.series_uid as "seriesUid", i.sop_class_uid as "sopClassUid"
    from instances i join series e on e.id = i.series_id join studies s on s.id = i.study_id
    where i.sop_instance_uid = ${sopInstanceUid}`
  if (!row) throw new WebError(500, 'an object was stored and cannot be found')
  return { outcome: 'stored', sopInstanceUid, ...row }
}
