/** Data sets from bytes, in any transfer syntax, within limits (PS3.5 section 7 and annex A). */
import { inflateRawSync } from 'node:zlib'
import { type ByteSource, bufferSource } from './byte-source.ts'
import { Dataset, type Element, type Stretch } from './dataset.ts'
import { DicomError } from './dicom-error.ts'
import { hexOf, type Tag, vrOf } from './dictionary.ts'
import { withSignedValues } from './signed-values.ts'
import { type Encoding, encodingOf, IMPLICIT_LITTLE } from './transfer-syntax.ts'
import { SHORT_LENGTH_VRS, SWAPPED_BY, type Vr, vrAt } from './value-representation.ts'

export type DecodeLimits = {
  /** Nested sequences. */
  readonly depth: number
  /** Elements and items in all. */
  readonly elements: number
  /** Bytes of values held in memory, and of an inflated data set. */
  readonly bytes: number
}

export const DECODE_LIMITS: DecodeLimits = { depth: 64, elements: 2_000_000, bytes: 256 * 1024 * 1024 }

export type DecodeOptions = {
  readonly limits?: Partial<DecodeLimits>
  /** Values longer than this, and all pixel data, are left where they are and located. */
  readonly locateAboveBytes?: number
  /** Sequences of the outermost level longer than this are walked to their end, located, and not kept. */
  readonly leaveSequencesAboveBytes?: number
  /** Where in the source the data set begins. */
  readonly offset?: number
  /** Stop before this tag at the outermost level: nothing after it is looked at. */
  readonly before?: Tag
}

/**
 * Every length is held against the end of what contains it, so a data set that ends early is an error.
 * @throws DicomError 'dataset-truncated', 'dataset-malformed', 'dataset-too-deep', 'dataset-too-large'
 */
export function decodeDataset(
  source: Buffer | ByteSource,
  transferSyntaxUid: string,
  options: DecodeOptions = {},
): Dataset {
  const encoding = encodingOf(transferSyntaxUid)
  const limits = { ...DECODE_LIMITS, ...options.limits }
  const given = Buffer.isBuffer(source) ? bufferSource(source) : source
  const start = options.offset ?? 0
  if (!encoding.explicit)
    return withSignedValues(new Decoder(given, encoding, limits, options).dataset(start))
  if (!encoding.deflated) return new Decoder(given, encoding, limits, options).dataset(start)
  const inflated = inflate(given.bytes(start, given.size - start), limits)
  return new Decoder(bufferSource(inflated), encoding, limits, { before: options.before }).dataset(0)
}

/** Where an element of the outermost level stands in its source: from its tag to the byte after its value. */
export type Span = {
  readonly tag: Tag
  readonly vr: Vr
  readonly start: number
  readonly valueAt: number
  readonly end: number
}

/**
 * The elements of a data set as stretches of its bytes, no value read; not for deflated ones, which are inflated first.
 * @throws DicomError as `decodeDataset` does
 */
export function spansOf(
  source: ByteSource,
  transferSyntaxUid: string,
  options: Pick<DecodeOptions, 'offset' | 'before'> = {},
): Span[] {
  const encoding = encodingOf(transferSyntaxUid)
  return new Decoder(source, encoding, DECODE_LIMITS, { ...options, locateAboveBytes: 0 }).spans(
    options.offset ?? 0,
  )
}

/** The data set of a deflated transfer syntax, bounded (PS3.5 section A.5). */
export function inflate(deflated: Buffer, limits: Pick<DecodeLimits, 'bytes'> = DECODE_LIMITS): Buffer {
  try {
    return inflateRawSync(deflated, { maxOutputLength: limits.bytes })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new DicomError('dataset-too-large', { limit: limits.bytes })
    if (code === 'Z_BUF_ERROR') throw new DicomError('dataset-truncated', { bytes: deflated.length })
    throw new DicomError('dataset-malformed', { wanted: 'deflated bytes' }, cause)
  }
}

const ITEM = 0xfffee000
const ITEM_DELIMITATION = 0xfffee00d
const SEQUENCE_DELIMITATION = 0xfffee0dd
/** Float, Double Float and plain Pixel Data: their frames are given out from where they lie, however few bytes. */
const PIXELS: ReadonlySet<Tag> = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010])
const UNDEFINED = 0xffffffff

type Header = { tag: Tag; vr: Vr; length: number; valueAt: number }

class Decoder {
  private readonly source: ByteSource
  private encoding: Encoding
  private readonly limits: DecodeLimits
  private readonly options: DecodeOptions
  private elementsLeft: number
  private bytesLeft: number
  /** Inside a sequence that is walked only to find its end and to see that it is sound. */
  private isWalking = false

  constructor(source: ByteSource, encoding: Encoding, limits: DecodeLimits, options: DecodeOptions) {
    this.source = source
    this.encoding = encoding
    this.limits = limits
    this.options = options
    this.elementsLeft = limits.elements
    this.bytesLeft = limits.bytes
  }

