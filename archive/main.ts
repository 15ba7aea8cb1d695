/** The archive process: takes objects, worklist queries and performed steps on the DICOM port, and indexes what it stored. */

import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { config } from '#config'
import { runService } from '#db/service.ts'
import { startDuties } from './ingest/duties.ts'
import { giveBackWhenQuiet } from './ingest/give-back.ts'
import { Ingest } from './ingest/ingest.ts'
import { CommitmentReports } from './scp/commitment-reports.ts'
import { listenArchive } from './scp/listen.ts'
import { FileStore } from './storage/file-store.ts'

// What a scanner in the middle of a series gets to finish it when the process is asked to stop.
const FINISH_MS = 8_000
const INDEX_MS = 5_000
const REPORT_MS = 1_000
const STARTED_MS = 2_000
// What a process killed a day ago left behind, an earlier start has seen.
const LEFT_FROM_MS = 24 * 60 * 60_000
// What was begun just before this start may be in hand of another process; after a minute it no longer is.
const LOOK_AFTER_MS = 60_000

await runService('archive', config, async ({ department, log }) => {
  const root = blobFolder(config.blobStore)
  const store = new FileStore(root)
  const { aeTitle, ports, dicom } = config
  const ingest = await Ingest.open({
    department,
    store,
    journalDirectory: join(root, 'journal'),
    aeTitle,
    log,
  })
  const reports = new CommitmentReports({
    department,
    store,
    ourselves: { aeTitle, ...(dicom.tls ? { tls: dicom.tls } : {}) },
    log,
    flush: () => ingest.flush(),
  })
  const listener = await listenArchive({
    department,
    ingest,
    store,
    reports,
    log,
    aeTitle,
    host: config.listen,
    port: ports.dicom,
    ...(dicom.tls ? { tls: { ...dicom.tls, port: ports.dicomTls } } : {}),
    limits: dicom.limits,
    timers: dicom.timers,
  })
  const startedAt = Date.now()
  const looking = setTimeout(() => {
    adopt().catch((error) => log.error({ err: error }, 'what a crash left behind was not looked through'))
    sweep().catch((error) => log.error({ err: error }, 'half-written objects were not removed'))
  }, LOOK_AFTER_MS)
  async function sweep(): Promise<void> {
    const swept = await store.sweepUnfinished()
    if (swept > 0)
      log.info({ swept }, 'half-written objects were removed; nobody was told that they are kept')
  }
  async function adopt(): Promise<void> {
    let adopted = 0
    for await (const left of store.keysBegun({ from: startedAt - LEFT_FROM_MS, until: startedAt }))
      adopted += await ingest.adopt(left)
    if (adopted > 0) log.info({ adopted }, 'objects that nobody knew of were taken in')
  }
  const duties = startDuties({ department, store, ingest, aeTitle, log })
  const giving = giveBackWhenQuiet({
    stored: () => ingest.state().stored ?? 0,
    isBusy: () => listener.associations.size > 0 || (ingest.state().backlog ?? 0) > 0,
  })
  // What it took to start (types stripped, modules compiled) is given back once it has started.
  setTimeout(
    () => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
    STARTED_MS,
  ).unref()
  return {
    async stop() {
      clearTimeout(looking)
      giving.stop()
      await duties.stop()
      await listener.close(FINISH_MS)
      await reports.close(REPORT_MS)
      await ingest.close(INDEX_MS)
    },
    state: () => ({
      ...ingest.state(),
      ...duties.state(),
      associations: listener.associations.size,
      refused: listener.refused(),
    }),
  }
})

/** `file:` and a folder, as a path or as a URL. */
function blobFolder(location: string): string {
  if (!location.startsWith('file:'))
    throw new Error(`BLOB_STORE: found ${JSON.stringify(location.split(':')[0])}, expected file:`)
  return location.startsWith('file://') ? fileURLToPath(location) : resolve(location.slice('file:'.length))
}
