/** One value of a stored object by its BulkDataURI: `bulkdata/00420011`, items counted from one (PS3.18 10.4.1.1.5). */
import type { StoredObject } from '#db/queries/dicomweb.ts'
import { bufferSource } from '../dimse/byte-source.ts'
import type { Dataset, Element, Stretch } from '../dimse/dataset.ts'
import { decodeDataset } from '../dimse/decode.ts'
import { DEFLATED_LITTLE } from '../dimse/transfer-syntax.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { type Piece, WebError } from './exchange.ts'
import { bytesOf } from './frames.ts'

export interface BulkValue {
  /** Several for an encapsulated value: its fragments without the Basic Offset Table. */
  parts: Piece[][]
  mediaType: string
}

/** @throws WebError 404 when the path leads to no value */
export async function bulkValue(
  blobs: BlobStore,
  object: StoredObject,
  path: readonly string[],
): Promise<BulkValue> {
  const whole = await bytesOf(blobs, [
    { blob: object.blob, offset: object.datasetOffset, length: object.bytes - object.datasetOffset },
  ])
  const dataset = decodeDataset(bufferSource(whole), object.transferSyntaxUid)
  const element = walk(dataset, path)
  const inBlob = object.transferSyntaxUid === DEFLATED_LITTLE ? null : object
  return { parts: partsOf(element, inBlob), mediaType: mediaTypeOf(dataset, path) }
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

function partsOf(element: Element, object: StoredObject | null): Piece[][] {
  switch (element.kind) {
    case 'value':
      return [[element.value]]
    case 'fragments':
      return element.fragments.slice(1).map((fragment) => [fragment])
    case 'located':
      return [[placed(element.at, object)]]
    case 'located-fragments':
      return element.fragments.slice(1).map((fragment) => [placed(fragment, object)])
    case 'sequence':
      throw new WebError(404, 'a sequence is not bulk data')
  }
}

// The data set was decoded from its own beginning; in the blob it stands behind our File Meta.
function placed(at: Stretch, object: StoredObject | null): Piece {
  if (!object) throw new WebError(404, 'the value is inside a deflated data set')
  return { blob: object.blob, offset: object.datasetOffset + at.offset, length: at.length }
}

// An encapsulated document says what it is (PS3.3 C.24.2); everything else is bytes.
function mediaTypeOf(dataset: Dataset, path: readonly string[]): string {
  const isDocument = path.length === 1 && path[0]?.toUpperCase() === '00420011'
  return (isDocument && dataset.text('MIMETypeOfEncapsulatedDocument')) || 'application/octet-stream'
}
