/** Objects and frames as uncompressed pixels in Explicit VR Little Endian, for who cannot read what is stored (PS3.18 8.7.3.5). */
import type { StoredObject } from '#db/queries/stored-objects.ts'
import { bufferSource } from '../dimse/byte-source.ts'
import { Dataset } from '../dimse/dataset.ts'
import { decodeDataset } from '../dimse/decode.ts'
import { hexOf } from '../dimse/dictionary.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { encodeFileMeta } from '../dimse/part10.ts'
import { EXPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { coercedHeader } from '../storage/coerced-header.ts'
import type { Coercion } from '../storage/coercion.ts'
import { bulkValue } from './bulkdata.ts'
import { decodedPhotometric, isDecodable } from './codecs.ts'
import { type Piece, WebError } from './exchange.ts'
import type { FrameThreads } from './frame-threads.ts'
import { bytesOf, type FrameDependencies, framesOf } from './frames.ts'
import { type Header, numberOf } from './header.ts'
import { type PixelShape, pixelShapeOf } from './pixel-shape.ts'
import { isNative } from './transfer-syntax.ts'

export interface NativeDependencies extends FrameDependencies {
  threads: FrameThreads
}

/** Whether it can be handed out uncompressed; what has no pixels always can. */
export function hasNativeForm(object: StoredObject, header: Header): boolean {
  if (isNative(object.transferSyntaxUid) || !object.hasPixels) return true
  return isDecodable(object.transferSyntaxUid, numberOf(header, '00280100') ?? 8)
}

export interface Decoding {
  object: StoredObject
  header: Header
  /** The first frame of the answer: decoded at once, so that what cannot be read is said before anything is sent. */
  leads: boolean
}

/**
 * The frames decoded, each when its turn comes: never more than two are held.
 * @throws WebError 404 without such a frame, 500 when the leading one is broken
 */
export async function nativeFrames(
  stored: NativeDependencies,
  { object, header, leads }: Decoding,
  numbers: readonly number[],
): Promise<Piece[][]> {
  const frames = await framesOf(stored, object, numbers)
  if (isNative(object.transferSyntaxUid)) return frames
  const shape = pixelShapeOf(header)
  if (!shape) throw new WebError(406, 'its header does not say what the pixels are')
  const make = async (pieces: readonly Piece[]) =>
    stored.threads.run({
      transferSyntaxUid: object.transferSyntaxUid,
      frame: await bytesOf(stored.blobs, pieces),
      shape,
      picture: null,
    })
  const length = decodedBytes(shape)
  const later = frames.map((pieces): Piece[] => [{ length, make: () => make(pieces) }])
  return leads && frames[0] ? [[await make(frames[0])], ...later.slice(1)] : later
}

const decodedBytes = ({ rows, columns, samples, bitsAllocated }: PixelShape): number =>
  Math.ceil((rows * columns * samples * bitsAllocated) / 8)

const PIXEL_DATA = 0x7fe00010
/** Nothing but pixels is longer. */
const READ_UP_TO_BYTES = 128 * 1024 * 1024

/** A whole object as a file in Explicit VR Little Endian. @throws WebError as `nativeFrames` */
export async function nativeObject(
  stored: NativeDependencies,
  object: StoredObject,
  { header, leads, coercion }: Omit<Decoding, 'object'> & { coercion?: Coercion | undefined },
): Promise<Piece[]> {
  const dataset = await datasetOf(stored, object)
  const pixels = dataset.has(PIXEL_DATA) ? await pixelElement(stored, { object, header, leads }) : []
  if (!isNative(object.transferSyntaxUid)) describeDecoded(dataset, object.transferSyntaxUid)
  return [
    encodeFileMeta({
      sopClassUid: object.sopClassUid,
      sopInstanceUid: object.sopInstanceUid,
      transferSyntaxUid: EXPLICIT_LITTLE,
    }),
    corrected(
      encoded(dataset, (tag) => tag < PIXEL_DATA),
      coercion,
    ),
    ...pixels,
    encoded(dataset, (tag) => tag > PIXEL_DATA),
  ]
}

function corrected(header: Buffer, coercion: Coercion | undefined): Buffer {
  if (!coercion) return header
  const at = { datasetOffset: 0, transferSyntaxUid: EXPLICIT_LITTLE }
  const { header: beginning, rest } = coercedHeader(bufferSource(header), at, coercion)
  return Buffer.concat([beginning, header.subarray(rest)])
}

/** The pixels located, everything else read. */
async function datasetOf({ blobs }: NativeDependencies, object: StoredObject): Promise<Dataset> {
  const reader = await blobs.open(object.blob)
  try {
    return decodeDataset(reader.source(), object.transferSyntaxUid, {
      offset: object.datasetOffset,
      locateAboveBytes: READ_UP_TO_BYTES,
    })
  } finally {
    await reader.close()
  }
}

// Colours come out of a codec as RGB, pixel by pixel, and no table of offsets belongs to them any more.
function describeDecoded(dataset: Dataset, transferSyntaxUid: string): void {
  const photometric = dataset.text('PhotometricInterpretation')
  if (photometric)
    dataset.set('PhotometricInterpretation', decodedPhotometric(transferSyntaxUid, photometric))
  if (dataset.has('PlanarConfiguration')) dataset.set('PlanarConfiguration', 0)
  dataset.delete('ExtendedOffsetTable').delete('ExtendedOffsetTableLengths')
}

function encoded(dataset: Dataset, isWanted: (tag: number) => boolean): Buffer {
  const part = new Dataset()
  for (const element of dataset.inOrder()) if (isWanted(element.tag)) part.put(element)
  return encodeDataset(part, EXPLICIT_LITTLE)
}

async function pixelElement(stored: NativeDependencies, decoding: Decoding): Promise<Piece[]> {
  const { object, header } = decoding
  const pieces = isNative(object.transferSyntaxUid)
    ? (await bulkValue(stored.blobs, object, [hexOf(PIXEL_DATA)])).parts.flat()
    : await allFrames(stored, decoding)
  const length = pieces.reduce((bytes, piece) => bytes + piece.length, 0)
  const pad = length % 2
  if (length + pad > 0xfffffffe) throw new WebError(406, 'uncompressed it is longer than a value may be')
  const head = Buffer.alloc(12)
  head.writeUInt16LE(PIXEL_DATA >>> 16, 0)
  head.writeUInt16LE(PIXEL_DATA & 0xffff, 2)
  head.write((numberOf(header, '00280100') ?? 8) > 8 ? 'OW' : 'OB', 4, 'latin1')
  head.writeUInt32LE(length + pad, 8)
  return [head, ...pieces, ...(pad ? [Buffer.alloc(1)] : [])]
}

async function allFrames(stored: NativeDependencies, decoding: Decoding): Promise<Piece[]> {
  const numbers = Array.from({ length: decoding.object.frames }, (_, n) => n + 1)
  return (await nativeFrames(stored, decoding, numbers)).flat()
}
