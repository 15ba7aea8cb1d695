/** Where each frame of the pixel data lies: native by arithmetic, encapsulated by tables or markers (PS3.5 A.4). */
import type { ByteSource } from './byte-source.ts'
import type { Dataset, Stretch } from './dataset.ts'

export type PixelData = {
  readonly encapsulated: boolean
  /** The value field: all frames, or the Basic Offset Table item to the last fragment. */
  readonly at: Stretch
  readonly numberOfFrames: number
  /** The stretches of each frame, in order; an encapsulated frame may lie in several fragments. */
  readonly frames: readonly (readonly Stretch[])[]
}

const PIXEL_DATA = 0x7fe00010
const FLOAT_PIXEL_DATA = 0x7fe00008
const DOUBLE_FLOAT_PIXEL_DATA = 0x7fe00009

/** Undefined for objects without pixel data, or when it was read rather than located. */
export function pixelDataOf(dataset: Dataset, source: ByteSource): PixelData | undefined {
  const element = [PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA]
    .map((tag) => dataset.element(tag))
    .find((found) => found !== undefined)
  const numberOfFrames = Math.max(1, dataset.number('NumberOfFrames') ?? 1)
  if (element?.kind === 'located') {
    return {
      encapsulated: false,
      at: element.at,
      numberOfFrames,
      frames: nativeFrames(dataset, element.at, numberOfFrames),
    }
  }
  if (element?.kind !== 'located-fragments') return undefined
  const frames = encapsulatedFrames(dataset, element.fragments, numberOfFrames, source)
  return { encapsulated: true, at: element.at, numberOfFrames, frames }
}

function nativeFrames(dataset: Dataset, at: Stretch, count: number): Stretch[][] {
  const bits = (dataset.number('BitsAllocated') ?? 0) * (dataset.number('SamplesPerPixel') ?? 1)
  const pixels = (dataset.number('Rows') ?? 0) * (dataset.number('Columns') ?? 0)
  // YBR_FULL_422 halves both chroma planes: two samples a pixel instead of three (PS3.3 C.7.6.3.1.2).
  const subsampled = dataset.text('PhotometricInterpretation') === 'YBR_FULL_422' ? 2 / 3 : 1
  const frameBits = pixels * bits * subsampled
  // One-bit frames are packed across frame boundaries: only whole bytes can be given out as they lie.
  if (count === 1 || frameBits % 8 !== 0 || (frameBits / 8) * count > at.length) return [[at]]
  const length = frameBits / 8
  return Array.from({ length: count }, (_, index) => [{ offset: at.offset + index * length, length }])
}

function encapsulatedFrames(
  dataset: Dataset,
  [table, ...fragments]: readonly Stretch[],
  count: number,
  source: ByteSource,
): Stretch[][] {
  if (count === 1) return [fragments]
  const starts = extendedStarts(dataset, count) ?? basicStarts(table, source, count)
  const byTable = starts && groupedByStart(fragments, starts)
  if (byTable) return byTable
  if (fragments.length === count) return fragments.map((fragment) => [fragment])
  return groupedByMarkers(fragments, source)
}

/** Extended Offset Table (7FE0,0001): 64-bit offsets from the first fragment's item (PS3.3 C.7.6.3.1.8). */
function extendedStarts(dataset: Dataset, count: number): number[] | undefined {
  const starts = dataset.bytes('ExtendedOffsetTable')
  if (!starts || starts.length < count * 8) return undefined
  return Array.from({ length: count }, (_, index) => Number(starts.readBigUInt64LE(index * 8)))
}

function basicStarts(table: Stretch | undefined, source: ByteSource, count: number): number[] | undefined {
  if (!table || table.length !== count * 4) return undefined
  const bytes = source.bytes(table.offset, table.length)
  return Array.from({ length: count }, (_, index) => bytes.readUInt32LE(index * 4))
}

/** Fragments by frame, or undefined when a start falls between items: a table that lies is not used. */
function groupedByStart(fragments: readonly Stretch[], starts: readonly number[]): Stretch[][] | undefined {
  const first = fragments[0]
  if (!first || starts[0] !== 0) return undefined
  const frameAt = new Map(starts.map((start, index) => [start, index]))
  const frames: Stretch[][] = []
  for (const fragment of fragments) {
    const index = frameAt.get(fragment.offset - first.offset)
    if (index !== undefined && index !== frames.length) return undefined
    if (index !== undefined) frames.push([])
    frames.at(-1)!.push(fragment)
  }
  return frames.length === starts.length ? frames : undefined
}

/** Without a table: a fragment that begins a JPEG (FFD8), JPEG 2000 (FF4F) frame begins one. */
function groupedByMarkers(fragments: readonly Stretch[], source: ByteSource): Stretch[][] {
  const frames: Stretch[][] = []
  for (const fragment of fragments) {
    const marker = fragment.length >= 2 ? source.peek(fragment.offset, 2).readUInt16BE(0) : 0
    if (frames.length === 0 || marker === 0xffd8 || marker === 0xff4f) frames.push([])
    frames.at(-1)!.push(fragment)
  }
  return frames
}
