/** Bytes from data sets we made, in any uncompressed transfer syntax (PS3.5 section 7 and annex A). */
import { deflateRawSync } from 'node:zlib'
import { type Dataset, type Element, padded } from './dataset.ts'
import { swapped } from './decode.ts'
import { DicomError } from './dicom-error.ts'
import { hexOf, type Tag } from './dictionary.ts'
import { type Encoding, encodingOf } from './transfer-syntax.ts'
import { SHORT_LENGTH_VRS, SWAPPED_BY, type Vr } from './value-representation.ts'

/**
 * Sequences and items get defined lengths. For answers and objects made here: what was received from a
 * modality is kept and sent on as the bytes it came in, never through this.
 * @throws DicomError 'not-representable' for bulk data that was located, not read
 */
export function encodeDataset(dataset: Dataset, transferSyntaxUid: string): Buffer {
  const encoding = encodingOf(transferSyntaxUid)
  const bytes = encodeElements(dataset, encoding)
  if (!encoding.deflated) return bytes
  const deflated = deflateRawSync(bytes)
  return deflated.length % 2 === 0 ? deflated : Buffer.concat([deflated, Buffer.of(0)])
}

const ITEM = 0xfffee000
const SEQUENCE_DELIMITATION = 0xfffee0dd
const UNDEFINED = 0xffffffff
function encodeElements(dataset: Dataset, encoding: Encoding): Buffer {
  return Buffer.concat(dataset.inOrder().flatMap((element) => encodeElement(element, encoding)))
}

function encodeElement(element: Element, encoding: Encoding): Buffer[] {
  const { tag, vr } = element
  if (element.kind === 'value') {
    const width = encoding.little ? undefined : SWAPPED_BY[vr]
    // Some images come with a value field of odd length; what we write has none (PS3.5 section 7.1.1).
    const value = padded(width ? swapped(element.value, width) : element.value, vr)
    return [header(tag, vr, value.length, encoding), value]
  }
  if (element.kind === 'sequence') {
    const items = element.items.flatMap((item) => {
      const bytes = encodeElements(item, encoding)
      return [tagAndLength(ITEM, bytes.length, encoding), bytes]
    })
    const length = items.reduce((sum, { length }) => sum + length, 0)
    return [header(tag, 'SQ', length, encoding), ...items]
  }
  if (element.kind === 'fragments') {
    const fragments = element.fragments.map((bytes) => padded(bytes, vr))
    const items = fragments.flatMap((bytes) => [tagAndLength(ITEM, bytes.length, encoding), bytes])
    return [header(tag, vr, UNDEFINED, encoding), ...items, tagAndLength(SEQUENCE_DELIMITATION, 0, encoding)]
  }
  throw new DicomError('not-representable', { tag: hexOf(tag), found: 'bulk data left in its file' })
}

function header(tag: Tag, vr: Vr, length: number, encoding: Encoding): Buffer {
  if (!encoding.explicit) return tagAndLength(tag, length, encoding)
  const short = SHORT_LENGTH_VRS.has(vr)
  // A value too long for its VR's two-byte length is written as UN (PS3.5 section 6.2.2, note 5).
  if (short && length > 0xffff) return header(tag, 'UN', length, encoding)
  const bytes = Buffer.alloc(short ? 8 : 12)
  writeTag(bytes, tag, encoding)
  bytes.write(vr, 4, 'latin1')
  if (short) encoding.little ? bytes.writeUInt16LE(length, 6) : bytes.writeUInt16BE(length, 6)
  else encoding.little ? bytes.writeUInt32LE(length, 8) : bytes.writeUInt32BE(length, 8)
  return bytes
}

function tagAndLength(tag: Tag, length: number, encoding: Encoding): Buffer {
  const bytes = Buffer.alloc(8)
  writeTag(bytes, tag, encoding)
  encoding.little ? bytes.writeUInt32LE(length, 4) : bytes.writeUInt32BE(length, 4)
  return bytes
}

function writeTag(bytes: Buffer, tag: Tag, { little }: Encoding) {
  if (little) {
    bytes.writeUInt16LE(tag >>> 16, 0)
    bytes.writeUInt16LE(tag & 0xffff, 2)
  } else {
    bytes.writeUInt16BE(tag >>> 16, 0)
    bytes.writeUInt16BE(tag & 0xffff, 2)
  }
}
