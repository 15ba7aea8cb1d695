/** Objects that come as Part 10 files over the web, taken in by the archive's own ingest. */
import type { AnySql } from '#db/client.ts'
import { decodeDataset } from '../dimse/decode.ts'
import { isDicomError } from '../dimse/dicom-error.ts'
import { readPart10 } from '../dimse/part10.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { WebError } from './exchange.ts'
import { type Incoming, type Ingested, NOT_THIS_STUDY } from './stow-rs.ts'

/** File Meta and, in any object of the real world, the identifying groups before the first large value. */
const BEGINNING_BYTES = 256 * 1024
const CANNOT_UNDERSTAND = 0xc000
const AFTER_STUDY_UID = 0x0020000e

/** Under which the index files what came over the web. */
const SOURCE_AE = 'STOW-RS'

export interface Storing {
  sql: AnySql
  ingest: Ingest
}

/** Stored, synced and indexed when it resolves to something else than a refusal. */
export async function storePart10(
  { sql, ingest }: Storing,
  { bytes, studyUid }: Incoming,
): Promise<Ingested> {
  const { beginning, rest } = await split(bytes)
  const meta = metaOf(beginning)
  if (!meta) {
    await skip(rest)
    return { outcome: 'refused', failureReason: CANNOT_UNDERSTAND, sopClassUid: null, sopInstanceUid: null }
  }
  const { sopClassUid, sopInstanceUid } = meta
  if (studyUid !== null && !isOfStudy(beginning, meta, studyUid)) {
    await skip(rest)
    return { outcome: 'refused', failureReason: NOT_THIS_STUDY, sopClassUid, sopInstanceUid }
  }
  const coming = await ingest.begin({ ...meta, sourceAe: SOURCE_AE, peer: 'web' })
  try {
    await coming.write(beginning.subarray(meta.datasetOffset))
    for await (const chunk of rest) await coming.write(chunk)
  } catch (error) {
    await coming.abort()
    throw error
  }
  const fault = await coming.finish()
  if (fault) return { outcome: 'refused', failureReason: fault.status, sopClassUid, sopInstanceUid }
  return filed(sql, sopInstanceUid)
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

async function skip(rest: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of rest) {
    // The other objects of the body come after it.
  }
}

interface Meta {
  sopClassUid: string
  sopInstanceUid: string
  transferSyntaxUid: string
  datasetOffset: number
}

function metaOf(beginning: Buffer): Meta | null {
  try {
    const { meta, transferSyntaxUid, datasetOffset } = readPart10(beginning)
    const sopClassUid = meta.text('MediaStorageSOPClassUID')
    const sopInstanceUid = meta.text('MediaStorageSOPInstanceUID')
    return sopClassUid && sopInstanceUid
      ? { sopClassUid, sopInstanceUid, transferSyntaxUid, datasetOffset }
      : null
  } catch (error) {
    if (isDicomError(error)) return null
    throw error
  }
}

// Cut off behind its beginning on purpose: what is asked for stands in front of every large value.
function isOfStudy(beginning: Buffer, { transferSyntaxUid, datasetOffset }: Meta, studyUid: string): boolean {
  try {
    const head = decodeDataset(beginning, transferSyntaxUid, {
      offset: datasetOffset,
      before: AFTER_STUDY_UID,
    })
    return head.text('StudyInstanceUID') === studyUid
  } catch (error) {
    if (isDicomError(error)) return false
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
