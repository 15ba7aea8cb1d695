/** A stored object on its way out: its data set as it was received, or, for a peer without its syntax, written otherwise. */
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
import { type CoercedHeader, isDeflated } from '#archive/storage/coerced-header.ts'
import type { Coercion } from '#archive/storage/coercion.ts'
import { outgoing } from '#archive/storage/outgoing.ts'
import { isDecodable } from '#archive/web/codecs.ts'
import type { Retrievable } from '#db/queries/dimse-query.ts'

/**
 * Syntaxes an object may be sent in, best first: its own, then for uncompressed ones another way of writing the same
 * values, and for compressed ones that can be decoded here the uncompressed ones. Pixels are never compressed.
 */
export function sendableIn(transferSyntaxUid: string): readonly string[] {
  const reencoded = REENCODED[transferSyntaxUid]
  if (reencoded) return reencoded
  return isDecodable(transferSyntaxUid, 8) ? [transferSyntaxUid, ...UNCOMPRESSED] : [transferSyntaxUid]
}

/** Whether sending it so takes decoding its frames. */
export function isDecompressed({ transferSyntaxUid }: Retrievable, into: string): boolean {
  return into !== transferSyntaxUid && !(transferSyntaxUid in REENCODED)
}

// Big endian is retired, and all that some requestors of a C-GET have accepted.
const UNCOMPRESSED = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG]

// Implicit becomes explicit only for who takes nothing else: a private element is then of unknown VR (UN).
const REENCODED: Readonly<Record<string, readonly string[]>> = {
  [IMPLICIT_LITTLE]: [IMPLICIT_LITTLE, EXPLICIT_LITTLE],
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

/** An object to be sent, with what its order corrects in it. */
export type Outbound = Retrievable & { coercion?: Coercion | undefined }

/** Room for the beginning of an object; used again when the object has been answered for. */
export const newRoom = (): Buffer => Buffer.allocUnsafeSlow(CHUNK_BYTES)

/**
 * Its bytes as they are stored, where the peer takes them: those of an odd number become even, since no message may have
 * one (PS3.8 section 9.3.1) and peers break off at it.
 * @throws the system error of the store, or DicomError when it cannot be written in that syntax
 */
export async function openStored(
  store: BlobStore,
  object: Outbound,
  { transferSyntaxUid, room }: { transferSyntaxUid: string; room: Buffer },
): Promise<OpenedObject> {
  const reader = await store.open(object.blob)
  try {
    if (reader.bytes < object.bytes) throw new Error('the stored object is shorter than its row says')
    const begun = await beginning(reader, object)
    const isEven = (begun.header.length + reader.bytes - begun.rest) % 2 === 0
    const isAsStored = isEven && transferSyntaxUid === object.transferSyntaxUid
    const bytes = isAsStored
      ? await asStored(reader, { ...begun, room })
      : await reencoded(reader, object, { ...begun, into: transferSyntaxUid })
    const { sopClassUid, sopInstanceUid } = object
    return { sopClassUid, sopInstanceUid, transferSyntaxUid, bytes: () => bytes, close: () => reader.close() }
  } catch (error) {
    await reader.close()
    throw error
  }
}

async function asStored(
  reader: BlobReader,
  { header, rest, room }: CoercedHeader & { room: Buffer },
): Promise<DatasetBytes> {
  const first = await reader.readInto(room, rest)
  const begun = header.length === 0 ? first : Buffer.concat([header, first])
  if (rest + first.length < reader.bytes) return pieces(reader, rest + first.length, begun)
  await reader.close()
  return once(begun)
}

// In pieces, though it is one: only then is it waited for until the room is free again.
async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

// Uncorrected, an object goes out from its first byte as it lies there.
async function beginning(reader: BlobReader, object: Outbound): Promise<CoercedHeader> {
  if (object.coercion) return outgoing(reader, object, object.coercion)
  return { header: Buffer.alloc(0), rest: object.datasetOffset }
}

/** The next piece is read while the one before is sent. */
async function* pieces(reader: BlobReader, offset: number, first: Buffer): AsyncGenerator<Buffer> {
  let at = offset
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

async function reencoded(
  reader: BlobReader,
  object: Outbound,
  { header, rest, into }: CoercedHeader & { into: string },
): Promise<Buffer> {
  const from = object.transferSyntaxUid
  const bytes = Buffer.concat([header, await reader.read(rest, reader.bytes - rest)])
  await reader.close()
  if (from === into) return even(bytes, from)
  // What was deflated is Explicit VR Little Endian inside, byte for byte.
  if (from === DEFLATED_LITTLE && into === EXPLICIT_LITTLE) return even(inflate(bytes), into)
  return encodeDataset(decodeDataset(bytes, from), into)
}

/**
 * Bytes of an odd number have a value field of odd length, and are written anew with none (PS3.5 section 7.1.1); deflated
 * ones get the byte that they lack (PS3.5 section A.5). What cannot be read stays as it came.
 */
function even(bytes: Buffer, transferSyntaxUid: string): Buffer {
  if (bytes.length % 2 === 0) return bytes
  if (isDeflated(transferSyntaxUid)) return Buffer.concat([bytes, Buffer.of(0)])
  try {
    return encodeDataset(decodeDataset(bytes, transferSyntaxUid), transferSyntaxUid)
  } catch {
    return bytes
  }
}
