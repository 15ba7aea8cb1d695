/** Frames as pictures (PS3.18 8.3.5, PS3.3 C.11): native, RLE and baseline JPEG frames to PNG or JPEG. */
import type { BlobStore } from '../storage/blob-store.ts'
import { type Piece, WebError } from './exchange.ts'
import { bytesOf } from './frames.ts'
import { encodeJpeg } from './jpeg.ts'
import { encodePng } from './png.ts'
import { fitInto, type Raster } from './raster.ts'
import { decodeRle } from './rle.ts'
import { isNative } from './transfer-syntax.ts'

export const RENDERED_TYPES = ['image/jpeg', 'image/png'] as const
export type RenderedType = (typeof RENDERED_TYPES)[number]

export type Header = Record<string, { vr: string; Value?: unknown[]; InlineBinary?: string }>

export interface Rendering {
  header: Header
  transferSyntaxUid: string
  frame: readonly Piece[]
  blobs: BlobStore
  /** `window=centre,width,function` and `viewport=width,height`. */
  query: URLSearchParams
  /** Longest side of a thumbnail; null for a picture in its own size. */
  largest: number | null
  type: RenderedType
}

const JPEG_BASELINE = '1.2.840.10008.1.2.4.50'
const RLE = '1.2.840.10008.1.2.5'

export async function render(asked: Rendering): Promise<{ bytes: Buffer; type: RenderedType }> {
  const bytes = await bytesOf(asked.blobs, asked.frame)
  // It is a picture already; what a browser shows of it is what we would.
  if (asked.transferSyntaxUid === JPEG_BASELINE) {
    if (asked.type !== 'image/jpeg') throw new WebError(406, 'this frame is to be had as image/jpeg')
    return { bytes, type: 'image/jpeg' }
  }
  const shape = shapeOf(asked.header)
  const native = nativeFrame(bytes, asked.transferSyntaxUid, shape)
  const whole =
    shape.samples === 3
      ? colours(native, shape)
      : shape.photometric === 'PALETTE COLOR'
        ? palette(native, shape, asked.header)
        : grey(native, shape, asked)
  const raster = fitInto(whole, viewport(asked))
  return {
    bytes: asked.type === 'image/png' ? await encodePng(raster) : encodeJpeg(raster),
    type: asked.type,
  }
}

interface Shape {
  rows: number
  columns: number
  samples: number
  bytesPerSample: number
  bitsStored: number
  highBit: number
  signed: boolean
  photometric: string
  planar: boolean
}

function shapeOf(header: Header): Shape {
  const allocated = numberOf(header, '00280100') ?? 8
  const shape = {
    rows: numberOf(header, '00280010') ?? 0,
    columns: numberOf(header, '00280011') ?? 0,
    samples: numberOf(header, '00280002') ?? 1,
    bytesPerSample: allocated / 8,
    bitsStored: numberOf(header, '00280101') ?? allocated,
    highBit: numberOf(header, '00280102') ?? (numberOf(header, '00280101') ?? allocated) - 1,
    signed: numberOf(header, '00280103') === 1,
    photometric: String(header['00280004']?.Value?.[0] ?? 'MONOCHROME2'),
    planar: numberOf(header, '00280006') === 1,
  }
  const isKnown =
    [1, 2].includes(shape.bytesPerSample) &&
    [1, 3].includes(shape.samples) &&
    shape.rows > 0 &&
    shape.columns > 0
  if (!isKnown || (shape.samples === 3 && shape.bytesPerSample !== 1))
    throw new WebError(406, `pixels of ${allocated} bits and ${shape.samples} samples cannot be shown here`)
  return shape
}

function nativeFrame(bytes: Buffer, transferSyntaxUid: string, shape: Shape): Buffer {
  if (transferSyntaxUid === RLE) return decodeRle(bytes, shape)
  if (!isNative(transferSyntaxUid))
    throw new WebError(406, `frames in ${transferSyntaxUid} cannot be shown here`)
  const wanted = shape.rows * shape.columns * shape.samples * shape.bytesPerSample
  const is422 = shape.photometric.startsWith('YBR_FULL_422')
  if (bytes.length < (is422 ? (wanted / 3) * 2 : wanted))
    throw new WebError(500, 'the frame is shorter than its rows and columns say')
  return bytes
}

function grey(native: Buffer, shape: Shape, { header, query }: Rendering): Raster {
  const pixels = shape.rows * shape.columns
  const values = new Float64Array(pixels)
  const slope = numberOf(header, '00281053') ?? 1
  const intercept = numberOf(header, '00281052') ?? 0
  const drop = Math.max(0, shape.highBit + 1 - shape.bitsStored)
  const spare = 32 - shape.bitsStored
  for (let n = 0; n < pixels; n++) {
    const raw = (shape.bytesPerSample === 2 ? native.readUInt16LE(n * 2) : native[n]!) >>> drop
    // Bits above the stored ones may be overlays or rubbish (PS3.5 8.1.1).
    const value = shape.signed ? (raw << spare) >> spare : (raw << spare) >>> spare
    values[n] = value * slope + intercept
  }
  const { low, width, linear } = windowOf({ header, query, values })
  const data = new Uint8Array(pixels)
  const isInverse = shape.photometric === 'MONOCHROME1'
  for (let n = 0; n < pixels; n++) {
    const share = linear ? (values[n]! - low) / width : 1 / (1 + Math.exp((-4 * (values[n]! - low)) / width))
    const level = Math.round(Math.min(1, Math.max(0, share)) * 255)
    data[n] = isInverse ? 255 - level : level
  }
  return { width: shape.columns, height: shape.rows, samples: 1, data }
}

