/** Looks at an object whose bytes have come: is it whole, is it what the sender said, and what the index needs of it. */
import type { ByteSource } from '#archive/dimse/byte-source.ts'
import { isDicomError } from '#archive/dimse/dicom-error.ts'
import type { PixelData } from '#archive/dimse/frames.ts'
import { headerJson } from '#archive/dimse/header-json.ts'
import { type HeaderScan, type Identity, identityOf, scanHeader } from '#archive/dimse/header-scan.ts'
import type { Part10 } from '#archive/dimse/part10.ts'
import { HANGING_PROTOCOL_STORAGE } from '#archive/dimse/sop-class.ts'
import { STATUS } from '#archive/dimse/status.ts'
import { isTolerableUid } from '#archive/dimse/uid.ts'
import type { StoredBlob } from '#archive/storage/blob-store.ts'
import { type KeyedValues, readKeyedValues } from '#archive/web/keyed-values.ts'
import type { StoredInstance } from '#db/mutations/studies.ts'

/** What the index needs, but for where the bytes are. */
export type Examined = Omit<
  StoredInstance,
  'blob' | 'bytes' | 'datasetOffset' | 'sha256' | 'sourceAe' | 'peer'
> & {
  /** (0002,0016), ours to write. */
  sourceAe: string
}

/** Why an object is not filed: its bytes are set aside under this reason. */
export interface Fault {
  reason: FaultReason
  /** What to answer a C-STORE with (PS3.4 table B.2-1). */
  status: number
  sopInstanceUid: string | null
}

export type FaultReason = keyof typeof FAULTS

/** In words for whoever mends it; without a word of what stands in the object. */
export const FAULTS = {
  'dataset-truncated': 'it ends before its own lengths say so',
  'dataset-malformed': 'it breaks the structure of a DICOM data set',
  'dataset-too-large': 'its header is larger than any header may be',
  'invalid-uid': 'a UID that it must be filed by is missing or breaks the syntax of UIDs',
  'sop-class-mismatch': 'its SOP Class UID is not the one that was announced',
  'sop-instance-mismatch': 'its SOP Instance UID is not the one that was announced',
  'index-refused': 'the index could not take what its header says',
  'not-part-10': 'it is no DICOM file, or does not say what it is',
  'shows-nothing': 'it is a hanging protocol without an image box that has a place',
  'duplicate-instance': 'another object is filed under its SOP Instance UID',
} as const

/** What the sender announced; null: nobody did, the object speaks for itself. */
export interface Announced {
  sopClassUid: string
  sopInstanceUid: string
}

/** A Hanging Protocol, which is of no study and no patient. */
export interface ExaminedProtocol {
  sopInstanceUid: string
  values: KeyedValues
  /** (0002,0016), ours to write. */
  sourceAe: string
}

export type Examination = { examined: Examined } | { protocol: ExaminedProtocol } | { fault: Fault }

/** Of a few kilobytes each; whatever is longer is none. */
const LONGEST_PROTOCOL = 1_000_000

/** Reads from the page cache; throws only what is wrong on our side. Of what we have just written, the File Meta is known. */
export function examine(source: ByteSource, announced: Announced | null, part10?: Part10): Examination {
  try {
    const scan = scanHeader(source, part10 ? { part10 } : {})
    if (scan.dataset.text('SOPClassUID') === HANGING_PROTOCOL_STORAGE)
      return protocolIn(source, { scan, announced })
    const identity = identityOf(scan.dataset)
    const mismatch = announced && mismatchOf(identity, announced)
    if (mismatch) return faulty(mismatch, announced)
    return { examined: examinedFrom(scan, identity) }
  } catch (error) {
    if (!isDicomError(error)) throw error
    return faulty(reasonOf(error.code), announced)
  }
}

function protocolIn(
  source: ByteSource,
  { scan, announced }: { scan: HeaderScan; announced: Announced | null },
): Examination {
  const sopInstanceUid = scan.dataset.text('SOPInstanceUID') ?? ''
  if (!isTolerableUid(sopInstanceUid)) return faulty('invalid-uid', announced)
  const mismatch =
    announced && mismatchOf({ sopClassUid: HANGING_PROTOCOL_STORAGE, sopInstanceUid }, announced)
  if (mismatch) return faulty(mismatch, announced)
  if (source.size > LONGEST_PROTOCOL) return faulty('dataset-too-large', announced)
  const values = readKeyedValues(source.bytes(0, source.size))
  if (!values) return faulty('dataset-malformed', announced)
  return {
    protocol: {
      sopInstanceUid,
      values,
      sourceAe: scan.meta.text('SourceApplicationEntityTitle') ?? '',
    },
  }
}

function faulty(reason: FaultReason, announced: Announced | null): { fault: Fault } {
  const doesNotMatch =
    reason === 'sop-class-mismatch' || reason === 'sop-instance-mismatch' || reason === 'invalid-uid'
  const status = doesNotMatch ? STATUS.datasetDoesNotMatch : STATUS.cannotUnderstand
  return { fault: { reason, status, sopInstanceUid: announced?.sopInstanceUid ?? null } }
}

function reasonOf(code: string): FaultReason {
  if (code === 'dataset-too-deep') return 'dataset-too-large'
  return code in FAULTS ? (code as FaultReason) : 'dataset-malformed'
}

function mismatchOf(
  identity: Pick<Identity, 'sopClassUid' | 'sopInstanceUid'>,
  announced: Announced,
): FaultReason | undefined {
  if (identity.sopClassUid !== announced.sopClassUid) return 'sop-class-mismatch'
  return identity.sopInstanceUid === announced.sopInstanceUid ? undefined : 'sop-instance-mismatch'
}

function examinedFrom(scan: HeaderScan, identity: Identity): Examined {
  // Pixels are told of by `pixel`, other long values by where they can be fetched.
  const header = headerJson(scan.dataset, { without: PIXELS, bulkDataUri: (path) => `bulkdata/${path}` })
  return {
    transferSyntaxUid: scan.transferSyntaxUid,
    sopInstanceUid: identity.sopInstanceUid,
    sopClassUid: identity.sopClassUid,
    seriesUid: identity.seriesInstanceUid,
    studyUid: identity.studyInstanceUid,
    header: header.json,
    headerText: header.text,
    pixel: scan.pixelData ? pixelPlace(scan.pixelData) : null,
    frames: scan.pixelData?.numberOfFrames ?? Math.max(1, scan.dataset.number('NumberOfFrames') ?? 1),
    sourceAe: scan.meta.text('SourceApplicationEntityTitle') ?? '',
  }
}

const PIXELS: ReadonlySet<number> = new Set([0x7fe00008, 0x7fe00009, 0x7fe00010])

/** Offsets from the beginning of the blob; a frame is one stretch, or those of its fragments. */
function pixelPlace({ at, encapsulated, frames }: PixelData) {
  const pairs = frames.map((stretches) => stretches.map(({ offset, length }) => [offset, length]))
  return {
    offset: at.offset,
    length: at.length,
    encapsulated,
    frames: pairs.map((frame) => (frame.length === 1 ? frame[0] : frame)),
  }
}

/** An object as the index takes it. */
export function instanceFrom(
  blob: StoredBlob,
  examined: Examined,
  { sourceAe, peer }: { sourceAe: string; peer: string },
): StoredInstance {
  const { key, bytes, datasetOffset, sha256 } = blob
  return { ...examined, blob: key, bytes, datasetOffset, sha256, sourceAe, peer }
}
