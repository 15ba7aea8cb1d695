/** Colours that the viewer's loader of images does not read: of sixteen bits, and of segmented palettes (PS3.3 C.7.9.2). */
import { bytesOfTable } from './look-up-table.js'

/** A screen has eight bits; `/rendered` leaves out the same ones. */
export function inEightBits(frame) {
  const { photometricInterpretation, pixelData, bitsStored } = frame
  if (photometricInterpretation === 'PALETTE COLOR' || !(bitsStored > 8)) return
  frame.pixelData = Uint8Array.from(pixelData, (value) => value >> (bitsStored - 8))
}

/** By the value that stands in the metadata: every frame of an object has the same one. */
const unfolded = new WeakMap()

/** @returns a promise of the entries of a palette, which the viewer waits for */
export function unfoldedPalette(data, descriptor) {
  const [count] = [descriptor].flat().map(Number)
  if (!unfolded.has(data))
    unfolded.set(
      data,
      bytesOfTable(data).then((bytes) => unfold(wordsOf(bytes), count || MOST_ENTRIES)),
    )
  return unfolded.get(data)
}

const MOST_ENTRIES = 65_536

function wordsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Uint16Array.from({ length: bytes.byteLength >> 1 }, (_, n) => view.getUint16(2 * n, true))
}

const [DISCRETE, LINEAR, INDIRECT] = [0, 1, 2]

export function unfold(segments, count) {
  const values = []
  const one = (from) => {
    const [opcode, length] = [segments[from], segments[from + 1] ?? 0]
    if (opcode === DISCRETE) {
      values.push(...segments.subarray(from + 2, from + 2 + length))
      return from + 2 + length
    }
    if (opcode === LINEAR) {
      const [start, end] = [values.at(-1) ?? 0, segments[from + 2] ?? 0]
      for (let n = 1; n <= length; n += 1) values.push(Math.round(start + ((end - start) * n) / length))
      return from + 3
    }
    if (opcode !== INDIRECT) return segments.length
    let back = (segments[from + 2] ?? 0) + ((segments[from + 3] ?? 0) << 16)
    // An indirect segment repeats earlier ones, which may not be indirect themselves.
    for (let n = 0; n < length && segments[back] !== INDIRECT && values.length < count; n += 1)
      back = one(back)
    return from + 4
  }
  for (let at = 0; at < segments.length && values.length < count; ) at = one(at)
  return values.slice(0, count)
}
