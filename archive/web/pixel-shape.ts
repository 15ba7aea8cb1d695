/** What the pixels of an object are: the Image Pixel module as numbers (PS3.3 C.7.6.3). */
import { type Header, numberOf, textOf } from './header.ts'

export interface PixelShape {
  rows: number
  columns: number
  samples: number
  bitsAllocated: number
  bitsStored: number
  highBit: number
  signed: boolean
  photometric: string
  /** Colour by plane: all red samples before the green ones. */
  planar: boolean
  /** Float Pixel Data and Double Float Pixel Data (7FE0,0008) and (7FE0,0009). */
  float: boolean
}

/** Null when the object has no pixels that rows and columns describe. */
export function pixelShapeOf(header: Header): PixelShape | null {
  const rows = numberOf(header, '00280010') ?? 0
  const columns = numberOf(header, '00280011') ?? 0
  const bitsAllocated = numberOf(header, '00280100') ?? 8
  const samples = numberOf(header, '00280002') ?? 1
  const isKnown = [1, 8, 16, 32, 64].includes(bitsAllocated) && [1, 3, 4].includes(samples)
  if (!isKnown || rows < 1 || columns < 1) return null
  const bitsStored = numberOf(header, '00280101') ?? bitsAllocated
  return {
    rows,
    columns,
    samples,
    bitsAllocated,
    bitsStored: Math.min(bitsStored, bitsAllocated),
    highBit: numberOf(header, '00280102') ?? bitsStored - 1,
    signed: numberOf(header, '00280103') === 1,
    photometric: textOf(header, '00280004') ?? 'MONOCHROME2',
    planar: samples > 1 && numberOf(header, '00280006') === 1,
    float: numberOf(header, '00280101') === undefined && bitsAllocated >= 32,
  }
}
