/**
 * A presentation state or a selection of key images that comes from the viewer: read, held against what the archive
 * has, written anew as an object of ours and stored like any other.
 */
import type { Dataset } from '#archive/dimse/dataset.ts'
import { isDicomError } from '#archive/dimse/dicom-error.ts'
import { type DicomJson, fromDicomJson } from '#archive/dimse/dicom-json.ts'
import { encodeDataset } from '#archive/dimse/encode.ts'
import { EXPLICIT_LITTLE } from '#archive/dimse/transfer-syntax.ts'
import { newUid } from '#archive/dimse/uid.ts'
import type { Ingest } from '#archive/ingest/ingest.ts'
import type { Department } from '#db/department.ts'
import { actOf } from '#db/mutations/act.ts'
import { noteMark } from '#db/mutations/image-marks.ts'
import { markedStudy, seriesOfMark } from '#db/queries/image-marks.ts'
import type { Actor } from '#domain/permissions.ts'
import { KEY_OBJECT_SELECTION } from '#domain/rejection-note.ts'
import { keyImagesDataset } from './key-images.ts'
import type { Mark } from './mark.ts'
import { GRAYSCALE_PRESENTATION, presentationDataset } from './presentation-state.ts'

export interface MarkKeeping {
  department: Department
  ingest: Ingest
  aeTitle: string
}

export interface AskedMark {
  json: unknown
  /** The study of the address. */
  studyUid: string
  launchId: string
  actor: Actor
}

/** What was stored, or why not, as a failure reason of PS3.18 table I.2-2. */
export type KeptMark =
  | { outcome: 'stored'; studyUid: string; seriesUid: string; sopClassUid: string; sopInstanceUid: string }
  | { outcome: 'refused'; failureReason: number; sopClassUid: string | null; sopInstanceUid: string | null }

const KINDS = {
  [GRAYSCALE_PRESENTATION]: { kind: 'presentation', write: presentationDataset },
  [KEY_OBJECT_SELECTION]: { kind: 'key-images', write: keyImagesDataset },
} as const

const CLASS_NOT_SUPPORTED = 0x0122
/** A900H: it does not fit the study that it is to be about. */
const DOES_NOT_FIT = 0xa900
const CANNOT_UNDERSTAND = 0xc000

export async function keepMark(keeping: MarkKeeping, { json, ...wanted }: AskedMark): Promise<KeptMark> {
  const asked = datasetOf(json)
  const sopClassUid = asked?.text('SOPClassUID') ?? null
  const sopInstanceUid = asked?.text('SOPInstanceUID') ?? null
  const refused = (failureReason: number): KeptMark => ({
    outcome: 'refused',
    failureReason,
    sopClassUid,
    sopInstanceUid,
  })
  if (!asked || sopInstanceUid === null || !OWN_UID.test(sopInstanceUid)) return refused(CANNOT_UNDERSTAND)
  if (!isMark(sopClassUid)) return refused(CLASS_NOT_SUPPORTED)
  const { kind, write } = KINDS[sopClassUid]
  const mark = await completed(keeping, { asked, sopInstanceUid, ...wanted })
  if (!mark) return refused(DOES_NOT_FIT)
  const dataset = written(mark, write)
  if (!dataset) return refused(CANNOT_UNDERSTAND)
  await noteMark(keeping.department, await actOf(keeping.department, wanted.actor, 'web'), {
    sopInstanceUid,
    studyUid: wanted.studyUid,
    kind,
    launchId: wanted.launchId,
    images: mark.instances.length,
  })
  // Sent twice it stands once: the second answer is the first one's.
  const before = await seriesOfMark(keeping.department.sql, sopInstanceUid)
  if (before !== null)
    return { outcome: 'stored', studyUid: wanted.studyUid, seriesUid: before, sopClassUid, sopInstanceUid }
  await store(keeping, { sopClassUid, sopInstanceUid, dataset })
  return {
    outcome: 'stored',
    studyUid: wanted.studyUid,
    seriesUid: mark.seriesUid,
    sopClassUid,
    sopInstanceUid,
  }
}

/** Made of a UUID (PS3.5 B.2): nobody can pick the UID of an object that is there. */
const OWN_UID = /^2\.25\.[1-9]\d{0,38}$/

const isMark = (uid: string | null): uid is keyof typeof KINDS => uid !== null && Object.hasOwn(KINDS, uid)

function datasetOf(json: unknown): Dataset | null {
  if (typeof json !== 'object' || json === null) return null
  return understood(() => fromDicomJson(json as DicomJson))
}

const written = (mark: Mark, write: (mark: Mark) => Dataset): Dataset | null => understood(() => write(mark))

function understood<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (isDicomError(error) || error instanceof TypeError || error instanceof RangeError) return null
    throw error
  }
}

interface Asked {
  asked: Dataset
  sopInstanceUid: string
  studyUid: string
  actor: Actor
}

/** Null when it is about nothing, or about an image that the study does not show. */
async function completed(
  { department }: MarkKeeping,
  { asked, sopInstanceUid, studyUid, actor }: Asked,
): Promise<Mark | null> {
  const wanted = [...new Set(referencedIn(asked))]
  const found = await markedStudy(department.sql, { studyUid, sopInstanceUids: wanted, userId: actor.id })
  if (!found || wanted.length === 0 || found.instances.length !== wanted.length) return null
  if (asked.text('StudyInstanceUID') !== studyUid) return null
  const at = await department.now()
  return { asked, sopInstanceUid, seriesUid: newUid(), studyUid, at, ...found }
}

/** Of a presentation the images that it is for, of a selection those that it points out. */
function referencedIn(asked: Dataset): string[] {
  const references = [
    ...asked.items('ReferencedSeriesSequence').flatMap((one) => [...one.items('ReferencedImageSequence')]),
    ...asked.items('ContentSequence').flatMap((one) => [...one.items('ReferencedSOPSequence')]),
  ]
  return references.flatMap((image) => image.text('ReferencedSOPInstanceUID') ?? [])
}

async function store(
  { ingest, aeTitle }: MarkKeeping,
  object: { sopClassUid: string; sopInstanceUid: string; dataset: Dataset },
): Promise<void> {
  const { sopClassUid, sopInstanceUid, dataset } = object
  const coming = await ingest.begin({
    sopClassUid,
    sopInstanceUid,
    transferSyntaxUid: EXPLICIT_LITTLE,
    sourceAe: aeTitle,
    peer: 'web',
  })
  await coming.write(encodeDataset(dataset, EXPLICIT_LITTLE))
  const fault = await coming.finish()
  if (fault) throw new Error(`a mark of ours was set aside: ${fault.reason}`)
}
