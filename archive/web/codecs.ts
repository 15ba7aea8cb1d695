/**
 * Encoded frames to native ones (PS3.5 8.2 and annex A.4): which library reads which transfer syntax. Runs on a
 * thread of its own, where each library is loaded once, when the first frame needs it.
 */
import { createRequire } from 'node:module'
import { inflateRawSync } from 'node:zlib'
import type { PixelShape } from './pixel-shape.ts'
import { decodeRle } from './rle.ts'

/** The frame cannot be decoded: what is wrong with it, in words without a value of it. */
export class FrameError extends Error {}

/** Little endian, the samples of a pixel together. @throws FrameError */
export async function decodeFrame(
  transferSyntaxUid: string,
  frame: Uint8Array,
  shape: PixelShape,
): Promise<Uint8Array> {
  const decode = DECODERS[transferSyntaxUid]
  if (!decode) throw new FrameError(`frames in ${transferSyntaxUid} cannot be decoded here`)
  try {
    return await decode(frame, shape)
  } catch (error) {
    if (error instanceof FrameError) throw error
    throw new FrameError(`the frame is no whole image of ${transferSyntaxUid}`, { cause: error })
  }
}

/** The JPEG library reads eight bits a sample: lossy JPEG of twelve stays as it is. */
export function isDecodable(transferSyntaxUid: string, bitsAllocated: number): boolean {
  return transferSyntaxUid in DECODERS && !(JPEG.includes(transferSyntaxUid) && bitsAllocated > 8)
}

/** The libraries hand colours out as RGB, whatever they were transformed to for compression. */
export function decodedPhotometric(transferSyntaxUid: string, photometric: string): string {
  const isTransformed = /^YBR_(ICT|RCT)$/.test(photometric)
  const isJpeg = JPEG.includes(transferSyntaxUid) && photometric.startsWith('YBR')
  return isTransformed || isJpeg ? 'RGB' : photometric
}

type Decode = (frame: Uint8Array, shape: PixelShape) => Promise<Uint8Array>

const JPEG = ['50', '51', '53', '55'].map((part) => `1.2.840.10008.1.2.4.${part}`)

const DECODERS: Record<string, Decode> = {
  ...each(JPEG, emscripten('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs', 'JPEGDecoder')),
  ...each(['1.2.840.10008.1.2.4.57', '1.2.840.10008.1.2.4.70'], jpegLossless),
  ...each(
    ['1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.81'],
    emscripten('@cornerstonejs/codec-charls/decodewasmjs', 'JpegLSDecoder'),
  ),
  ...each(
    ['90', '91', '92', '93'].map((part) => `1.2.840.10008.1.2.4.${part}`),
    emscripten('@cornerstonejs/codec-openjpeg/decodewasmjs', 'J2KDecoder'),
  ),
  ...each(
    ['201', '202', '203'].map((part) => `1.2.840.10008.1.2.4.${part}`),
    emscripten('@cornerstonejs/codec-openjph', 'HTJ2KDecoder'),
  ),
  '1.2.840.10008.1.2.5': runLengths,
  // Deflated Image Frame Compression (PS3.5 8.2.16)
  '1.2.840.10008.1.2.8.1': async (frame, shape) =>
    whole(inflateRawSync(frame, { maxOutputLength: nativeBytes(shape) + 1 }), shape),
}

function each(uids: readonly string[], decode: Decode): Record<string, Decode> {
  return Object.fromEntries(uids.map((uid) => [uid, decode]))
}

/** What the Emscripten builds of Cornerstone's codecs have in common. */
interface EncodedFrame {
  getEncodedBuffer(bytes: number): Uint8Array
  getDecodedBuffer(): Uint8Array
  readHeader?(): void
  decode(): void
  getFrameInfo(): {
    width: number
    height: number
    bitsPerSample: number
    componentCount: number
    isSigned?: boolean
  }
  delete(): void
}

type Codec = Record<string, new () => EncodedFrame>

const require = createRequire(import.meta.url)
const loaded = new Map<string, Promise<Codec>>()

function load(library: string): Promise<Codec> {
  const known = loaded.get(library)
  if (known) return known
  const factory = require(library) as (options: object) => Promise<Codec>
  // They talk to the console about every frame that they do not like.
  const loading = factory({ print() {}, printErr() {} })
  loaded.set(library, loading)
  return loading
}

