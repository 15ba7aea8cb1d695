/**
 * Baseline JPEG as written by hand (ISO/IEC 10918-1): grey, or colour without subsampling, tables of its annex K. The
 * encoder of the codec library writes beyond its memory when the JPEG is longer than the picture, as small ones are.
 */
import type { Raster } from './raster.ts'

// biome-ignore format: a table is read by its rows
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
]
// Table K.1; the same for colour, since these pictures are shown to people who look at edges.
// biome-ignore format: a table is read by its rows
const LUMINANCE = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
// Tables K.3 and K.5: how many codes of each length, then the symbols in order.
const DC_LENGTHS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
const DC_SYMBOLS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
const AC_LENGTHS = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d]
const AC_SYMBOLS = [
  ...Buffer.from(
    '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a' +
      '535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9ca' +
      'd2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa',
    'hex',
  ),
]

type Codes = readonly { code: number; bits: number }[]

export function encodeJpeg(raster: Raster, quality = 90): Buffer {
  const divisors = quantisation(quality)
  const components = raster.samples
  const planes = components === 1 ? [raster.data] : toYcc(raster)
  const bits = new BitWriter()
  const predicted = new Array<number>(components).fill(0)
  const block = new Float64Array(64)
  for (let y = 0; y < raster.height; y += 8)
    for (let x = 0; x < raster.width; x += 8)
      for (let c = 0; c < components; c++) {
        readBlock(block, { plane: planes[c]!, width: raster.width, height: raster.height, x, y })
        predicted[c] = writeBlock(bits, { block, divisors, predicted: predicted[c]! })
      }
  return Buffer.concat([...headers(raster, divisors), bits.finish(), Buffer.from([0xff, 0xd9])])
}

function quantisation(quality: number): number[] {
  const q = Math.min(100, Math.max(1, quality))
  const scale = q < 50 ? 5000 / q : 200 - 2 * q
  return LUMINANCE.map((step) => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100))))
}

function toYcc({ data }: Raster): Uint8Array[] {
  const pixels = data.length / 3
  const [y, cb, cr] = [
    new Uint8ClampedArray(pixels),
    new Uint8ClampedArray(pixels),
    new Uint8ClampedArray(pixels),
  ]
  for (let n = 0; n < pixels; n++) {
    const [r, g, b] = [data[3 * n]!, data[3 * n + 1]!, data[3 * n + 2]!]
    y[n] = 0.299 * r + 0.587 * g + 0.114 * b
    cb[n] = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b
    cr[n] = 128 + 0.5 * r - 0.418688 * g - 0.081312 * b
  }
  return [y, cb, cr].map((plane) => new Uint8Array(plane.buffer))
}

interface BlockPlace {
  plane: Uint8Array
  width: number
  height: number
  x: number
  y: number
}

// Beyond the edge the last row and column go on, which costs the fewest bits.
function readBlock(block: Float64Array, { plane, width, height, x, y }: BlockPlace): void {
  for (let v = 0; v < 8; v++) {
    const row = Math.min(y + v, height - 1) * width
    for (let u = 0; u < 8; u++) block[v * 8 + u] = plane[row + Math.min(x + u, width - 1)]! - 128
  }
}

const COSINES = Float64Array.from({ length: 64 }, (_, n) => {
  const [u, x] = [n >> 3, n & 7]
  return Math.cos(((2 * x + 1) * u * Math.PI) / 16) * (u === 0 ? Math.SQRT1_2 : 1) * 0.5
})

const ROWS = new Float64Array(64)
const FREQUENCIES = new Float64Array(64)
const QUANTISED = new Int32Array(64)

// A picture has as many blocks as would keep the collector busy: both passes write where the last block's stood.
function transform(block: Float64Array): Float64Array {
  for (let y = 0; y < 8; y++) alongRow(block, y * 8, ROWS, y * 8, 1)
  for (let u = 0; u < 8; u++) alongRow(ROWS, u, FREQUENCIES, u, 8)
  return FREQUENCIES
}

