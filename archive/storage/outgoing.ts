/** Stored objects on their way out: what their orders correct in them, and the bytes that carry it; what is stored stays. */
import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { bufferSource } from '#archive/dimse/byte-source.ts'
import { inflate } from '#archive/dimse/decode.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import type { AnySql } from '#db/client.ts'
import { type Correction, correctionsOf, saidOf } from '#db/queries/corrections.ts'
import type { BlobReader } from './blob-store.ts'
import { type CoercedHeader, coercedHeader, isDeflated } from './coerced-header.ts'
import { type Coercion, coercionOf } from './coercion.ts'

/** What is corrected, by SOP Instance UID; objects that go out as they are stored are not in it. */
export async function coercionsFor(
  sql: AnySql,
  objects: readonly { sopInstanceUid: string; studyUid: string }[],
): Promise<Map<string, Coercion>> {
  const corrections = await correctionsOf(sql, [...new Set(objects.map(({ studyUid }) => studyUid))])
  const concerned = objects.filter(({ studyUid }) => corrections.has(studyUid))
  const found = new Map<string, Coercion>()
  if (concerned.length === 0) return found
  const said = await saidOf(
    sql,
    concerned.map(({ sopInstanceUid }) => sopInstanceUid),
  )
  for (const one of said) {
    const coercion = coercionOf(one, corrections.get(one.studyUid))
    if (coercion) found.set(one.sopInstanceUid, coercion)
  }
  return found
}

/** Part of a tag or of a key: the same object corrected otherwise is another one. */
export function tagOfCorrected(what: Coercion | Correction | undefined): string {
  if (!what) return ''
  return createHash('sha256').update(JSON.stringify(what)).digest('base64url').slice(0, 16)
}

/**
 * The corrected header and where in the blob the untouched rest begins. A deflated object is all header: it is
 * inflated, corrected and deflated again.
 * @throws DicomError when the stored bytes cannot be walked
 */
export async function outgoing(
  reader: BlobReader,
  at: { datasetOffset: number; transferSyntaxUid: string },
  coercion: Coercion,
): Promise<CoercedHeader> {
  if (!isDeflated(at.transferSyntaxUid)) return coercedHeader(reader.source(), at, coercion)
  const inflated = inflate(await reader.read(at.datasetOffset, reader.bytes - at.datasetOffset))
  const inside = { datasetOffset: 0, transferSyntaxUid: EXPLICIT_LITTLE }
  const { header, rest } = coercedHeader(bufferSource(inflated), inside, coercion)
  const deflated = deflateRawSync(Buffer.concat([header, inflated.subarray(rest)]))
  const even = deflated.length % 2 === 0 ? deflated : Buffer.concat([deflated, Buffer.of(0)])
  return { header: even, rest: reader.bytes }
}
