/** What the archive does by itself beside receiving: what queries answer of corrected studies, rejection notes and reports that are owed, reading stored objects again, rows of an older release. */
import type { Logger } from 'pino'
import { writeReports } from '#archive/reports/write-reports.ts'
import type { BlobStore } from '#archive/storage/blob-store.ts'
import { verifyStored } from '#archive/storage/verification.ts'
import type { Department } from '#db/department.ts'
import { keyNameGroups } from '#db/mutations/name-groups.ts'
import { policyOf } from '#db/queries/policy.ts'
import type { Ingest } from './ingest.ts'
import { stateStudies } from './state-studies.ts'
import { writeNotes } from './write-notes.ts'

export interface DutyParts {
  department: Department
  store: BlobStore
  ingest: Ingest
  aeTitle: string
  log: Logger
  everyMs?: number
}

const EVERY_MS = 2_000
/** A million studies take a quarter of an hour. */
const KEYED_A_ROUND = 2_000

export interface Duties {
  state(): Record<string, number>
  stop(): Promise<void>
}

/** One round after the other until `stop`; a round that fails (the database is away) is logged and the next one comes. */
export function startDuties({
  department,
  store,
  ingest,
  aeTitle,
  log,
  everyMs = EVERY_MS,
}: DutyParts): Duties {
  const { sql } = department
  const done = { verified: 0, damaged: 0, notes: 0, reports: 0, stated: 0 }
  let stored = ingest.state().stored ?? 0
  let isBackfilling = true
  async function round(): Promise<void> {
    const now = ingest.state().stored ?? 0
    const isBusy = now > stored
    stored = now
    if (isBackfilling) isBackfilling = await keyNameGroups(sql, KEYED_A_ROUND)
    done.stated += await stateStudies({ sql, log, isBusy })
    done.notes += await writeNotes({ sql, ingest, aeTitle })
    done.reports += await writeReports({ sql, ingest, aeTitle, log })
    const { verification } = await policyOf(sql)
    // Scanners come first: while they send, one object a round keeps the rolling going.
    const budgetBytes = isBusy ? 1 : (verification.bytesPerSecond * everyMs) / 1_000
    const { read, damaged } = await verifyStored({ department, store }, { budgetBytes })
    done.verified += read
    done.damaged += damaged
    if (damaged > 0) log.error({ damaged }, 'stored objects are damaged or missing')
  }
  const stopping = new AbortController()
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await round().catch((error) =>
        log.error({ err: error }, 'a duty of the archive failed; it is tried again'),
      )
      await pause(everyMs, stopping.signal)
    }
  })()
  return {
    state: () => ({ ...done }),
    async stop() {
      stopping.abort()
      await running
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