/** Eight samples, a step apart, to their eight frequencies: the even ones of the sums, the odd ones of the differences. */
function alongRow(from: Float64Array, at: number, to: Float64Array, into: number, step: number): void {
  const [a, b, c, d] = [from[at]!, from[at + step]!, from[at + 2 * step]!, from[at + 3 * step]!]
  const [e, f, g, h] = [
    from[at + 4 * step]!,
    from[at + 5 * step]!,
    from[at + 6 * step]!,
    from[at + 7 * step]!,
  ]
  const [s0, s1, s2, s3] = [a + h, b + g, c + f, d + e]
  const [d0, d1, d2, d3] = [a - h, b - g, c - f, d - e]
  for (let u = 0; u < 8; u += 2) {
    const k = u * 8
    to[into + u * step] =
      s0 * COSINES[k]! + s1 * COSINES[k + 1]! + s2 * COSINES[k + 2]! + s3 * COSINES[k + 3]!
    const o = k + 8
    to[into + (u + 1) * step] =
      d0 * COSINES[o]! + d1 * COSINES[o + 1]! + d2 * COSINES[o + 2]! + d3 * COSINES[o + 3]!
  }
}

interface BlockWork {
  block: Float64Array
  divisors: readonly number[]
  predicted: number
}

/** Writes one block and returns its DC value, from which the next of its component is predicted. */
function writeBlock(bits: BitWriter, { block, divisors, predicted }: BlockWork): number {
  const frequencies = transform(block)
  const values = QUANTISED
  for (let k = 0; k < 64; k++) values[k] = Math.round(frequencies[ZIGZAG[k]!]! / divisors[ZIGZAG[k]!]!)
  const dc = values[0]!
  writeValue(bits, { codes: DC_CODES, run: 0, value: dc - predicted })
  let run = 0
  let last = 63
  while (last > 0 && values[last] === 0) last--
  for (let k = 1; k <= last; k++) {
    if (values[k] === 0) {
      run++
      continue
    }
    for (; run > 15; run -= 16) bits.write(AC_CODES[0xf0]!)
    writeValue(bits, { codes: AC_CODES, run, value: values[k]! })
    run = 0
  }
  if (last < 63) bits.write(AC_CODES[0]!)
  return dc
}

function writeValue(
  bits: BitWriter,
  { codes, run, value }: { codes: Codes; run: number; value: number },
): void {
  const size = value === 0 ? 0 : 32 - Math.clz32(Math.abs(value))
  bits.write(codes[(run << 4) | size]!)
  // F.1.2.1: a negative value is written one lower, its sign bit left off.
  if (size > 0) bits.write({ code: (value < 0 ? value - 1 : value) & ((1 << size) - 1), bits: size })
}

function huffman(lengths: readonly number[], symbols: readonly number[]): Codes {
  const codes: { code: number; bits: number }[] = []
  let code = 0
  let next = 0
  for (const [n, count] of lengths.entries()) {
    for (let i = 0; i < count; i++) codes[symbols[next++]!] = { code: code++, bits: n + 1 }
    code <<= 1
  }
  return codes
}

const DC_CODES = huffman(DC_LENGTHS, DC_SYMBOLS)
const AC_CODES = huffman(AC_LENGTHS, AC_SYMBOLS)

class BitWriter {
  #bytes = Buffer.allocUnsafe(64 * 1024)
  #length = 0
  #held = 0
  #count = 0

  write({ code, bits }: { code: number; bits: number }): void {
    for (let n = bits - 1; n >= 0; n--) {
      this.#held = (this.#held << 1) | ((code >> n) & 1)
      if (++this.#count === 8) this.#flush()
    }
  }

  finish(): Buffer {
    while (this.#count !== 0) this.write({ code: 1, bits: 1 })
    return this.#bytes.subarray(0, this.#length)
  }

  #flush(): void {
    if (this.#length + 2 > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2)
    this.#bytes[this.#length++] = this.#held
    // A byte of ones would read as a marker; a zero behind it says that it is not (B.1.1.5).
    if (this.#held === 0xff) this.#bytes[this.#length++] = 0
    this.#held = 0
    this.#count = 0
  }
}

function headers({ width, height, samples }: Raster, divisors: readonly number[]): Buffer[] {
  const size = [height >> 8, height & 255, width >> 8, width & 255]
  const components = Array.from({ length: samples }, (_, n) => n + 1)
  return [
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0, ...ZIGZAG.map((at) => divisors[at]!)]),
    segment(0xc0, [8, ...size, samples, ...components.flatMap((id) => [id, 0x11, 0])]),
    segment(0xc4, [0x00, ...DC_LENGTHS, ...DC_SYMBOLS]),
    segment(0xc4, [0x10, ...AC_LENGTHS, ...AC_SYMBOLS]),
    segment(0xda, [samples, ...components.flatMap((id) => [id, 0]), 0, 63, 0]),
  ]
}

function segment(marker: number, content: number[]): Buffer {
  const length = content.length + 2
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...content])
}
