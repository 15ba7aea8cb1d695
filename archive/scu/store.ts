/** Storage as SCU (PS3.4 annex B): objects go as the bytes they are, in the transfer syntax they are in. */
import { open } from 'node:fs/promises'
import type { Association } from '../dimse/association.ts'
import { fileSource } from '../dimse/byte-source.ts'
import { COMMAND } from '../dimse/command.ts'
import type { Dataset } from '../dimse/dataset.ts'
import { decodeDataset } from '../dimse/decode.ts'
import { isDicomError } from '../dimse/dicom-error.ts'
import { encodeDataset } from '../dimse/encode.ts'
import type { DatasetBytes } from '../dimse/message-writer.ts'
import { readPart10 } from '../dimse/part10.ts'
import { EXPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { type OpenOptions, type Peer, type Proposed, withAssociation } from './association.ts'
import { contextFor } from './context.ts'

/** An object to send: what it is, and its data set's bytes, opened when its turn comes. */
export type Storable = {
  readonly sopClassUid: string
  readonly sopInstanceUid: string
  readonly transferSyntaxUid: string
  bytes(): DatasetBytes
}

export type StoreResult = {
  readonly sopInstanceUid: string
  /** undefined when it could not be sent at all: see `error`. */
  readonly status: number | undefined
  readonly error?: unknown
}

const CHUNK_BYTES = 256 * 1024

/**
 * A DICOM file, read from disk as it is sent.
 * @throws DicomError 'not-part-10'
 */
export async function storableFile(path: string): Promise<Storable> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const { meta, transferSyntaxUid, datasetOffset } = readPart10(fileSource(handle.fd, size))
    return {
      sopClassUid: meta.text('MediaStorageSOPClassUID') ?? '',
      sopInstanceUid: meta.text('MediaStorageSOPInstanceUID') ?? '',
      transferSyntaxUid,
      bytes: () => fileBytes(path, datasetOffset),
    }
  } finally {
    await handle.close()
  }
}

/** An object made here, such as a simulated image. */
export function storableDataset(dataset: Dataset, transferSyntaxUid = EXPLICIT_LITTLE): Storable {
  return {
    sopClassUid: dataset.text('SOPClassUID') ?? '',
    sopInstanceUid: dataset.text('SOPInstanceUID') ?? '',
    transferSyntaxUid,
    bytes: () => encodeDataset(dataset, transferSyntaxUid),
  }
}

/** The data set of a file, whole and in memory: to change and send on as a new object. */
export function datasetOfFile(bytes: Buffer): { dataset: Dataset; transferSyntaxUid: string } {
  const { transferSyntaxUid, datasetOffset } = readPart10(bytes)
  return { dataset: decodeDataset(bytes, transferSyntaxUid, { offset: datasetOffset }), transferSyntaxUid }
}

/** One context for each class and transfer syntax, so that nothing has to be transcoded. */
export function storageContexts(storables: readonly Storable[]): Proposed[] {
  const distinct = new Map<string, Proposed>()
  for (const { sopClassUid, transferSyntaxUid } of storables) {
    distinct.set(`${sopClassUid} ${transferSyntaxUid}`, {
      abstractSyntax: sopClassUid,
      transferSyntaxes: [transferSyntaxUid],
    })
  }
  return [...distinct.values()]
}

/** Who asked for it, when it is a sub-operation of a C-MOVE (PS3.7 section 9.1.1). */
export type MoveOriginator = { readonly aeTitle: string; readonly messageId: number }

/** Sends one object and returns its status. @throws DicomError 'no-presentation-context' */
export async function storeOn(
  association: Association,
  storable: Storable,
  originator?: MoveOriginator,
): Promise<number> {
  const context = contextFor(association, storable.sopClassUid, storable.transferSyntaxUid)
  const fields = {
    CommandField: COMMAND.cStore,
    AffectedSOPClassUID: storable.sopClassUid,
    AffectedSOPInstanceUID: storable.sopInstanceUid,
    Priority: 0,
    MoveOriginatorApplicationEntityTitle: originator?.aeTitle,
    MoveOriginatorMessageID: originator?.messageId,
  }
  const { status } = await association.request(context, fields, storable.bytes())
  return status
}

/** Sends objects on an association of their own: one the peer will not take does not stop the others. */
export async function store(
  peer: Peer,
  storables: readonly Storable[],
  options: Omit<OpenOptions, 'contexts'> = {},
): Promise<StoreResult[]> {
  return withAssociation(peer, { ...options, contexts: storageContexts(storables) }, async (association) => {
    const results: StoreResult[] = []
    for (const storable of storables) results.push(await storeOrSayWhy(association, storable))
    return results
  })
}

async function storeOrSayWhy(association: Association, storable: Storable): Promise<StoreResult> {
  const { sopInstanceUid } = storable
  try {
    return { sopInstanceUid, status: await storeOn(association, storable) }
  } catch (error) {
    if (!isDicomError(error, 'no-presentation-context')) throw error
    return { sopInstanceUid, status: undefined, error }
  }
}

async function* fileBytes(path: string, offset: number): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r')
  try {
    for (let at = offset; ; ) {
      // A buffer of its own for each piece: the socket keeps the one before until it is sent.
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}