function emscripten(library: string, className: string): Decode {
  return async (frame, shape) => {
    const codec = await load(library)
    const decoder = new codec[className]!()
    try {
      decoder.getEncodedBuffer(frame.length).set(frame)
      decoder.decode()
      const { width, height, componentCount, bitsPerSample, isSigned } = decoder.getFrameInfo()
      checkSize(shape, { rows: height, columns: width, samples: componentCount })
      const native = whole(new Uint8Array(decoder.getDecodedBuffer()), shape, bitsPerSample)
      return shape.signed && isSigned === false ? signExtended(native, shape) : native
    } catch (error) {
      // After a trap the library's memory cannot be trusted; the next frame gets a new one.
      if (error instanceof WebAssembly.RuntimeError) loaded.delete(library)
      throw error
    } finally {
      decoder.delete()
    }
  }
}

// Pixels of one bit are packed first and run-length encoded as bytes (PS3.5 G.2).
async function runLengths(frame: Uint8Array, shape: PixelShape): Promise<Uint8Array> {
  const packed = shape.bitsAllocated === 1
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
  return decodeRle(
    bytes,
    packed
      ? { rows: 1, columns: nativeBytes(shape), samples: 1, bytesPerSample: 1 }
      : { ...shape, bytesPerSample: shape.bitsAllocated / 8 },
  )
}

interface LosslessDecoder {
  decode(buffer: ArrayBuffer, offset: number, length: number): ArrayBuffer | Uint8Array
  frame: { dimX: number; dimY: number; numComp: number; precision: number }
}

async function jpegLossless(frame: Uint8Array, shape: PixelShape): Promise<Uint8Array> {
  const { Decoder } = require('jpeg-lossless-decoder-js') as { Decoder: new () => LosslessDecoder }
  const decoder = new Decoder()
  const alone = withSpareByte(frame)
  const decoded = decoder.decode(alone.buffer, 0, alone.length)
  const { dimX, dimY, numComp, precision } = decoder.frame
  checkSize(shape, { rows: dimY, columns: dimX, samples: numComp })
  const bytes = ArrayBuffer.isView(decoded)
    ? new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength)
    : new Uint8Array(decoded)
  return whole(bytes, shape, precision)
}

const END_OF_IMAGE = Buffer.of(0xff, 0xd9)

/**
 * A copy with a byte more before its end: the library takes pixels that end with the last bit of a byte for cut short,
 * and loses the last of them.
 */
function withSpareByte(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const end = Buffer.from(frame.buffer, frame.byteOffset, frame.length).lastIndexOf(END_OF_IMAGE)
  if (end < 0) return new Uint8Array(frame)
  const longer = new Uint8Array(frame.length + 1)
  longer.set(frame.subarray(0, end))
  longer.set(frame.subarray(end), end + 1)
  return longer
}

function checkSize(shape: PixelShape, found: { rows: number; columns: number; samples: number }): void {
  const isSame =
    found.rows === shape.rows && found.columns === shape.columns && found.samples === shape.samples
  if (!isSame)
    throw new FrameError(
      `the frame is ${found.columns} by ${found.rows} with ${found.samples} samples, its header says otherwise`,
    )
}

const nativeBytes = ({ rows, columns, samples, bitsAllocated }: PixelShape): number =>
  Math.ceil((rows * columns * samples * bitsAllocated) / 8)

/** As many bytes as the header says; samples of eight bits are widened when sixteen are allocated. */
function whole(decoded: Uint8Array, shape: PixelShape, precision = 16): Uint8Array {
  const wanted = nativeBytes(shape)
  if (decoded.length >= wanted) return decoded.subarray(0, wanted)
  if (precision <= 8 && shape.bitsAllocated === 16 && decoded.length * 2 === wanted)
    return new Uint8Array(Uint16Array.from(decoded).buffer)
  throw new FrameError('the frame holds fewer pixels than its rows and columns say')
}

// The code stream says unsigned and the header signed: the stored bits are right, those above them are not.
function signExtended(native: Uint8Array, { bitsAllocated, bitsStored }: PixelShape): Uint8Array {
  if (bitsAllocated !== 16 || bitsStored >= 16) return native
  const aligned = new Uint8Array(native)
  const values = new Int16Array(aligned.buffer)
  const spare = 32 - bitsStored
  for (let n = 0; n < values.length; n++) values[n] = (values[n]! << spare) >> spare
  return aligned
}
