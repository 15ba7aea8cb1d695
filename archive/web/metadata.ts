/** Metadata of studies, series and instances (PS3.18 10.4.1.1.2): made once per series, kept compressed. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { AnySql } from '#db/client.ts'
import { headersOf, type SeriesPlace } from '#db/queries/dicomweb.ts'
import type { DerivedStore } from '../storage/derived-store.ts'
import { NATIVE_SYNTAXES } from './transfer-syntax.ts'

const zip = promisify(gzip)
const unzip = promisify(gunzip)

/** Changes whenever what is written into the metadata does: kept ones of before are then made again. */
const FORM = 1

export interface MetadataDependencies {
  sql: AnySql
  derived: DerivedStore
}

/**
 * A series' metadata, gzipped, its BulkDataURIs relative to the series.
 * Keyed by the series' revision, so that a rejection or a further image makes it anew.
 */
export async function seriesMetadata(
  { sql, derived }: MetadataDependencies,
  series: SeriesPlace,
): Promise<Buffer> {
  const key = `metadata/${series.id.slice(-2)}/${series.id}.${series.rev}.${FORM}.json.gz`
  const kept = await derived.get(key)
  if (kept) return kept
  const headers = await headersOf(sql, { seriesId: series.id, native: NATIVE_SYNTAXES })
  const text = `[${headers.map((header) => relocate(header.text, `instances/${header.sopInstanceUid}/`)).join(',')}]`
  const made = await zip(text, { level: 6 })
  await derived.put(key, made)
  return made
}

/** Unpacks what `seriesMetadata` packed and puts a prefix before its BulkDataURIs; the brackets are left off. */
export async function unpack(packed: Buffer, prefix: string): Promise<string> {
  const text = (await unzip(packed)).toString('utf8')
  return prefix === '' ? text.slice(1, -1) : relocate(text.slice(1, -1), prefix)
}

// A quote inside a value is escaped, so this spelling can only be a BulkDataURI.
export function relocate(text: string, prefix: string): string {
  return text.replaceAll(/"BulkDataURI": ?"(?=bulkdata\/|instances\/)/g, `$&${prefix}`)
}
