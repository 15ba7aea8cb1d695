/** The hash of a stored object: SHA-256 over its data set as received, without the File Meta that is ours. */
import { createHash } from 'node:crypto'
import type { BlobReader } from './blob-store.ts'

const CHUNK_BYTES = 256 * 1024
/** Read into again and again: a buffer for each stretch would lie about until the collector comes. */
const spare: Buffer[] = []

export async function datasetHash(reader: BlobReader, datasetOffset: number): Promise<string> {
  const room = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
  try {
    const hash = createHash('sha256')
    for (let at = datasetOffset; at < reader.bytes; at += CHUNK_BYTES)
      hash.update(await reader.readInto(room, at))
    return hash.digest('hex')
  } finally {
    spare.push(room)
  }
}
