/** The archive's DICOM ports: whom it lets in, what it serves them, and what it says of those it turns away. */
import type { Logger } from 'pino'
import {
  type Decision,
  type Listener,
  type ListenOptions,
  LOCAL_LIMIT_EXCEEDED,
  listenDimse,
  type Proposal,
} from '#archive/dimse/listener.ts'
import { Occupancy } from '#archive/dimse/occupancy.ts'
import type { Services } from '#archive/dimse/services.ts'
import { type DimseLimits, type DimseTimers, dimseLimits } from '#archive/dimse/settings.ts'
import type { Ingest } from '#archive/ingest/ingest.ts'
import type { BlobStore } from '#archive/storage/blob-store.ts'
import { FrameThreads } from '#archive/web/frame-threads.ts'
import { placeWeight } from '#archive/web/frames.ts'
import type { NativeDependencies } from '#archive/web/native.ts'
import { Recent } from '#archive/web/recent.ts'
import type { Department } from '#db/department.ts'
import type { CommitmentReports } from './commitment-reports.ts'
import { type Caller, deviceRegister, judge, settingFor } from './devices.ts'
import { RefusalLog } from './refusal-log.ts'
import { incidentOf, requestRefused, unknownCaller } from './refusals.ts'
import { servicesFor, supportsFor } from './services.ts'

export interface ArchivePort {
  department: Department
  ingest: Ingest
  /** Where the objects are that a retrieve sends. */
  store: BlobStore
  /** What storage commitment owes to who asked for it. */
  reports: CommitmentReports
  log: Logger
  host: string
  /** 0 for any free one. */
  port: number
  /** The port with TLS beside it; 0 for any free one. */
  tls?: NonNullable<ListenOptions['tls']> & { port: number }
  aeTitle: string
  limits?: Partial<DimseLimits>
  timers?: Partial<DimseTimers>
}

export interface ArchiveDoors extends Listener {
  tlsPort: number | null
  /** Incidents at the doors since the start. */
  refused(): number
}

/** @throws the error of `listen`, such as EADDRINUSE */
export async function listenArchive({ port, tls, ...parts }: ArchivePort): Promise<ArchiveDoors> {
  const { department, log, ingest, host, timers } = parts
  const refusals = new RefusalLog(department, log)
  const limits = dimseLimits(parts.limits)
  const threads = new FrameThreads()
  const stored = {
    sql: department.sql,
    blobs: parts.store,
    threads,
    places: new Recent({ most: PLACES_FRAMES, weigh: placeWeight }),
  }
  const reception = new Reception({ ...parts, ...(tls ? { tls } : {}), stored }, refusals)
  const door = {
    host,
    limits,
    ...(timers ? { timers } : {}),
    occupancy: new Occupancy(limits),
    authorise: (proposal: Proposal) => reception.authorise(proposal),
    onRefusal: (refusal) => refusals.note(incidentOf(refusal)),
    onEnd({ callingAe }) {
      reception.left(callingAe)
      ingest.flush()
    },
  } satisfies Omit<ListenOptions, 'port'>
  const plain = await listenDimse({ ...door, port })
  const secure = tls && (await listenDimse({ ...door, port: tls.port, tls }))
  return {
    port: plain.port,
    tlsPort: secure?.port ?? null,
    associations: plain.associations,
    refused: () => refusals.noted,
    async close(graceMs) {
      await Promise.all([plain.close(graceMs), secure?.close(graceMs)])
      await Promise.all([refusals.close(), threads.close()])
    },
  }
}

// Of objects that are decoded on their way out; each is asked for once.
const PLACES_FRAMES = 10_000

type ReceptionParts = Omit<ArchivePort, 'port' | 'store'> & { stored: NativeDependencies }

/** Decides on callers, and counts how often each of them is here. */
class Reception {
  readonly #parts: ReceptionParts
  readonly #refusals: RefusalLog
  readonly #registerNow: ReturnType<typeof deviceRegister>
  readonly #here = new Map<string, number>()

  constructor(parts: ReceptionParts, refusals: RefusalLog) {
    this.#parts = parts
    this.#refusals = refusals
    this.#registerNow = deviceRegister(parts.department)
  }

  async authorise(proposal: Proposal): Promise<Decision> {
    const verdict = judge(await this.#registerNow(), this.#parts.aeTitle, proposal)
    if ('rejection' in verdict) return { accept: false, ...verdict.rejection }
    const { caller } = verdict
    const here = this.#here.get(caller.aeTitle) ?? 0
    if (caller.maxAssociations !== null && here >= caller.maxAssociations) {
      const why = `This device has ${here} association${here === 1 ? '' : 's'} open`
      const setting = `devices.${caller.aeTitle}.policy.maxAssociations`
      return { accept: false, ...LOCAL_LIMIT_EXCEEDED, why, setting }
    }
    this.#here.set(caller.aeTitle, here + 1)
    if (caller.isUnknown) this.#refusals.note(unknownCaller(proposal))
    return {
      accept: true,
      supports: supportsFor(caller),
      services: this.#servicesFor(caller),
      settingFor: settingFor(caller),
    }
  }

  left(aeTitle: string): void {
    const here = (this.#here.get(aeTitle) ?? 1) - 1
    if (here > 0) this.#here.set(aeTitle, here)
    else this.#here.delete(aeTitle)
  }

  #servicesFor(caller: Caller): Services {
    const { department, ingest, stored, aeTitle, tls, reports, log } = this.#parts
    const ourselves = { aeTitle, ...(tls ? { tls } : {}) }
    const onError = (error: unknown) => log.error({ err: error, aeTitle: caller.aeTitle }, 'a request failed')
    return {
      ...servicesFor(caller, { department, ingest, stored, ourselves, reports, onError }),
      onFailure: (request, outcome) => this.#refusals.note(requestRefused(request, outcome)),
    }
  }
}
