/** Where the frames of a stored object are, and their bytes (PS3.5 8.2 and A.4, PS3.18 10.4.1.1.6). */
import type { AnySql } from '#db/client.ts'
import { pixelPlaceOf, type StoredObject } from '#db/queries/stored-objects.ts'
import { bufferSource } from '../dimse/byte-source.ts'
import { decodeDataset, inflate, swapped } from '../dimse/decode.ts'
import { DEFLATED_LITTLE, EXPLICIT_BIG } from '../dimse/transfer-syntax.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { type Piece, WebError } from './exchange.ts'
import type { Recent } from './recent.ts'

/** As ingest keeps it in `instances.pixel`: offsets from the beginning of the blob; of a deflated one, of its inflation. */
export interface PixelPlace {
  offset: number
  length: number
  encapsulated: boolean
  /** One entry a frame: a stretch, or the stretches of its fragments. */
  frames: readonly FramePlace[]
}

type Pair = readonly [offset: number, length: number]
type FramePlace = Pair | readonly Pair[]

const PIXEL_DATA = '7FE00010'
const PIXEL_DATA_GROUP = 0x7fe00000

/**
 * The bytes of each frame asked for (counted from one), as stored but in little endian.
 * @throws WebError 404 when there is no such frame
 */
export async function framesOf(
  stored: FrameDependencies,
  object: StoredObject,
  numbers: readonly number[],
): Promise<Piece[][]> {
  const { blobs } = stored
  if (object.transferSyntaxUid === DEFLATED_LITTLE) return deflatedFrames(blobs, object, numbers)
  const pixel = await placeOf(stored, object)
  const frames = pixel?.frames ?? []
  const found: Piece[][] = []
  for (const number of numbers) {
    const place = frames[number - 1]
    if (place === undefined) throw new WebError(404, `there is no frame ${number}`)
    const pieces = stretchesOf(place).map(({ offset, length }) => ({ blob: object.blob, offset, length }))
    found.push(
      object.transferSyntaxUid === EXPLICIT_BIG ? [await littleEndian(blobs, object, pieces)] : pieces,
    )
  }
  return found
}

export interface FrameDependencies {
  sql: AnySql
  blobs: BlobStore
  /** By blob, in which they never change: a viewer that scrolls through a cine loop has them read once. */
  places: Recent<PixelPlace>
}

/** Weighs what a place takes to keep. */
export const placeWeight = ({ frames }: PixelPlace): number => 1 + frames.length

async function placeOf({ sql, places }: FrameDependencies, object: StoredObject): Promise<PixelPlace | null> {
  if (!object.hasPixels) return null
  const known = (object.pixel as PixelPlace | null | undefined) ?? places.get(object.blob)
  if (known) return known
  const place = (await pixelPlaceOf(sql, object)) as PixelPlace | null
  if (place) places.set(object.blob, place)
  return place
}

function stretchesOf(place: FramePlace): { offset: number; length: number }[] {
  const pairs = typeof place[0] === 'number' ? [place as Pair] : (place as readonly Pair[])
  return pairs.map(([offset, length]) => ({ offset, length }))
}

/** All of a body's bytes, read from their blobs. */
export async function bytesOf(blobs: BlobStore, pieces: readonly Piece[]): Promise<Buffer> {
  const read: Uint8Array[] = []
  for (const piece of pieces) {
    if (piece instanceof Uint8Array || 'make' in piece) {
      read.push('make' in piece ? await piece.make() : piece)
      continue
    }
    const reader = await blobs.open(piece.blob)
    try {
      read.push(await reader.read(piece.offset, piece.length))
    } finally {
      await reader.close()
    }
  }
  return Buffer.concat(read)
}

// Big endian is retired; pixels of eight bits are the same either way.
async function littleEndian(blobs: BlobStore, object: StoredObject, pieces: Piece[]): Promise<Buffer> {
  const bytes = await bytesOf(blobs, pieces)
  const width = await pixelWidth(blobs, object)
  return width === 2 ? swapped(bytes, 2) : bytes
}

async function pixelWidth(blobs: BlobStore, object: StoredObject): Promise<1 | 2> {
  const reader = await blobs.open(object.blob)
  try {
    const header = { offset: object.datasetOffset, before: PIXEL_DATA_GROUP }
    const dataset = decodeDataset(reader.source(), object.transferSyntaxUid, header)
    return (dataset.number('BitsAllocated') ?? 8) > 8 ? 2 : 1
  } finally {
    await reader.close()
  }
}

// A deflated data set has no stretches in the file; it is small in practice and inflated whole.
async function deflatedFrames(
  blobs: BlobStore,
  object: StoredObject,
  numbers: readonly number[],
): Promise<Piece[][]> {
  const bytes = await bytesOf(blobs, [
    { blob: object.blob, offset: object.datasetOffset, length: object.bytes - object.datasetOffset },
  ])
  const dataset = decodeDataset(bufferSource(inflate(bytes)), '1.2.840.10008.1.2.1')
  const pixels = dataset.bytes(PIXEL_DATA)
  if (!pixels) throw new WebError(404, 'the object has no pixels')
  const length = Math.floor(pixels.length / Math.max(1, object.frames))
  return numbers.map((number) => {
    if (number > object.frames) throw new WebError(404, `there is no frame ${number}`)
    return [pixels.subarray((number - 1) * length, number * length)]
  })
}

/** `1,3,7` as numbers. @throws WebError 400 */
export function frameNumbers(list: string): number[] {
  const numbers = list.split(',').map((text) => (/^\d{1,9}$/.test(text.trim()) ? Number(text) : 0))
  if (numbers.some((number) => number < 1))
    throw new WebError(400, 'frames are counted from one and separated by commas')
  return numbers
}
