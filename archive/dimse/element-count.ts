/** How much there is to a data set: its elements and the bytes of its values, known before one of them is kept. */
import type { ByteSource } from './byte-source.ts'
import { vrOf } from './dictionary.ts'
import { type Encoding, encodingOf, IMPLICIT_LITTLE } from './transfer-syntax.ts'
import { SHORT_LENGTH_VRS, vrAt } from './value-representation.ts'

const ITEM = 0xfffee000
const SEQUENCE_DELIMITATION = 0xfffee0dd
const UNDEFINED = 0xffffffff

export type Extent = {
  /** Elements and items, at every depth. */
  readonly elements: number
  /** Of the values that are not located. */
  readonly valueBytes: number
  /** The same without the outermost sequences that may be left unread. */
  readonly unleft: { readonly elements: number; readonly valueBytes: number }
}

export type ExtentOptions = {
  /** Elements to walk over: the next one ends the walk. */
  readonly most: number
  readonly locateAboveBytes: number
  readonly leaveSequencesAboveBytes: number
}

/**
 * Walks over headers in the order in which they stand, nested ones too, and keeps nothing. What makes no sense ends the
 * walk: to say what is wrong with it is the decoder's business.
 */
export function extentOf(
  source: ByteSource,
  offset: number,
  transferSyntaxUid: string,
  { most, locateAboveBytes, leaveSequencesAboveBytes }: ExtentOptions,
): Extent {
  const outer: Encoding[] = []
  let encoding = encodingOf(transferSyntaxUid)
  let isInFragments = false
  let [elements, valueBytes] = [0, 0]
  const left = { elements: 0, valueBytes: 0 }
  let outermost: { at: number; end: number; elements: number; valueBytes: number } | undefined
  const leave = (end: number) => {
    if (outermost && end - outermost.at > leaveSequencesAboveBytes) {
      left.elements += elements - outermost.elements
      left.valueBytes += valueBytes - outermost.valueBytes
    }
    outermost = undefined
  }
  let at = offset
  while (at + 8 <= source.size && elements <= most) {
    if (outermost && at >= outermost.end) leave(at)
    elements += 1
    const head = source.peek(at, Math.min(12, source.size - at))
    const tag = tagOf(head, encoding)
    if (tag >>> 16 === 0xfffe) {
      at += 8 + (tag === ITEM && isInFragments ? u32(head, 4, encoding) : 0)
      if (tag === SEQUENCE_DELIMITATION) {
        encoding = outer.pop() ?? encoding
        isInFragments = false
        if (outermost?.end === Number.POSITIVE_INFINITY && outer.length === 0) leave(at)
      }
      continue
    }
    const { vr, length, headBytes } = headerOf(head, tag, encoding)
    at += headBytes
    if (length === UNDEFINED || vr === 'SQ') {
      const end = length === UNDEFINED ? Number.POSITIVE_INFINITY : at + length
      if (outer.length === 0) outermost ??= { at, end, elements, valueBytes }
    }
    if (length === UNDEFINED) {
      outer.push(encoding)
      isInFragments = vr === 'OB' || vr === 'OW'
      if (vr === 'UN') encoding = encodingOf(IMPLICIT_LITTLE)
    } else if (vr !== 'SQ') {
      at += length
      if (length <= locateAboveBytes) valueBytes += length
    }
  }
  // Cut short, or ended by its own nonsense: the decoder finds that where it stands.
  leave(at)
  const unleft = { elements: elements - left.elements, valueBytes: valueBytes - left.valueBytes }
  return { elements, valueBytes, unleft }
}

/** Known before one of them is kept; a deflated data set is bounded by what may be inflated of it. */
export function hasMoreElements(source: ByteSource, transferSyntaxUid: string, most: number): boolean {
  if (encodingOf(transferSyntaxUid).deflated) return false
  const nothing = { locateAboveBytes: 0, leaveSequencesAboveBytes: Number.POSITIVE_INFINITY }
  return extentOf(source, 0, transferSyntaxUid, { most, ...nothing }).elements > most
}

function headerOf(head: Buffer, tag: number, encoding: Encoding) {
  if (!encoding.explicit) return { vr: vrOf(tag), length: u32(head, 4, encoding), headBytes: 8 }
  const vr = vrAt(head, 4)
  if (vr && SHORT_LENGTH_VRS.has(vr)) return { vr, length: u16(head, 6, encoding), headBytes: 8 }
  return { vr, length: head.length < 12 ? 0 : u32(head, 8, encoding), headBytes: 12 }
}

const tagOf = (head: Buffer, encoding: Encoding): number =>
  ((u16(head, 0, encoding) << 16) | u16(head, 2, encoding)) >>> 0

const u16 = (head: Buffer, at: number, { little }: Encoding): number =>
  little ? head.readUInt16LE(at) : head.readUInt16BE(at)

const u32 = (head: Buffer, at: number, { little }: Encoding): number =>
  little ? head.readUInt32LE(at) : head.readUInt32BE(at)
