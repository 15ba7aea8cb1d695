/** One value of a stored object by its BulkDataURI: `bulkdata/00420011`, items counted from one (PS3.18 10.4.1.1.5). */
import type { StoredObject } from '#db/queries/stored-objects.ts'
import { bufferSource } from '../dimse/byte-source.ts'
import type { Dataset, Element, Stretch } from '../dimse/dataset.ts'
import { decodeDataset, inflate } from '../dimse/decode.ts'
import { EXPLICIT_BIG, encodingOf } from '../dimse/transfer-syntax.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { type Piece, WebError } from './exchange.ts'

export interface BulkValue {
  /** Several for an encapsulated value: its fragments without the Basic Offset Table. */
  parts: Piece[][]
  mediaType: string
}

/** Longer values are found without being read. */
const READ_UP_TO_BYTES = 64 * 1024

/** @throws WebError 404 when the path leads to no value */
export async function bulkValue(
  blobs: BlobStore,
  object: StoredObject,
  path: readonly string[],
): Promise<BulkValue> {
  const { dataset, placed } = await located(blobs, object, path)
  return { parts: partsOf(walk(dataset, path), placed), mediaType: mediaTypeOf(dataset, path) }
}

type Placed = (at: Stretch) => Piece

async function located(
  blobs: BlobStore,
  object: StoredObject,
  path: readonly string[],
): Promise<{ dataset: Dataset; placed: Placed }> {
  const reader = await blobs.open(object.blob)
  try {
    const { transferSyntaxUid, datasetOffset, blob } = object
    if (encodingOf(transferSyntaxUid).deflated) {
      const whole = inflate(await reader.read(datasetOffset, object.bytes - datasetOffset))
      const dataset = decodeDataset(bufferSource(whole), '', { locateAboveBytes: READ_UP_TO_BYTES })
      return { dataset, placed: ({ offset, length }) => whole.subarray(offset, offset + length) }
    }
    // Values in big endian cannot be given out as they lie: they are read, which turns them round.
    const large = transferSyntaxUid === EXPLICIT_BIG ? {} : { locateAboveBytes: READ_UP_TO_BYTES }
    // What is no part of a sequence is found without reading any.
    const passed = path.length === 1 ? { leaveSequencesAboveBytes: 0 } : {}
    const options = { offset: datasetOffset, ...large, ...passed }
    const dataset = decodeDataset(reader.source(), transferSyntaxUid, options)
    return { dataset, placed: ({ offset, length }) => ({ blob, offset, length }) }
  } finally {
    await reader.close()
  }
}

function walk(dataset: Dataset, path: readonly string[]): Element {
  let at = dataset
  for (let n = 0; ; n += 2) {
    const tag = path[n] ?? ''
    const element = /^[0-9A-Fa-f]{8}$/.test(tag) ? at.element(tag) : undefined
    if (!element) throw new WebError(404, 'there is no such value')
    if (n === path.length - 1) return element
    const item = element.kind === 'sequence' ? element.items[Number(path[n + 1]) - 1] : undefined
    if (!item) throw new WebError(404, 'there is no such item')
    at = item
  }
}

function partsOf(element: Element, placed: Placed): Piece[][] {
  if (element.vr === 'SQ') throw new WebError(404, 'a sequence is not bulk data')
  switch (element.kind) {
    case 'value':
      return [[element.value]]
    case 'fragments':
      return element.fragments.slice(1).map((fragment) => [fragment])
    case 'located':
      return [[placed(element.at)]]
    case 'located-fragments':
      return element.fragments.slice(1).map((fragment) => [placed(fragment)])
    case 'sequence':
      return []
  }
}

// An encapsulated document says what it is (PS3.3 C.24.2); everything else is bytes.
function mediaTypeOf(dataset: Dataset, path: readonly string[]): string {
  const isDocument = path.length === 1 && path[0]?.toUpperCase() === '00420011'
  const [type = ''] = (isDocument && dataset.text('MIMETypeOfEncapsulatedDocument')?.split(';')) || []
  return MEDIA_TYPE.test(type.trim()) ? type.trim().toLowerCase() : 'application/octet-stream'
}

// RFC 6838 4.2
const MEDIA_TYPE = /^[a-z0-9][\w!#$&^.+-]*\/[a-z0-9][\w!#$&^.+-]*$/i
