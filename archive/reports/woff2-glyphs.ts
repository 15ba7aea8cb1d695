/** Outlines as WOFF 2.0 packs them (section 5.1), written back as the glyf and loca tables of OpenType. */

export interface Outlines {
  glyf: Buffer
  /** Long offsets. */
  loca: Buffer
  /** The left edge of each glyph. */
  leftBearings: number[]
}

const HEADER_BYTES = 36

const COMPOSITE = -1
const ARGUMENTS_ARE_WORDS = 0x0001
const HAS_SCALE = 0x0008
const MORE_COMPONENTS = 0x0020
const HAS_TWO_SCALES = 0x0040
const HAS_MATRIX = 0x0080
const HAS_INSTRUCTIONS = 0x0100

const ON_CURVE = 0x01

export function glyfTables(packed: Buffer): Outlines {
  const count = packed.readUInt16BE(4)
  const streams = streamsOf(packed, count)
  const glyphs = Array.from({ length: count }, (_, glyph) => glyphOf(streams, glyph))
  const loca = Buffer.alloc((count + 1) * 4)
  let offset = 0
  glyphs.forEach(({ length }, index) => {
    offset += length
    loca.writeUInt32BE(offset, (index + 1) * 4)
  })
  return {
    glyf: Buffer.concat(glyphs),
    loca,
    leftBearings: glyphs.map((glyph) => (glyph.length === 0 ? 0 : glyph.readInt16BE(2))),
  }
}

interface Streams {
  contours: Stream
  points: Stream
  flags: Stream
  coordinates: Stream
  composites: Stream
  boxes: Stream
  instructions: Stream
  /** A bit for each glyph that brings its own bounding box. */
  hasBox: (glyph: number) => boolean
}

function streamsOf(packed: Buffer, count: number): Streams {
  let from = HEADER_BYTES
  const [contours, points, flags, coordinates, composites, boxes, instructions] = Array.from(
    { length: 7 },
    (_, index) => {
      const bytes = packed.readUInt32BE(8 + index * 4)
      from += bytes
      return new Stream(packed.subarray(from - bytes, from))
    },
  ) as [Stream, Stream, Stream, Stream, Stream, Stream, Stream]
  const bitmap = boxes.take(4 * ((count + 31) >> 5))
  const hasBox = (glyph: number) => (bitmap[glyph >> 3]! & (0x80 >> (glyph & 7))) !== 0
  return { contours, points, flags, coordinates, composites, boxes, instructions, hasBox }
}

class Stream {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  take(count: number): Buffer {
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  byte(): number {
    return this.take(1)[0]!
  }

  int16(): number {
    return this.take(2).readInt16BE(0)
  }

  /** 255UInt16 of section 4.2. */
  count(): number {
    const code = this.byte()
    if (code === 253) return this.take(2).readUInt16BE(0)
    if (code === 254) return 506 + this.byte()
    return code === 255 ? 253 + this.byte() : code
  }
}

function glyphOf(streams: Streams, glyph: number): Buffer {
  const contours = streams.contours.int16()
  if (contours === 0) return Buffer.alloc(0)
  const bytes = contours === COMPOSITE ? composite(streams) : simple(streams, glyph, contours)
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)])
}

function composite({ composites, coordinates, boxes, instructions }: Streams): Buffer {
  const parts: Buffer[] = []
  let flags = MORE_COMPONENTS
  let isInstructed = false
  while (flags & MORE_COMPONENTS) {
    const head = composites.take(4)
    flags = head.readUInt16BE(0)
    isInstructed ||= (flags & HAS_INSTRUCTIONS) !== 0
    const scale = flags & HAS_SCALE ? 2 : flags & HAS_TWO_SCALES ? 4 : flags & HAS_MATRIX ? 8 : 0
    parts.push(head, composites.take((flags & ARGUMENTS_ARE_WORDS ? 4 : 2) + scale))
  }
  // A composite always brings its box.
  const box = boxes.take(8)
  if (isInstructed) {
    const length = coordinates.count()
    parts.push(uint16(length), instructions.take(length))
  }
  return Buffer.concat([uint16(0xffff), box, ...parts])
}

function simple(streams: Streams, glyph: number, contours: number): Buffer {
  const ends = Array.from({ length: contours }, () => streams.points.count())
  const points = outline(
    streams,
    ends.reduce((sum, length) => sum + length, 0),
  )
  let last = -1
  const endPoints = ends.map((length) => {
    last += length
    return uint16(last)
  })
  const length = streams.coordinates.count()
  const instructions = streams.instructions.take(length)
  const box = streams.hasBox(glyph) ? streams.boxes.take(8) : boxAround(points)
  // Every step in full: what draws it does not care, and no reader has to.
  const flags = Buffer.from(points.map(({ isOn }) => (isOn ? ON_CURVE : 0)))
  const steps = (axis: 'dx' | 'dy') => Buffer.concat(points.map((point) => int16(point[axis])))
  return Buffer.concat([
    int16(contours),
    box,
    ...endPoints,
    uint16(length),
    instructions,
    flags,
    steps('dx'),
    steps('dy'),
  ])
}

interface Point {
  dx: number
  dy: number
  isOn: boolean
}

function outline({ flags, coordinates }: Streams, count: number): Point[] {
  return Array.from({ length: count }, () => {
    const flag = flags.byte()
    return { ...triplet(flag & 0x7f, coordinates), isOn: (flag & 0x80) === 0 }
  })
}

/** One step as section 5.2 encodes it in two to five bytes. */
function triplet(flag: number, stream: Stream): { dx: number; dy: number } {
  const signed = (bits: number, value: number) => (bits & 1 ? value : -value)
  if (flag < 10) return { dx: 0, dy: signed(flag, ((flag & 14) << 7) + stream.byte()) }
  if (flag < 20) return { dx: signed(flag, (((flag - 10) & 14) << 7) + stream.byte()), dy: 0 }
  if (flag < 84) {
    const rest = flag - 20
    const byte = stream.byte()
    const dx = signed(flag, 1 + (rest & 0x30) + (byte >> 4))
    return { dx, dy: signed(flag >> 1, 1 + ((rest & 0x0c) << 2) + (byte & 0x0f)) }
  }
  if (flag < 120) {
    const rest = flag - 84
    const dx = signed(flag, 1 + (Math.floor(rest / 12) << 8) + stream.byte())
    return { dx, dy: signed(flag >> 1, 1 + (((rest % 12) >> 2) << 8) + stream.byte()) }
  }
  if (flag < 124) {
    const [a, b, c] = stream.take(3) as unknown as [number, number, number]
    return { dx: signed(flag, (a << 4) + (b >> 4)), dy: signed(flag >> 1, ((b & 0x0f) << 8) + c) }
  }
  const [a, b, c, d] = stream.take(4) as unknown as [number, number, number, number]
  return { dx: signed(flag, (a << 8) + b), dy: signed(flag >> 1, (c << 8) + d) }
}

function boxAround(points: readonly Point[]): Buffer {
  let [x, y] = [0, 0]
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const { dx, dy } of points) {
    x += dx
    y += dy
    left = Math.min(left, x)
    right = Math.max(right, x)
    bottom = Math.min(bottom, y)
    top = Math.max(top, y)
  }
  return Buffer.concat([left, bottom, right, top].map(int16))
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
