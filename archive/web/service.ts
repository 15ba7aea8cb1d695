/** DICOMweb as a process holds it: blobs, prerendered metadata, its own way into the archive, and the audit trail. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Department } from '#db/department.ts'
import { actOf } from '#db/mutations/act.ts'
import { audit } from '#db/mutations/audit.ts'
import { rejectInstances } from '#db/mutations/rejections.ts'
import { Ingest } from '../ingest/ingest.ts'
import { keepMark } from '../marks/keep-mark.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { DerivedStore } from '../storage/derived-store.ts'
import { FileStore } from '../storage/file-store.ts'
import type { Asking } from './access.ts'
import { type Dicomweb, dicomweb } from './dicomweb.ts'
import { FrameThreads } from './frame-threads.ts'
import { placeWeight } from './frames.ts'
import { Prerender } from './prerender.ts'
import { Recent } from './recent.ts'
import { ShownObjects } from './shown-objects.ts'
import { type Storing, storePart10 } from './store-part10.ts'

export interface DicomwebService {
  answer: Dicomweb
  blobs: BlobStore
  close(): Promise<void>
}

export interface DicomwebOptions {
  department: Department
  /** Root of the blob store that the archive process writes to. */
  blobFolder: string
  aeTitle: string
  log: Logger
  /** The longest object that is taken over the web. */
  largestBytes?: number
}

const LARGEST_BYTES = 4 * 1024 ** 3

const INDEX_MS = 5_000
const SAME_VIEW_MS = 15 * 60_000
const MOST_REMEMBERED = 10_000
const PAGE_ENDS = 10_000
const BODIES_BYTES = 64 * 1024 * 1024
/** Some fifty bytes each. */
const PLACES_FRAMES = 500_000

export async function openDicomweb({
  department,
  blobFolder,
  aeTitle,
  log,
  largestBytes = LARGEST_BYTES,
}: DicomwebOptions): Promise<DicomwebService> {
  const blobs = new FileStore(blobFolder)
  const shown = new ShownObjects(department.sql)
  // A web client is answered once its object can be found: Success always waits for the index here.
  const ingest = await Ingest.open({
    department,
    store: blobs,
    journalDirectory: join(blobFolder, 'journal-web'),
    aeTitle,
    log,
    source: 'web',
    backlogLimit: 0,
    gatherMs: 5,
  })
  const given = onceInAWhile((asking) => write(department, asking, 'success'))
  const threads = new FrameThreads()
  const metadata = {
    sql: department.sql,
    derived: new DerivedStore(blobFolder),
    bodies: new Recent<Buffer>({ most: BODIES_BYTES, weigh: (body) => body.length }),
  }
  const prerender = new Prerender({
    ...metadata,
    onError: (error) => log.error({ err: error }, 'metadata could not be made ready'),
  })
  prerender.start()
  const answer = dicomweb({
    ...metadata,
    blobs,
    threads,
    places: new Recent({ most: PLACES_FRAMES, weigh: placeWeight }),
    shown,
    pages: new Recent({ most: PAGE_ENDS }),
    ingest: (incoming) =>
      storePart10({ sql: department.sql, ingest, largestBytes, denied: addingDenied(department) }, incoming),
    mark: (asked) => keepMark({ department, ingest, aeTitle }, asked),
    reject: async ({ actor, ...asked }) => {
      await rejectInstances(department, await actOf(department, actor, 'web'), asked)
      shown.forget()
    },
    denied: (asking) => write(department, asking, 'denied'),
    given,
    failed: (error, route) => log.error({ err: error, route }, 'a DICOMweb request failed'),
  })
  const close = async () => {
    await Promise.all([prerender.close(), ingest.close(INDEX_MS)])
    await threads.close()
  }
  return { answer, blobs, close }
}

/** An object of a study that may not be seen, stored to any: its address names no study, the object does. */
const addingDenied =
  (department: Department): Storing['denied'] =>
  (actor, studyUid) =>
    write(department, { actor, studyUid, launchId: null, method: 'POST', route: 'studies' }, 'denied')

async function write(department: Department, asking: Asking, outcome: 'denied' | 'success'): Promise<void> {
  const { actor, studyUid, launchId, method, route } = asking
  await audit(
    department,
    { actor, source: 'web', machineNow: new Date() },
    {
      subject: studyUid === null ? `user:${actor.id}` : `study:${studyUid}`,
      type: outcome === 'denied' ? 'images.denied' : 'images.given',
      outcome,
      data: { launchId, method, route },
    },
  )
}

/**
 * A program that fetches five hundred frames has seen one study once. Whatever is asked for meanwhile waits for the
 * same row, and a row that could not be written is tried again by the next.
 */
function onceInAWhile(
  note: (asking: Asking) => Promise<void>,
): (asking: Asking) => Promise<void> | undefined {
  const seen = new Map<string, { at: number; writing: Promise<void> | undefined }>()
  return (asking) => {
    const key = `${asking.actor.id} ${asking.studyUid}`
    const now = Date.now()
    const before = seen.get(key)
    if (before && now - before.at < SAME_VIEW_MS) return before.writing
    if (seen.size >= MOST_REMEMBERED) seen.clear()
    const view = { at: now, writing: undefined as Promise<void> | undefined }
    seen.set(key, view)
    view.writing = note(asking).then(
      () => {
        view.writing = undefined
      },
      (error) => {
        if (seen.get(key) === view) seen.delete(key)
        throw error
      },
    )
    return view.writing
  }
}