  dataset(start: number): Dataset {
    const made = new Dataset()
    let at = start
    while (at < this.source.size) {
      const header = this.header(at, this.source.size)
      if (this.options.before !== undefined && header.tag >= this.options.before) break
      at = this.element(header, this.source.size, 0, made)
    }
    return made
  }

  spans(start: number): Span[] {
    const found: Span[] = []
    for (let at = start; at < this.source.size; ) {
      const header = this.header(at, this.source.size)
      if (this.options.before !== undefined && header.tag >= this.options.before) break
      const { tag, vr, valueAt } = header
      const end = this.element(header, this.source.size, 0, new Dataset())
      found.push({ tag, vr, start: at, valueAt, end })
      at = end
    }
    return found
  }

  private header(at: number, end: number): Header {
    if (at + 8 > end) throw new DicomError('dataset-truncated', { offset: at })
    if (!this.isWalking && --this.elementsLeft < 0)
      throw new DicomError('dataset-too-large', { limit: this.limits.elements })
    const head = this.source.peek(at, Math.min(12, end - at))
    const tag = this.tag(head)
    if (tag >>> 16 === 0xfffe) return { tag, vr: 'UN', length: this.u32(head, 4), valueAt: at + 8 }
    if (!this.encoding.explicit) return { tag, vr: vrOf(tag), length: this.u32(head, 4), valueAt: at + 8 }
    const vr = vrAt(head, 4)
    if (vr && SHORT_LENGTH_VRS.has(vr)) return { tag, vr, length: this.u16(head, 6), valueAt: at + 8 }
    // VRs to come will have the long form (PS3.5 section 6.2): their values are kept as unknown.
    if (!vr && !/^[A-Z]{2}$/.test(head.toString('latin1', 4, 6))) this.malformed(tag, at, 'a VR')
    if (head.length < 12) throw new DicomError('dataset-truncated', { offset: at })
    return { tag, vr: vr ?? 'UN', length: this.u32(head, 8), valueAt: at + 12 }
  }

  /** Reads one element into `into` and returns where the next begins. */
  private element({ tag, vr, length, valueAt }: Header, end: number, depth: number, into: Dataset): number {
    if (tag >>> 16 === 0xfffe) this.malformed(tag, valueAt, 'an element')
    if (depth === 0 && !this.isWalking && this.mayBeLeft(vr, length)) {
      const left = this.leftAt({ tag, vr, length, valueAt }, end)
      if (left !== undefined) {
        into.put({ kind: 'located', tag, vr: 'SQ', at: { offset: valueAt, length: left - valueAt } })
        return left
      }
    }
    if (length === UNDEFINED) return this.undefinedLength(tag, vr, valueAt, end, depth, into)
    const next = valueAt + length
    if (next > end)
      throw new DicomError('dataset-truncated', { tag: hexOf(tag), offset: valueAt, wanted: length })
    if (vr === 'SQ') {
      const items: Dataset[] = []
      for (let at = valueAt; at < next; ) at = this.item(at, next, depth + 1, into, items)
      this.keep(into, { kind: 'sequence', tag, vr, items })
    } else if (this.isWalking) {
      return next
    } else if (this.isLocated(tag, length, depth)) {
      into.put({ kind: 'located', tag, vr, at: { offset: valueAt, length } })
    } else if ((tag & 0xffff) !== 0 || tag >>> 16 <= 2) {
      // Group lengths are retired (PS3.5 section 7.2) and would be untrue after any change: they are not kept.
      into.put({ kind: 'value', tag, vr, value: this.value(valueAt, length, vr) })
    }
    return next
  }

  private keep(into: Dataset, element: Element): void {
    if (!this.isWalking) into.put(element)
  }

  private mayBeLeft(vr: Vr, length: number): boolean {
    const limit = this.options.leaveSequencesAboveBytes
    if (limit === undefined) return false
    return length === UNDEFINED ? vr === 'SQ' || vr === 'UN' : vr === 'SQ' && length > limit
  }

  /** Where a sequence that is long enough to be left ends, every length in it held as anywhere; undefined for a short one. */
  private leftAt(header: Header, end: number): number | undefined {
    this.isWalking = true
    try {
      const next = this.element(header, end, 0, new Dataset())
      return next - header.valueAt > this.options.leaveSequencesAboveBytes! ? next : undefined
    } finally {
      this.isWalking = false
    }
  }

  private isLocated(tag: Tag, length: number, depth: number): boolean {
    const limit = this.options.locateAboveBytes
    return limit !== undefined && (length > limit || (depth === 0 && PIXELS.has(tag)))
  }

  private undefinedLength(tag: Tag, vr: Vr, at: number, end: number, depth: number, into: Dataset): number {
    if (vr === 'SQ') return this.undefinedSequence(tag, vr, at, end, depth, into)
    if (vr === 'UN') return this.unknownSequence(tag, at, end, depth, into)
    if (vr === 'OB' || vr === 'OW') return this.encapsulated(tag, vr, at, end, into)
    return this.malformed(tag, at, 'a defined length')
  }

