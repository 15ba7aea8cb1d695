/** The archive's DICOM port: whom it lets in, what it serves them, and what it says of those it turns away. */
import type { Logger } from 'pino'
import { type Listener, listenDimse } from '#archive/dimse/listener.ts'
import type { DimseLimits, DimseTimers } from '#archive/dimse/settings.ts'
import type { Ingest } from '#archive/ingest/ingest.ts'
import type { BlobStore } from '#archive/storage/blob-store.ts'
import type { Department } from '#db/department.ts'
import { deviceRegister, judge } from './devices.ts'
import { recordRefusal, recordUnknownCaller } from './refusals.ts'
import { servicesFor, supportsFor } from './services.ts'

export interface ArchivePort {
  department: Department
  ingest: Ingest
  /** Where the objects are that a retrieve sends. */
  store: BlobStore
  log: Logger
  host: string
  /** 0 for any free one. */
  port: number
  aeTitle: string
  limits?: Partial<DimseLimits>
  timers?: Partial<DimseTimers>
}

/** @throws the error of `listen`, such as EADDRINUSE */
export async function listenArchive({
  department,
  ingest,
  store,
  log,
  aeTitle,
  ...door
}: ArchivePort): Promise<Listener> {
  const registerNow = deviceRegister(department)
  const noted = (what: Promise<void>) =>
    void what.catch((error) => log.error({ err: error }, 'audit not written'))
  return listenDimse({
    ...door,
    async authorise(proposal) {
      const verdict = judge(await registerNow(), aeTitle, proposal)
      if ('rejection' in verdict) return { accept: false, ...verdict.rejection }
      const { caller } = verdict
      if (caller.isUnknown) noted(recordUnknownCaller(department, proposal))
      const onError = (error: unknown) =>
        log.error({ err: error, aeTitle: caller.aeTitle }, 'a request failed')
      return {
        accept: true,
        supports: supportsFor(caller),
        services: servicesFor(caller, { department, ingest, store, aeTitle, onError }),
      }
    },
    onRefusal(refusal) {
      const { kind, remoteAddress, callingAe, why } = refusal
      log.warn({ kind, address: remoteAddress, callingAe, why }, 'refused')
      noted(recordRefusal(department, refusal))
    },
    onEnd: () => ingest.flush(),
  })
}
