/** A stored object on its way out: its data set as it was received, or, for a peer without its syntax, re-encoded natively. */
import { decodeDataset, inflate } from '#archive/dimse/decode.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import type { DatasetBytes } from '#archive/dimse/message-writer.ts'
import {
  DEFLATED_LITTLE,
  EXPLICIT_BIG,
  EXPLICIT_LITTLE,
  IMPLICIT_LITTLE,
} from '#archive/dimse/transfer-syntax.ts'
import type { Storable } from '#archive/scu/store.ts'
import type { BlobReader, BlobStore } from '#archive/storage/blob-store.ts'
import type { Retrievable } from '#db/queries/dimse-query.ts'

/**
 * Syntaxes an object may be sent in, best first: its own, and for uncompressed ones another way of writing the same
 * values. Pixels are never compressed, decompressed or altered.
 */
export function sendableIn(transferSyntaxUid: string): readonly string[] {
  return REENCODED[transferSyntaxUid] ?? [transferSyntaxUid]
}

// Implicit never becomes explicit here: the dictionary does not know the VR of a private element, nor which of US or SS.
const REENCODED: Readonly<Record<string, readonly string[]>> = {
  [IMPLICIT_LITTLE]: [IMPLICIT_LITTLE],
  [EXPLICIT_LITTLE]: [EXPLICIT_LITTLE, IMPLICIT_LITTLE],
  [DEFLATED_LITTLE]: [DEFLATED_LITTLE, EXPLICIT_LITTLE, IMPLICIT_LITTLE],
  [EXPLICIT_BIG]: [EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE],
}

// One read for most images; a larger object goes through memory in pieces of this.
const CHUNK_BYTES = 1024 * 1024

/** An object opened and its first bytes read, so that what cannot be read fails before anything of it is sent. */
export interface OpenedObject extends Storable {
  /** To be called when it is not sent after all; harmless after it was. */
  close(): Promise<void>
}

/** @throws the system error of the store, or DicomError when it cannot be written in that syntax */
export async function openStored(
  store: BlobStore,
  object: Retrievable,
  transferSyntaxUid: string,
): Promise<OpenedObject> {
  const reader = await store.open(object.blob)
  try {
    const bytes =
      transferSyntaxUid === object.transferSyntaxUid
        ? await asStored(reader, object)
        : await reencoded(reader, object, transferSyntaxUid)
    const { sopClassUid, sopInstanceUid } = object
    return { sopClassUid, sopInstanceUid, transferSyntaxUid, bytes: () => bytes, close: () => reader.close() }
  } catch (error) {
    await reader.close()
    throw error
  }
}

async function asStored(reader: BlobReader, { datasetOffset, bytes }: Retrievable): Promise<DatasetBytes> {
  if (reader.bytes < bytes) throw new Error('the stored object is shorter than its row says')
  const first = await reader.read(datasetOffset, CHUNK_BYTES)
  if (datasetOffset + first.length < reader.bytes) return pieces(reader, datasetOffset, first)
  await reader.close()
  return first
}

/** The next piece is read while the one before is sent. */
async function* pieces(reader: BlobReader, offset: number, first: Buffer): AsyncGenerator<Buffer> {
  let at = offset + first.length
  let next: Promise<Buffer> | undefined = reader.read(at, CHUNK_BYTES)
  try {
    yield first
    while (next) {
      const piece: Buffer = await next
      at += piece.length
      next = at < reader.bytes && piece.length > 0 ? reader.read(at, CHUNK_BYTES) : undefined
      yield piece
    }
    if (at < reader.bytes) throw new Error('the stored object ended early')
  } finally {
    await next?.catch(() => undefined)
    await reader.close()
  }
}

async function reencoded(reader: BlobReader, object: Retrievable, into: string): Promise<Buffer> {
  const from = object.transferSyntaxUid
  const bytes = await reader.read(object.datasetOffset, reader.bytes - object.datasetOffset)
  await reader.close()
  // What was deflated is Explicit VR Little Endian inside, byte for byte.
  if (from === DEFLATED_LITTLE && into === EXPLICIT_LITTLE) return inflate(bytes)
  return encodeDataset(decodeDataset(bytes, from), into)
}
