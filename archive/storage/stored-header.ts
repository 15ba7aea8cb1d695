/** What the index keeps of an object: its header as DICOM JSON and where its frames are in the blob. */
import { type DicomJson, toDicomJson } from '../dimse/dicom-json.ts'
import type { HeaderScan } from '../dimse/header-scan.ts'

/** `instances.pixel`. Offsets count from the beginning of the blob; of a deflated one, from its inflated data set. */
export interface PixelPlace {
  offset: number
  length: number
  encapsulated: boolean
  /** One entry a frame: a stretch, or the stretches of its fragments. */
  frames: readonly FramePlace[]
}

type Pair = readonly [offset: number, length: number]
export type FramePlace = Pair | readonly Pair[]

export interface StoredHeader {
  /** Without pixel data; long values as a BulkDataURI relative to the instance. */
  header: DicomJson
  pixel: PixelPlace | null
  frames: number
}

/** How a header in the index names its bulk data; DICOMweb puts the instance's address before it. */
export const BULK_DATA = 'bulkdata/'

const PIXEL_DATA = '7FE00010'

export function storedHeader(scan: HeaderScan): StoredHeader {
  const { [PIXEL_DATA]: _, ...header } = toDicomJson(scan.dataset, {
    bulkDataUri: (path) => BULK_DATA + path,
  })
  const pixels = scan.pixelData
  if (!pixels) return { header, pixel: null, frames: 1 }
  const frames = pixels.frames.map((stretches): FramePlace => {
    const pairs = stretches.map(({ offset, length }) => [offset, length] as const)
    return pairs.length === 1 ? pairs[0]! : pairs
  })
  const { offset, length } = pixels.at
  return {
    header,
    pixel: { offset, length, encapsulated: pixels.encapsulated, frames },
    frames: pixels.numberOfFrames,
  }
}

/** The stretches of one frame in their order. */
export function stretchesOf(place: FramePlace): { offset: number; length: number }[] {
  const pairs = typeof place[0] === 'number' ? [place as Pair] : (place as readonly Pair[])
  return pairs.map(([offset, length]) => ({ offset, length }))
}
