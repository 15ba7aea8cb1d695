/** A native frame as people see it: values, window, palette or colours to eight bits, encoded as a picture (PS3.18 8.3.5). */
import { FrameError } from './codecs.ts'
import { encodeJpeg } from './jpeg.ts'
import type { PixelShape } from './pixel-shape.ts'
import { encodePng } from './png.ts'
import type { LookUpTable, Presentation, Window } from './presentation.ts'
import { cropped, fitInto, type Raster, turned } from './raster.ts'

export const PICTURE_TYPES = ['image/jpeg', 'image/png'] as const
export type PictureType = (typeof PICTURE_TYPES)[number]

export interface Viewport {
  width: number
  height: number
  /** The part of the image that is wanted, in pixels of it; null: all. */
  source: Source | null
}

interface Source {
  left: number
  top: number
  width: number
  height: number
  /** Left and right changed. */
  isMirrored: boolean
  /** Top and bottom changed. */
  isUpsideDown: boolean
}

export interface PictureAsked {
  shape: PixelShape
  presentation: Presentation
  viewport: Viewport
  type: PictureType
  /** Of a JPEG, 1 to 100. */
  quality: number
}

/** @throws FrameError when the bytes are not what the shape says */
export async function pictureOf(native: Uint8Array, asked: PictureAsked): Promise<Uint8Array> {
  const whole = rasterOf(native, asked.shape, asked.presentation)
  const { source, width, height } = asked.viewport
  const raster = fitInto(source ? turned(cropped(whole, source), source) : whole, { width, height })
  return asked.type === 'image/png' ? encodePng(raster) : encodeJpeg(raster, asked.quality)
}

function rasterOf(native: Uint8Array, shape: PixelShape, presentation: Presentation): Raster {
  if (shape.samples >= 3) return colours(native, shape)
  if (presentation.palette) return palette(native, shape, presentation.palette)
  if (shape.photometric === 'PALETTE COLOR') throw new FrameError('the object has no palette')
  return grey(native, shape, presentation)
}

function grey(native: Uint8Array, shape: PixelShape, presentation: Presentation): Raster {
  const values = storedValues(native, shape)
  const { slope, intercept, modalityLut } = presentation
  for (let n = 0; n < values.length; n++)
    values[n] = modalityLut ? looked(modalityLut, values[n]!) : values[n]! * slope + intercept
  const level = levels(presentation.voi, values)
  const data = new Uint8Array(values.length)
  for (let n = 0; n < values.length; n++) {
    const shown = Math.round(Math.min(1, Math.max(0, level(values[n]!))) * 255)
    data[n] = presentation.inverse ? 255 - shown : shown
  }
  return { width: shape.columns, height: shape.rows, samples: 1, data }
}

/** Stored pixel values; the bits above the stored ones may be overlays or rubbish (PS3.5 8.1.1). */
function storedValues(native: Uint8Array, shape: PixelShape): Float64Array {
  const count = shape.rows * shape.columns
  const values = new Float64Array(count)
  const view = new DataView(native.buffer, native.byteOffset, native.byteLength)
  const read = readerOf(view, shape)
  if (native.length * 8 < count * shape.bitsAllocated)
    throw new FrameError('the frame is shorter than its rows and columns say')
  for (let n = 0; n < count; n++) values[n] = read(n)
  return values
}

function readerOf(view: DataView, shape: PixelShape): (n: number) => number {
  const { bitsAllocated, bitsStored, highBit, signed, float } = shape
  if (bitsAllocated === 1) return (n) => (view.getUint8(n >> 3) >> (n & 7)) & 1
  if (bitsAllocated === 64) return (n) => view.getFloat64(n * 8, true)
  if (bitsAllocated === 32 && float) return (n) => view.getFloat32(n * 4, true)
  if (bitsAllocated === 32) return (n) => (signed ? view.getInt32(n * 4, true) : view.getUint32(n * 4, true))
  const drop = Math.max(0, highBit + 1 - bitsStored)
  const spare = 32 - bitsStored
  const raw =
    bitsAllocated === 16 ? (n: number) => view.getUint16(n * 2, true) : (n: number) => view.getUint8(n)
  return signed ? (n) => ((raw(n) >>> drop) << spare) >> spare : (n) => ((raw(n) >>> drop) << spare) >>> spare
}