  private undefinedSequence(
    tag: Tag,
    vr: Vr,
    start: number,
    end: number,
    depth: number,
    into: Dataset,
  ): number {
    const items: Dataset[] = []
    for (let at = start; ; ) {
      if (this.isDelimiter(at, end, SEQUENCE_DELIMITATION)) {
        this.keep(into, { kind: 'sequence', tag, vr, items })
        return at + 8
      }
      at = this.item(at, end, depth + 1, into, items)
    }
  }

  // PS3.5 section 6.2.2, note 2: UN of undefined length is a sequence in Implicit VR Little Endian.
  private unknownSequence(tag: Tag, at: number, end: number, depth: number, into: Dataset): number {
    const outer = this.encoding
    this.encoding = encodingOf(IMPLICIT_LITTLE)
    try {
      return this.undefinedSequence(tag, 'SQ', at, end, depth, into)
    } finally {
      this.encoding = outer
    }
  }

  private item(at: number, end: number, depth: number, parent: Dataset, items: Dataset[]): number {
    if (depth > this.limits.depth) throw new DicomError('dataset-too-deep', { limit: this.limits.depth })
    const header = this.header(at, end)
    if (header.tag !== ITEM) this.malformed(header.tag, at, 'an item')
    const made = this.isWalking ? parent : new Dataset(parent.characterSets)
    if (!this.isWalking) items.push(made)
    return header.length === UNDEFINED
      ? this.undefinedItem(header.valueAt, end, depth, made)
      : this.definedItem(header, end, depth, made)
  }

  private definedItem({ valueAt, length }: Header, end: number, depth: number, made: Dataset): number {
    const next = valueAt + length
    if (next > end) throw new DicomError('dataset-truncated', { offset: valueAt, wanted: length })
    for (let at = valueAt; at < next; ) at = this.element(this.header(at, next), next, depth, made)
    return next
  }

  private undefinedItem(start: number, end: number, depth: number, made: Dataset): number {
    for (let at = start; ; ) {
      if (this.isDelimiter(at, end, ITEM_DELIMITATION)) return at + 8
      at = this.element(this.header(at, end), end, depth, made)
    }
  }

  private encapsulated(tag: Tag, vr: Vr, start: number, end: number, into: Dataset): number {
    const stretches: Stretch[] = []
    let at = start
    while (!this.isDelimiter(at, end, SEQUENCE_DELIMITATION)) {
      const { tag: found, length, valueAt } = this.header(at, end)
      if (found !== ITEM || length === UNDEFINED) this.malformed(found, at, 'a fragment')
      if (valueAt + length > end)
        throw new DicomError('dataset-truncated', { offset: valueAt, wanted: length })
      if (!this.isWalking) stretches.push({ offset: valueAt, length })
      at = valueAt + length
    }
    if (!this.isWalking) into.put(this.fragments(tag, vr, { offset: start, length: at - start }, stretches))
    return at + 8
  }

  private fragments(tag: Tag, vr: Vr, at: Stretch, stretches: Stretch[]): Element {
    if (this.options.locateAboveBytes !== undefined) {
      return { kind: 'located-fragments', tag, vr, at, fragments: stretches }
    }
    const fragments = stretches.map(({ offset, length }) => this.value(offset, length, 'OB'))
    return { kind: 'fragments', tag, vr, fragments }
  }

  private isDelimiter(at: number, end: number, delimiter: Tag): boolean {
    if (at + 8 > end) throw new DicomError('dataset-truncated', { offset: at, wanted: hexOf(delimiter) })
    return this.tag(this.source.peek(at, 8)) === delimiter
  }

  private value(at: number, length: number, vr: Vr): Buffer {
    this.bytesLeft -= length
    if (this.bytesLeft < 0) throw new DicomError('dataset-too-large', { limit: this.limits.bytes })
    const value = this.source.bytes(at, length)
    if (value.length < length) throw new DicomError('dataset-truncated', { offset: at, wanted: length })
    const width = this.encoding.little ? undefined : SWAPPED_BY[vr]
    return width ? swapped(value, width) : value
  }

  private tag(head: Buffer): Tag {
    return ((this.u16(head, 0) << 16) | this.u16(head, 2)) >>> 0
  }

  private u16(head: Buffer, at: number): number {
    return this.encoding.little ? head.readUInt16LE(at) : head.readUInt16BE(at)
  }

  private u32(head: Buffer, at: number): number {
    return this.encoding.little ? head.readUInt32LE(at) : head.readUInt32BE(at)
  }

  private malformed(tag: Tag, offset: number, wanted: string): never {
    throw new DicomError('dataset-malformed', { tag: hexOf(tag), offset, wanted })
  }
}

/** The same value in the other byte order; an odd remainder stays as it is. */
export function swapped(value: Buffer, width: 2 | 4 | 8): Buffer {
  const whole = Buffer.from(value)
  const even = whole.subarray(0, whole.length - (whole.length % width))
  if (width === 2) even.swap16()
  else if (width === 4) even.swap32()
  else even.swap64()
  return whole
}