/** PS3.3 C.11.2.1.2: LINEAR takes half a step off the centre and one off the width; SIGMOID is centred. */
function windowOf({
  header,
  query,
  values,
}: {
  header: Header
  query: URLSearchParams
  values: Float64Array
}) {
  const [c, w, f] = (query.get('window') ?? '').split(',')
  const asked = c !== undefined && w !== undefined && Number(w) >= 1
  const centre = asked ? Number(c) : numberOf(header, '00281050')
  const width = asked ? Number(w) : numberOf(header, '00281051')
  const shape = (asked ? (f ?? 'linear') : String(header['00281056']?.Value?.[0] ?? 'linear'))
    .toLowerCase()
    .replace('-', '_')
  if (centre === undefined || width === undefined || width < 1 || !Number.isFinite(centre))
    return extremes(values)
  if (shape === 'sigmoid') return { low: centre, width, linear: false }
  if (shape === 'linear_exact') return { low: centre - width / 2, width, linear: true }
  return { low: centre - 0.5 - (width - 1) / 2, width: Math.max(1e-6, width - 1), linear: true }
}

function extremes(values: Float64Array): { low: number; width: number; linear: boolean } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return { low, width: Math.max(1e-6, high - low), linear: true }
}

function colours(native: Buffer, shape: Shape): Raster {
  const pixels = shape.rows * shape.columns
  const data = new Uint8ClampedArray(pixels * 3)
  const isYbr = shape.photometric.startsWith('YBR')
  const is422 = shape.photometric.startsWith('YBR_FULL_422') && native.length < pixels * 3
  for (let n = 0; n < pixels; n++) {
    const [a, b, c] = is422
      ? sample422(native, n)
      : shape.planar
        ? [n, pixels + n, 2 * pixels + n]
        : [3 * n, 3 * n + 1, 3 * n + 2]
    const [x, y, z] = [native[a]!, native[b]!, native[c]!]
    // PS3.3 C.7.6.3.1.2
    data[3 * n] = isYbr ? x + 1.402 * (z - 128) : x
    data[3 * n + 1] = isYbr ? x - 0.344136 * (y - 128) - 0.714136 * (z - 128) : y
    data[3 * n + 2] = isYbr ? x + 1.772 * (y - 128) : z
  }
  return { width: shape.columns, height: shape.rows, samples: 3, data: new Uint8Array(data.buffer) }
}

// Two pixels share their colour: Y Y Cb Cr.
function sample422(_native: Buffer, pixel: number): [number, number, number] {
  const pair = (pixel >> 1) * 4
  return [pair + (pixel & 1), pair + 2, pair + 3]
}

const PALETTES = ['1101', '1102', '1103'] as const

function palette(native: Buffer, shape: Shape, header: Header): Raster {
  const tables = PALETTES.map((descriptor) => lookUpTable(header, descriptor))
  const pixels = shape.rows * shape.columns
  const data = new Uint8Array(pixels * 3)
  for (let n = 0; n < pixels; n++) {
    const value = shape.bytesPerSample === 2 ? native.readUInt16LE(n * 2) : native[n]!
    for (let s = 0; s < 3; s++) data[3 * n + s] = tables[s]!(value)
  }
  return { width: shape.columns, height: shape.rows, samples: 3, data }
}

/** PS3.3 C.7.6.3.1.5 and .6: entries, first value mapped, bits per entry; the first and last entries go on for ever. */
function lookUpTable(header: Header, descriptor: string): (value: number) => number {
  const [entries = 0, first = 0, bits = 16] = (header[`0028${descriptor}`]?.Value ?? []).map(Number)
  const inline = header[`0028${descriptor.replace('11', '12')}`]?.InlineBinary
  if (inline === undefined)
    throw new WebError(406, 'a palette that is not in the header cannot be shown here')
  const bytes = Buffer.from(inline, 'base64')
  const count = entries === 0 ? 65536 : entries
  const isWide = bytes.length >= count * 2
  return (value) => {
    const at = Math.min(count - 1, Math.max(0, value - first))
    const entry = isWide ? bytes.readUInt16LE(at * 2) : bytes[at]!
    return isWide && bits === 16 ? entry >> 8 : entry & 255
  }
}

function viewport({ query, largest }: Rendering): { width: number; height: number } {
  const most = largest ?? 16_384
  const [width, height] = (query.get('viewport') ?? '').split(',').map(Number)
  const isAsked = width !== undefined && height !== undefined && width >= 1 && height >= 1
  return isAsked
    ? { width: Math.min(width, 16_384), height: Math.min(height, 16_384) }
    : { width: most, height: most }
}

function numberOf(header: Header, tag: string): number | undefined {
  const value = header[tag]?.Value?.[0]
  const number = value === undefined || value === null || value === '' ? Number.NaN : Number(value)
  return Number.isFinite(number) ? number : undefined
}
