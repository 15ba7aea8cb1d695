/** Objects and frames as uncompressed pixels, for who cannot read what is stored (PS3.18 8.7.3.5, PS3.5 8.1). */
import type { StoredObject } from '#db/queries/stored-objects.ts'
import { bufferSource } from '../dimse/byte-source.ts'
import { Dataset, type Element } from '../dimse/dataset.ts'
import { decodeDataset, swapped } from '../dimse/decode.ts'
import { hexOf } from '../dimse/dictionary.ts'
import { encodeDataset } from '../dimse/encode.ts'
import { encodeFileMeta } from '../dimse/part10.ts'
import { EXPLICIT_LITTLE, encodingOf } from '../dimse/transfer-syntax.ts'
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

type ObjectDecoding = Omit<Decoding, 'object'> & { coercion?: Coercion | undefined }

/** A whole object as a file in Explicit VR Little Endian. @throws WebError as `nativeFrames` */
export async function nativeObject(
  stored: NativeDependencies,
  object: StoredObject,
  decoding: ObjectDecoding,
): Promise<Piece[]> {
  const { sopClassUid, sopInstanceUid } = object
  return [
    encodeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid: EXPLICIT_LITTLE }),
    ...(await nativeDataset(stored, object, decoding, EXPLICIT_LITTLE)),
  ]
}

/** Its data set alone, in any uncompressed transfer syntax that is not deflated. @throws WebError as `nativeFrames` */
export async function nativeDataset(
  stored: NativeDependencies,
  object: StoredObject,
  { header, leads, coercion }: ObjectDecoding,
  into: string,
): Promise<Piece[]> {
  const dataset = await datasetOf(stored, object)
  const pixels = dataset.has(PIXEL_DATA) ? await pixelElement(stored, { object, header, leads }, into) : []
  if (!isNative(object.transferSyntaxUid)) describeDecoded(dataset, object.transferSyntaxUid)
  const before = encoded(dataset, into, (tag) => tag < PIXEL_DATA)
  return [corrected(before, into, coercion), ...pixels, encoded(dataset, into, (tag) => tag > PIXEL_DATA)]
}

function corrected(header: Buffer, transferSyntaxUid: string, coercion: Coercion | undefined): Buffer {
  if (!coercion) return header
  const at = { datasetOffset: 0, transferSyntaxUid }
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

// Colours come out of a codec as RGB, pixel by pixel, and what says where the compressed frames are is no longer true.
function describeDecoded(dataset: Dataset, transferSyntaxUid: string): void {
  const photometric = dataset.text('PhotometricInterpretation')
  if (photometric)
    dataset.set('PhotometricInterpretation', decodedPhotometric(transferSyntaxUid, photometric))
  if (dataset.has('PlanarConfiguration') || (dataset.number('SamplesPerPixel') ?? 1) > 1)
    dataset.set('PlanarConfiguration', 0)
  dataset.delete('ExtendedOffsetTable').delete('ExtendedOffsetTableLengths')
  dataset.delete('EncapsulatedPixelDataValueTotalLength')
  // Icons may be compressed as the image is; no uncompressed transfer syntax has a form for them.
  for (const element of dataset.inOrder()) if (holdsFragments(element)) dataset.delete(element.tag)
}

function holdsFragments(element: Element): boolean {
  if (element.kind !== 'sequence') return false
  return element.items.some((item) =>
    item.inOrder().some((inner) => inner.kind.endsWith('fragments') || holdsFragments(inner)),
  )
}

function encoded(dataset: Dataset, into: string, isWanted: (tag: number) => boolean): Buffer {
  const part = new Dataset()
  for (const element of dataset.inOrder()) if (isWanted(element.tag)) part.put(element)
  return encodeDataset(part, into)
}

async function pixelElement(stored: NativeDependencies, decoding: Decoding, into: string): Promise<Piece[]> {
  const { object, header } = decoding
  const frames = isNative(object.transferSyntaxUid)
    ? (await bulkValue(stored.blobs, object, [hexOf(PIXEL_DATA)])).parts.flat()
    : await allFrames(stored, decoding)
  const vr = (numberOf(header, '00280100') ?? 8) > 8 ? 'OW' : 'OB'
  const pieces = vr === 'OW' && !encodingOf(into).little ? frames.map(turnedRound) : frames
  const length = pieces.reduce((bytes, piece) => bytes + piece.length, 0)
  const pad = length % 2
  if (length + pad > 0xfffffffe) throw new WebError(406, 'uncompressed it is longer than a value may be')
  return [pixelHead(vr, length + pad, into), ...pieces, ...(pad ? [Buffer.alloc(1)] : [])]
}

/** Tag, VR and length: of an empty element all but the length, which is the last of them. */
function pixelHead(vr: 'OB' | 'OW', length: number, into: string): Buffer {
  const head = encodeDataset(
    new Dataset().put({ kind: 'value', tag: PIXEL_DATA, vr, value: Buffer.alloc(0) }),
    into,
  )
  if (encodingOf(into).little) head.writeUInt32LE(length, head.length - 4)
  else head.writeUInt32BE(length, head.length - 4)
  return head
}

// Decoded frames are in little endian; those of a native object are in memory when they are not.
function turnedRound(piece: Piece): Piece {
  if (piece instanceof Uint8Array) return swapped(Buffer.from(piece), 2)
  if (!('make' in piece)) throw new WebError(500, 'stretches of a file go out as they lie')
  return { length: piece.length, make: async () => swapped(Buffer.from(await piece.make()), 2) }
}

async function allFrames(stored: NativeDependencies, decoding: Decoding): Promise<Piece[]> {
  const { frames } = decoding.object
  const shape = pixelShapeOf(decoding.header)
  // One after the other they would have to be shifted against each other, bit by bit (PS3.5 8.1.1).
  if (shape?.bitsAllocated === 1 && frames > 1 && (shape.rows * shape.columns * shape.samples) % 8 !== 0)
    throw new WebError(406, 'its frames of single bits do not end with a byte')
  const numbers = Array.from({ length: frames }, (_, n) => n + 1)
  return (await nativeFrames(stored, decoding, numbers)).flat()
}
