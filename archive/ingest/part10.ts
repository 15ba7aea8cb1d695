/** Objects that come as whole files (STOW-RS): the same store and the same checks, indexed before anybody is answered. */
import { isDicomError } from '#archive/dimse/dicom-error.ts'
import { encodeFileMeta, type Part10, readPart10 } from '#archive/dimse/part10.ts'
import { STATUS } from '#archive/dimse/status.ts'
import type { BlobStore, BlobWriter } from '#archive/storage/blob-store.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import type { Act } from '#db/mutations/mutate.ts'
import { indexInstances } from '#db/mutations/studies.ts'
import { examine, type Fault, instanceFrom } from './examine.ts'
import { setAside } from './set-aside.ts'

export interface Part10Options {
  department: Department
  store: BlobStore
  /** Our AE title: who received the object. */
  aeTitle: string
}

export interface Part10ToCome {
  bytes: AsyncIterable<Uint8Array>
  /** The study it must belong to; null: any. */
  studyUid: string | null
  /** Who sends it, for the audit trail. */
  actor: string
}

export type IngestedPart10 =
  | {
      outcome: 'stored' | 'repeat' | 'conflict'
      studyUid: string
      seriesUid: string
      sopClassUid: string
      sopInstanceUid: string
    }
  /** `failureReason` is (0008,1197). */
  | { outcome: 'refused'; failureReason: number; sopClassUid: string | null; sopInstanceUid: string | null }

/** Under this name files that came by DICOMweb stand where an AE title stands for others. */
const SOURCE = 'STOW-RS'

/** Safe to repeat: the same object again is a repeat, and nothing is kept twice. */
export function ingestPart10(options: Part10Options): (coming: Part10ToCome) => Promise<IngestedPart10> {
  return async (coming) => {
    const bytes = coming.bytes[Symbol.asyncIterator]()
    const head = await readHead(bytes)
    if (!head.part10) {
      await drain(bytes)
      return refusal(STATUS.cannotUnderstand, null)
    }
    return store(options, coming, { bytes, first: head.bytes, part10: head.part10 })
  }
}

const HEAD_BYTES = 64 * 1024

/** As many bytes as group 0002 takes. */
async function readHead(bytes: AsyncIterator<Uint8Array>): Promise<{ bytes: Buffer; part10: Part10 | null }> {
  const pieces: Uint8Array[] = []
  let length = 0
  let ended = false
  while (length < HEAD_BYTES && !ended) {
    const next = await bytes.next()
    ended = next.done === true
    if (next.done) break
    pieces.push(next.value)
    length += next.value.length
  }
  const read = Buffer.concat(pieces)
  try {
    return { bytes: read, part10: readPart10(read) }
  } catch (error) {
    if (!isDicomError(error)) throw error
    return { bytes: read, part10: null }
  }
}

interface Opened {
  bytes: AsyncIterator<Uint8Array>
  first: Buffer
  part10: Part10
}

async function store(
  options: Part10Options,
  coming: Part10ToCome,
  { bytes, first, part10 }: Opened,
): Promise<IngestedPart10> {
  const { department, aeTitle } = options
  const announced = {
    sopClassUid: part10.meta.text('MediaStorageSOPClassUID') ?? '',
    sopInstanceUid: part10.meta.text('MediaStorageSOPInstanceUID') ?? '',
  }
  const writer = await options.store.create()
  try {
    const { transferSyntaxUid } = part10
    await writer.writeHeader(
      encodeFileMeta({ ...announced, transferSyntaxUid, sendingAe: SOURCE, receivingAe: aeTitle }),
    )
    await writer.write(first.subarray(part10.datasetOffset))
    for (let next = await bytes.next(); !next.done; next = await bytes.next()) await writer.write(next.value)
  } catch (error) {
    await writer.abort()
    throw error
  }
  const act = await deviceAct(department, SOURCE, { source: 'web' })
  return file(options, {
    writer,
    act: { ...act, actor: { ...act.actor, id: coming.actor } },
    studyUid: coming.studyUid,
  })
}

async function file(
  { department, store }: Part10Options,
  { writer, act, studyUid }: { writer: BlobWriter; act: Act; studyUid: string | null },
): Promise<IngestedPart10> {
  // The File Meta of the file is the sender's word about its own data set; the data set itself decides.
  const result = examine(writer.source(), null)
  if ('examined' in result && studyUid !== null && result.examined.studyUid !== studyUid) {
    await writer.abort()
    return refusal(STATUS.datasetDoesNotMatch, result.examined)
  }
  const blob = await writer.commit()
  if ('fault' in result) {
    await setAside(department, act, { blob, fault: result.fault, sourceAe: SOURCE, peer: '' })
    return refusedFor(result.fault)
  }
  const instance = instanceFrom(blob, result.examined, { sourceAe: SOURCE, peer: '' })
  const [indexed] = await indexInstances(department, act, [instance])
  const outcome = indexed?.outcome ?? 'stored'
  if (outcome === 'repeat') await store.remove(blob.key)
  const { studyUid: study, seriesUid, sopClassUid, sopInstanceUid } = instance
  return { outcome, studyUid: study, seriesUid, sopClassUid, sopInstanceUid }
}

function refusedFor({ status, sopInstanceUid }: Fault): IngestedPart10 {
  return { outcome: 'refused', failureReason: status, sopClassUid: null, sopInstanceUid }
}

function refusal(
  failureReason: number,
  known: { sopClassUid: string; sopInstanceUid: string } | null,
): IngestedPart10 {
  const { sopClassUid = null, sopInstanceUid = null } = known ?? {}
  return { outcome: 'refused', failureReason, sopClassUid, sopInstanceUid }
}

// The parts after this one can only be read once this one has been.
async function drain(bytes: AsyncIterator<Uint8Array>): Promise<void> {
  while (!(await bytes.next()).done);
}
