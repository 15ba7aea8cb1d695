/** DICOM files (PS3.10 section 7): our own File Meta Information before bytes kept as received, and reading others'. */
import { type ByteSource, bufferSource } from './byte-source.ts'
import { Dataset } from './dataset.ts'
import { decodeDataset } from './decode.ts'
import { DicomError, isDicomError } from './dicom-error.ts'
import { encodeDataset } from './encode.ts'
import { EXPLICIT_LITTLE } from './transfer-syntax.ts'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from './uid.ts'

export type FileMeta = {
  readonly sopClassUid: string
  readonly sopInstanceUid: string
  /** Of the data set that follows: the accepted one of the context it came on. */
  readonly transferSyntaxUid: string
  /** The AE that it came from. */
  readonly sendingAe?: string
  readonly receivingAe?: string
}

/** Preamble, prefix and group 0002: what to write before the bytes of a data set. */
export function encodeFileMeta(meta: FileMeta): Buffer {
  const { before, after } = aroundInstanceUid(meta)
  const instance = groupTwo({ MediaStorageSOPInstanceUID: meta.sopInstanceUid })
  const bytes = before.length + instance.length + after.length
  const length = encodeDataset(Dataset.of({ FileMetaInformationGroupLength: bytes }), EXPLICIT_LITTLE)
  return Buffer.concat([PREAMBLE_AND_PREFIX, length, before, instance, after])
}

const PREAMBLE_AND_PREFIX = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')])

type Around = { before: Buffer; after: Buffer }

const around = new Map<string, Around>()

/** All of group 0002 but the UID of the one object: alike for a whole series, so made once. */
function aroundInstanceUid({ sopClassUid, transferSyntaxUid, sendingAe, receivingAe }: FileMeta): Around {
  const key = [sopClassUid, transferSyntaxUid, sendingAe ?? '', receivingAe ?? ''].join('\n')
  const known = around.get(key)
  if (known) return known
  const made = {
    before: groupTwo({ MediaStorageSOPClassUID: sopClassUid }, Buffer.of(0, 1)),
    after: groupTwo({
      TransferSyntaxUID: transferSyntaxUid,
      ImplementationClassUID: IMPLEMENTATION_CLASS_UID,
      ImplementationVersionName: IMPLEMENTATION_VERSION_NAME,
      SourceApplicationEntityTitle: sendingAe,
      SendingApplicationEntityTitle: sendingAe,
      ReceivingApplicationEntityTitle: receivingAe,
    }),
  }
  // What a sender calls itself comes from the wire: the usual ones are remembered, and no more.
  if (around.size < 1000) around.set(key, made)
  return made
}

// Inheriting the default repertoire: group 0002 states no character set.
function groupTwo(elements: Record<string, string | undefined>, version?: Buffer): Buffer {
  const dataset = Dataset.of(elements, [])
  if (version) dataset.set('FileMetaInformationVersion', version, 'OB')
  return encodeDataset(dataset, EXPLICIT_LITTLE)
}

export type Part10 = {
  readonly meta: Dataset
  readonly transferSyntaxUid: string
  /** Where the data set begins, after the preamble and group 0002. */
  readonly datasetOffset: number
}

const DATASET_AFTER_PREAMBLE = 132
const META_BYTES = 64 * 1024

/**
 * Finds the data set of a file. The group length is not relied on: writers get it wrong.
 * @throws DicomError 'not-part-10' without the prefix, or without a transfer syntax
 */
export function readPart10(given: Buffer | ByteSource): Part10 {
  const source = Buffer.isBuffer(given) ? bufferSource(given) : given
  if (source.size < DATASET_AFTER_PREAMBLE || source.peek(128, 4).toString('latin1') !== 'DICM') {
    throw new DicomError('not-part-10', { wanted: 'the prefix DICM' })
  }
  const datasetOffset = endOfMeta(source)
  const meta = decodeMeta(source.bytes(DATASET_AFTER_PREAMBLE, datasetOffset - DATASET_AFTER_PREAMBLE))
  const transferSyntaxUid = meta.text('TransferSyntaxUID')
  if (!transferSyntaxUid) throw new DicomError('not-part-10', { wanted: 'TransferSyntaxUID' })
  return { meta, transferSyntaxUid, datasetOffset }
}

/** Steps over the elements of group 0002, which is Explicit VR Little Endian in every file. */
function endOfMeta(source: ByteSource): number {
  let at = DATASET_AFTER_PREAMBLE
  while (at + 8 <= source.size && at < META_BYTES) {
    const head = source.peek(at, Math.min(12, source.size - at))
    if (head.readUInt16LE(0) !== 2) return at
    const long = /^(OB|OW|UN|UT|SQ|UC|UR)$/.test(head.toString('latin1', 4, 6))
    if (long && head.length < 12) break
    at += long ? 12 + head.readUInt32LE(8) : 8 + head.readUInt16LE(6)
  }
  if (at > source.size || at >= META_BYTES)
    throw new DicomError('not-part-10', { wanted: 'the end of group 0002' })
  return at
}

function decodeMeta(bytes: Buffer): Dataset {
  try {
    return decodeDataset(bytes, EXPLICIT_LITTLE, { limits: { depth: 1, elements: 256 } })
  } catch (cause) {
    if (!isDicomError(cause)) throw cause
    throw new DicomError('not-part-10', { wanted: 'group 0002' }, cause)
  }
}
