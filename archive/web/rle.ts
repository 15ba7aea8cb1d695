/** RLE Lossless frames to native ones (PS3.5 annex G). */
export interface FrameShape {
  rows: number
  columns: number
  samples: number
  bytesPerSample: number
}

/** Little endian, samples of a pixel together. @throws RangeError when the frame is shorter than it says */
export function decodeRle(frame: Buffer, { rows, columns, samples, bytesPerSample }: FrameShape): Buffer {
  const pixels = rows * columns
  const segments = frame.readUInt32LE(0)
  if (segments !== samples * bytesPerSample) throw new RangeError(`the frame has ${segments} RLE segments`)
  const native = Buffer.alloc(pixels * samples * bytesPerSample)
  for (let segment = 0; segment < segments; segment++) {
    const from = frame.readUInt32LE(4 + segment * 4)
    const to = segment + 1 < segments ? frame.readUInt32LE(8 + segment * 4) : frame.length
    const sample = Math.floor(segment / bytesPerSample)
    // The most significant byte comes first (G.2).
    const byte = bytesPerSample - 1 - (segment % bytesPerSample)
    const step = samples * bytesPerSample
    unpackBits(frame.subarray(from, to), {
      into: native,
      at: sample * bytesPerSample + byte,
      step,
      count: pixels,
    })
  }
  return native
}

interface Spread {
  into: Buffer
  at: number
  step: number
  count: number
}

function unpackBits(packed: Buffer, { into, at, step, count }: Spread): void {
  let read = 0
  let written = 0
  while (written < count && read < packed.length) {
    const control = packed.readInt8(read++)
    if (control === -128) continue
    const length = Math.min(control >= 0 ? control + 1 : 1 - control, count - written)
    for (let n = 0; n < length; n++) into[at + (written + n) * step] = packed[control >= 0 ? read + n : read]!
    read += control >= 0 ? control + 1 : 1
    written += length
  }
  if (written < count || read > packed.length) throw new RangeError('an RLE segment ends before its pixels')
}
