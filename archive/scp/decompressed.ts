/** A compressed object on its way to a peer that takes it uncompressed only: its frames are decoded (PS3.5 annex A.4). */
import type { DatasetBytes } from '#archive/dimse/message-writer.ts'
import { bodyLength, type Piece } from '#archive/web/exchange.ts'
import { bytesOf } from '#archive/web/frames.ts'
import { hasNativeForm, type NativeDependencies, nativeDataset } from '#archive/web/native.ts'
import { headerOf } from '#db/queries/stored-headers.ts'
import { storedObjectIn } from '#db/queries/stored-objects.ts'
import type { OpenedObject, Outbound } from './stored-object.ts'

/**
 * Decoded whole before it is sent up to this, so that a broken frame fails its object and nothing else. Of a longer one
 * no more than two frames are held, and a frame that breaks in the middle ends the association.
 */
const WHOLE_UP_TO_BYTES = 16 * 1024 * 1024

/**
 * Null when there is no decoder for it.
 * @throws WebError or DicomError when it cannot be read, and the system error of the store
 */
export async function openDecompressed(
  stored: NativeDependencies,
  { blob, coercion }: Outbound,
  transferSyntaxUid: string,
): Promise<OpenedObject | null> {
  const object = await storedObjectIn(stored.sql, blob)
  if (!object) throw new Error('the object has another blob by now')
  const header = await headerOf(stored.sql, object.id)
  if (!hasNativeForm(object, header)) return null
  const pieces = await nativeDataset(stored, object, { header, leads: true, coercion }, transferSyntaxUid)
  const isWhole = bodyLength(pieces) <= WHOLE_UP_TO_BYTES
  const bytes: DatasetBytes = isWhole ? await bytesOf(stored.blobs, pieces) : inTurn(stored, pieces)
  const { sopClassUid, sopInstanceUid } = object
  return { sopClassUid, sopInstanceUid, transferSyntaxUid, bytes: () => bytes, close: async () => undefined }
}

/** The next frame is decoded while the one before is sent. */
async function* inTurn({ blobs }: NativeDependencies, pieces: readonly Piece[]): AsyncGenerator<Buffer> {
  let next: Promise<Buffer> | undefined
  try {
    for (const [at, piece] of pieces.entries()) {
      const bytes = await (next ?? bytesOf(blobs, [piece]))
      const following = pieces[at + 1]
      next = following && bytesOf(blobs, [following])
      // Whoever leaves in between does not wait for it.
      next?.catch(() => undefined)
      yield bytes
    }
  } finally {
    await next?.catch(() => undefined)
  }
}
