/** The hash of a stored object: SHA-256 over its data set as received, without the File Meta that is ours. */
import { createHash } from 'node:crypto'
import type { BlobReader } from './blob-store.ts'

const CHUNK_BYTES = 1024 * 1024

export async function datasetHash(reader: BlobReader, datasetOffset: number): Promise<string> {
  const hash = createHash('sha256')
  for (let at = datasetOffset; at < reader.bytes; at += CHUNK_BYTES)
    hash.update(await reader.read(at, CHUNK_BYTES))
  return hash.digest('hex')
}