/** The share of full brightness of a value. */
function levels(voi: Presentation['voi'], values: Float64Array): (value: number) => number {
  if (voi === null) return between(values)
  if ('entries' in voi) {
    const most = 2 ** voi.bits - 1
    return (value) => looked(voi, value) / most
  }
  return windowed(voi)
}

// PS3.3 C.11.2.1.2: LINEAR takes half a step off the centre and one off the width.
function windowed({ centre, width, shape }: Window): (value: number) => number {
  if (shape === 'sigmoid') return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width))
  if (shape === 'linear_exact') return (value) => (value - centre) / width + 0.5
  // A window of one is a threshold.
  if (width <= 1) return (value) => (value <= centre - 0.5 ? 0 : 1)
  return (value) => (value - (centre - 0.5)) / (width - 1) + 0.5
}

function between(values: Float64Array): (value: number) => number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  const width = Math.max(1e-6, high - low)
  return (value) => (value - low) / width
}

function looked({ first, entries }: LookUpTable, value: number): number {
  return entries[Math.min(entries.length - 1, Math.max(0, Math.round(value) - first))] ?? 0
}

function palette(native: Uint8Array, shape: PixelShape, tables: readonly LookUpTable[]): Raster {
  const values = storedValues(native, shape)
  const data = new Uint8Array(values.length * 3)
  for (const [sample, table] of tables.entries()) {
    const drop = Math.max(0, table.bits - 8)
    for (let n = 0; n < values.length; n++) data[3 * n + sample] = looked(table, values[n]!) >> drop
  }
  return { width: shape.columns, height: shape.rows, samples: 3, data }
}

function colours(native: Uint8Array, shape: PixelShape): Raster {
  const pixels = shape.rows * shape.columns
  const data = new Uint8ClampedArray(pixels * 3)
  const is422 = shape.photometric === 'YBR_FULL_422' && native.length < pixels * 3
  const wanted = is422 ? pixels * 2 : (pixels * shape.samples * shape.bitsAllocated) / 8
  if (native.length < wanted || ![8, 16].includes(shape.bitsAllocated))
    throw new FrameError('the frame is shorter than its rows and columns say')
  const read = sampleReader(native, shape)
  const at = is422 ? subsampled : shape.planar ? planar(pixels) : interleaved(shape.samples)
  const isYbr = shape.photometric.startsWith('YBR')
  for (let n = 0; n < pixels; n++) {
    const [x, y, z] = [read(at(n, 0)), read(at(n, 1)), read(at(n, 2))]
    // PS3.3 C.7.6.3.1.2
    data[3 * n] = isYbr ? x + 1.402 * (z - 128) : x
    data[3 * n + 1] = isYbr ? x - 0.344136 * (y - 128) - 0.714136 * (z - 128) : y
    data[3 * n + 2] = isYbr ? x + 1.772 * (y - 128) : z
  }
  return { width: shape.columns, height: shape.rows, samples: 3, data: new Uint8Array(data.buffer) }
}

function sampleReader(native: Uint8Array, shape: PixelShape): (at: number) => number {
  const drop = Math.max(0, shape.bitsStored - 8)
  if (shape.bitsAllocated === 8) return (at) => native[at]!
  const view = new DataView(native.buffer, native.byteOffset, native.byteLength)
  return (at) => view.getUint16(at * 2, true) >> drop
}

type SampleAt = (pixel: number, sample: number) => number

// Two pixels share their colour: Y Y Cb Cr.
const subsampled: SampleAt = (pixel, sample) => (pixel >> 1) * 4 + (sample === 0 ? pixel & 1 : sample + 1)
const planar =
  (pixels: number): SampleAt =>
  (pixel, sample) =>
    sample * pixels + pixel
const interleaved =
  (samples: number): SampleAt =>
  (pixel, sample) =>
    pixel * samples + sample
