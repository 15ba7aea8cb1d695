/** What the index needs of a stored object: its elements without bulk data, and proof that it is whole. */
import { type ByteSource, bufferSource } from './byte-source.ts'
import type { Dataset } from './dataset.ts'
import { DECODE_LIMITS, type DecodeOptions, decodeDataset, inflate } from './decode.ts'
import { DicomError, isDicomError } from './dicom-error.ts'
import { extentOf } from './element-count.ts'
import { type PixelData, pixelDataOf } from './frames.ts'
import { type Part10, readPart10 } from './part10.ts'
import { encodingOf } from './transfer-syntax.ts'
import { uidFault } from './uid.ts'

export type ScanOptions = {
  /** Values longer than this are located instead of read. */
  readonly locateAboveBytes?: number
  /** Bytes of values read in all. */
  readonly headerBytes?: number
  /** What stands before the data set, when who wrote it is asking. */
  readonly part10?: Part10
}

export type HeaderScan = Part10 & {
  /** Pixel data and other long values are `located`: their offsets are into the file, or into `inflated`. */
  readonly dataset: Dataset
  readonly pixelData: PixelData | undefined
  /** The inflated data set of a deflated file: what offsets are into then. */
  readonly inflated: Buffer | undefined
}

const LOCATE_ABOVE_BYTES = 64 * 1024
const HEADER_BYTES = 24 * 1024 * 1024
/** Elements and items that are read. Each costs memory and time in which nobody else is served. */
const HEADER_ELEMENTS = 250_000
/** Those that are walked over; the outlines of a whole body's organs are some hundred thousand. */
const MOST_ELEMENTS = 1_000_000
/** Of an object with more than that, sequences longer than this are left where they are: outlines, or thousands of frames. */
const LEAVE_ABOVE_BYTES = 1024 * 1024
/** Nearly every header has less: it is read at once, and walked over beforehand only when it turns out to be larger. */
const SMALL = { elements: 2_000, bytes: 256 * 1024 }
/** Of a deflated data set, which has to be held whole: a few hundred kilobytes can ask for any amount. */
const INFLATED_BYTES = 32 * 1024 * 1024

/**
 * Walks the whole data set, every length held against what contains it, but reads only the header:
 * an object cut short anywhere, its pixel data included, does not pass. Of a header that is too large to be read whole,
 * long sequences are left unread (`located`), though walked like the rest.
 * @throws DicomError 'not-part-10', 'dataset-truncated', 'dataset-malformed', 'dataset-too-deep', 'dataset-too-large'
 */
export function scanHeader(given: Buffer | ByteSource, options: ScanOptions = {}): HeaderScan {
  const source = Buffer.isBuffer(given) ? bufferSource(given) : given
  const part10 = options.part10 ?? readPart10(source)
  const { transferSyntaxUid, datasetOffset } = part10
  const inflated = encodingOf(transferSyntaxUid).deflated
    ? inflate(source.bytes(datasetOffset, source.size - datasetOffset), { bytes: INFLATED_BYTES })
    : undefined
  const dataset = scan(
    inflated ? bufferSource(inflated) : source,
    inflated ? 0 : datasetOffset,
    part10,
    options,
  )
  refuseFileMeta(dataset)
  return {
    ...part10,
    dataset,
    inflated,
    pixelData: pixelDataOf(dataset, inflated ? bufferSource(inflated) : source),
  }
}

/** Commands and File Meta are no part of a data set (PS3.5 section 7.1); behind ours, nobody could tell where it begins. */
function refuseFileMeta({ elements }: Dataset): void {
  const [first] = elements.keys()
  if (first !== undefined && first >>> 16 <= 0x0002)
    throw new DicomError('dataset-malformed', { wanted: 'no group 0000 or 0002' })
}

function scan(
  source: ByteSource,
  offset: number,
  { transferSyntaxUid }: Part10,
  options: ScanOptions,
): Dataset {
  // Inflated by now: the rest is Explicit VR Little Endian, as any unknown transfer syntax is.
  const syntax = encodingOf(transferSyntaxUid).deflated ? '' : transferSyntaxUid
  const locateAboveBytes = options.locateAboveBytes ?? LOCATE_ABOVE_BYTES
  const small = smallHeader(source, syntax, { offset, locateAboveBytes, limits: SMALL })
  if (small) return small
  const most = { elements: HEADER_ELEMENTS, bytes: options.headerBytes ?? HEADER_BYTES }
  const leaveSequencesAboveBytes = LEAVE_ABOVE_BYTES
  const walked = { most: MOST_ELEMENTS, locateAboveBytes, leaveSequencesAboveBytes }
  const extent = extentOf(source, offset, syntax, walked)
  const isTooMuch = (of: { elements: number; valueBytes: number }) =>
    of.elements > most.elements || of.valueBytes > most.bytes
  if (extent.elements > MOST_ELEMENTS || isTooMuch(extent.unleft))
    throw new DicomError('dataset-too-large', { limit: most.elements })
  return decodeDataset(source, syntax, {
    offset,
    locateAboveBytes,
    ...(isTooMuch(extent) ? { leaveSequencesAboveBytes } : {}),
    limits: { ...DECODE_LIMITS, ...most },
  })
}

/** Undefined when it is larger than that. */
function smallHeader(source: ByteSource, syntax: string, options: DecodeOptions): Dataset | undefined {
  try {
    return decodeDataset(source, syntax, options)
  } catch (error) {
    if (isDicomError(error, 'dataset-too-large')) return undefined
    throw error
  }
}

export type Identity = {
  readonly sopClassUid: string
  readonly sopInstanceUid: string
  readonly studyInstanceUid: string
  readonly seriesInstanceUid: string
}

/**
 * The UIDs an object is filed by, their syntax checked.
 * @throws DicomError 'invalid-uid' naming the keyword, never the value
 */
export function identityOf(dataset: Dataset): Identity {
  return {
    sopClassUid: uidOf(dataset, 'SOPClassUID'),
    sopInstanceUid: uidOf(dataset, 'SOPInstanceUID'),
    studyInstanceUid: uidOf(dataset, 'StudyInstanceUID'),
    seriesInstanceUid: uidOf(dataset, 'SeriesInstanceUID'),
  }
}

function uidOf(dataset: Dataset, keyword: string): string {
  const uid = dataset.text(keyword) ?? ''
  const fault = uidFault(uid)
  // Old consoles write components with leading zeros; such a UID still identifies, and the object is real.
  if (fault !== undefined && fault !== 'has a component with a leading zero') {
    throw new DicomError('invalid-uid', { keyword, fault })
  }
  return uid
}
