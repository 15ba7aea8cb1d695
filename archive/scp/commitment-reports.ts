/**
 * The reports that storage commitment owes (PS3.4 J.3.3): checked, then told, on the association that the request came
 * on or on one of our own, after a restart too, and again and again while the modality is away.
 */
import type { Logger } from 'pino'
import type { Association } from '#archive/dimse/association.ts'
import { type DicomError, isDicomError } from '#archive/dimse/dicom-error.ts'
import { STORAGE_COMMITMENT_PUSH } from '#archive/dimse/sop-class.ts'
import { STATUS, statusHex } from '#archive/dimse/status.ts'
import { type CommitmentReport, REPORT_CONTEXT, reportOn } from '#archive/scu/commitment.ts'
import type { BlobStore } from '#archive/storage/blob-store.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import {
  claimCommitment,
  commitmentNotReported,
  commitmentReported,
  decideCommitment,
  type OwedCommitment,
  postponeCommitment,
  renewCommitment,
} from '#db/mutations/commitments.ts'
import { addressOf } from '#db/queries/dimse-query.ts'
import { checkInstances } from './commitment-check.ts'
import { dial, type Ourselves } from './dial.ts'

export interface ReportTimings {
  /** How long instances that are not in the index yet may still be on their way. */
  patienceMs: number
  recheckMs: number
  /** Waits between attempts; the last one again and again. */
  retryMs: readonly number[]
  /** From the request on, until a modality that is away is given up. */
  giveUpMs: number
  /** How often what is due is looked for when nothing wakes us. */
  pollMs: number
  /** What was found is looked at anew before it is told, when it is older than this. */
  freshMs: number
  /** A report under way is given back to others after this, when the process that had it died. */
  leaseMs: number
}

const MINUTE_MS = 60_000

export const REPORT_TIMINGS: ReportTimings = {
  patienceMs: 10_000,
  recheckMs: 1_000,
  retryMs: [2_000, 10_000, 30_000, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS],
  giveUpMs: 7 * 24 * 60 * MINUTE_MS,
  pollMs: 5_000,
  freshMs: 10 * MINUTE_MS,
  leaseMs: 2 * MINUTE_MS,
}

/** Attempts in a row that a modality may be away before somebody is told; about twenty minutes. */
const TOLD_AFTER_ATTEMPTS = 8

// One that is slow to answer must not hold up all others.
const WORKERS = 3

export interface ReportParts {
  department: Department
  store: BlobStore
  ourselves: Ourselves
  log: Logger
  /** What was received and is not in the index yet goes there now. */
  flush: () => void
  timings?: Partial<ReportTimings>
}

export class CommitmentReports {
  readonly #parts: ReportParts
  readonly #timings: ReportTimings
  /** Associations that requests came on, while they last. */
  readonly #open = new Map<string, Association>()
  /** Taken and answered a moment ago. */
  readonly #answered = new Set<string>()
  readonly #sleepers = new Set<() => void>()
  readonly #working: Promise<unknown>
  #closed = false

  constructor(parts: ReportParts) {
    this.#parts = parts
    this.#timings = { ...REPORT_TIMINGS, ...parts.timings }
    this.#working = Promise.all(Array.from({ length: WORKERS }, () => this.#work()))
  }

  patienceFrom(machineNow: Date): Date {
    return new Date(machineNow.getTime() + this.#timings.patienceMs)
  }

  /** A request has been taken; its report goes back on this association if it is still there by then. */
  owed(id: string, association: Association): void {
    this.#open.set(id, association)
    void association.ended.then(() => {
      if (this.#open.get(id) === association) this.#open.delete(id)
    })
    // After the answer to the request has gone, which is written when the handler returns.
    setImmediate(() => {
      this.#answered.add(id)
      this.#wake()
    })
  }

  /** Lets what is under way finish, for so long; what is still owed then is a row. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true
    this.#wake()
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([this.#working, patience])
    clearTimeout(timer)
  }

  #wake(): void {
    for (const wake of [...this.#sleepers]) wake()
  }

  async #work(): Promise<void> {
    while (!this.#closed) {
      try {
        const answered = [...this.#answered]
        const owed = await claimCommitment(this.#parts.department, new Date(), {
          leaseMs: this.#timings.leaseMs,
          answered,
        })
        if (owed) this.#answered.delete(owed.id)
        if (owed) await this.#leased(owed)
        else await this.#sleep()
      } catch (error) {
        this.#parts.log.error({ err: error }, 'a storage commitment report could not be dealt with')
        await this.#sleep()
      }
    }
  }

  #sleep(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#sleepers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, this.#timings.pollMs)
      this.#sleepers.add(wake)
    })
  }

  // Terabytes are read back, or a modality is slow to answer: nobody else does the same meanwhile.
  async #leased(owed: OwedCommitment): Promise<void> {
    const { department, log } = this.#parts
    const { leaseMs } = this.#timings
    let { leasedUntil } = owed
    const renew = async () => {
      const until = new Date(Date.now() + leaseMs)
      if (await renewCommitment(department, { id: owed.id, leasedUntil, until })) leasedUntil = until
    }
    const timer = setInterval(() => {
      renew().catch((error) => log.warn({ err: error }, 'the lease of a storage commitment report'))
    }, leaseMs / 4)
    try {
      await this.#settle(owed)
    } finally {
      clearInterval(timer)
    }
  }

  async #settle(owed: OwedCommitment): Promise<void> {
    const { department, log } = this.#parts
    const failures = owed.failures ?? (await this.#decide(owed))
    if (!failures) return
    try {
      const onSameAssociation = await this.#tell({ ...owed, failures })
      const act = await this.#act(owed)
      await commitmentReported(department, act, { id: owed.id, aeTitle: owed.aeTitle, onSameAssociation })
    } catch (error) {
      if (!(error instanceof NotTold) && !isDicomError(error)) throw error
      log.warn({ aeTitle: owed.aeTitle, why: error.message }, 'a storage commitment report was not delivered')
      await this.#failed(owed, error instanceof NotTold ? error.message : whyNot(error))
    }
  }

  /** Undefined while something that is missing may still come. */
  async #decide(owed: OwedCommitment): Promise<Record<string, number> | undefined> {
    const { department, store, flush } = this.#parts
    flush()
    const found = await checkInstances({ sql: department.sql, store }, owed)
    const isMissing = Object.values(found.failures).includes(STATUS.noSuchSopInstance)
    if (isMissing && Date.now() < owed.patienceUntil.getTime()) {
      const until = new Date(Date.now() + this.#timings.recheckMs)
      await postponeCommitment(department, { id: owed.id, until })
      setTimeout(() => this.#wake(), this.#timings.recheckMs + 10).unref()
      return undefined
    }
    await decideCommitment(department, await this.#act(owed), { id: owed.id, ...found })
    return found.failures
  }

  /** True when it went on the association that the request came on. */
  async #tell(owed: OwedCommitment & { failures: Record<string, number> }): Promise<boolean> {
    const association = this.#open.get(owed.id)
    this.#open.delete(owed.id)
    if (association && !association.isOver) {
      const status = await reportOn(association, this.#reportOf(owed)).catch(() => undefined)
      if (status === STATUS.success) return true
    }
    await this.#tellAnew(owed)
    return false
  }

  async #tellAnew(owed: OwedCommitment & { failures: Record<string, number> }): Promise<void> {
    const { department, ourselves } = this.#parts
    const address = await addressOf(department.sql, owed.aeTitle)
    if (!address) throw new NotTold('Its device is not enabled or has no host and port')
    const association = await dial(ourselves, address, { contexts: [REPORT_CONTEXT] })
    try {
      const answer = association.agreement.roles.find(
        ({ sopClassUid }) => sopClassUid === STORAGE_COMMITMENT_PUSH,
      )
      // No answer at all to the role is how older modalities accept it.
      if (answer && !answer.scp) throw new NotTold('It does not let us be the SCP of storage commitment')
      const status = await reportOn(association, this.#reportOf(await this.#fresh(owed)))
      if (status !== STATUS.success) throw new NotTold(`It answered the report with ${statusHex(status)}`)
    } finally {
      await association.release()
    }
  }

  /** Found again when it was found long ago: a modality deletes its copy on our word. */
  async #fresh(
    owed: OwedCommitment & { failures: Record<string, number> },
  ): Promise<OwedCommitment & { failures: Record<string, number> }> {
    const { department, store } = this.#parts
    const isFresh = !owed.checkedAt || Date.now() - owed.checkedAt.getTime() < this.#timings.freshMs
    if (isFresh) return owed
    const found = await checkInstances({ sql: department.sql, store }, owed)
    await decideCommitment(department, await this.#act(owed), { id: owed.id, ...found })
    return { ...owed, failures: found.failures }
  }

  #reportOf({
    transactionUid,
    sopClassUids,
    sopInstanceUids,
    failures,
  }: OwedCommitment & { failures: Record<string, number> }): CommitmentReport {
    const all = sopInstanceUids.map((sopInstanceUid, at) => ({
      sopClassUid: sopClassUids[at]!,
      sopInstanceUid,
    }))
    return {
      transactionUid,
      retrieveAe: this.#parts.ourselves.aeTitle,
      committed: all.filter(({ sopInstanceUid }) => failures[sopInstanceUid] === undefined),
      failed: all.flatMap((one) => {
        const reason = failures[one.sopInstanceUid]
        return reason === undefined ? [] : [{ ...one, reason }]
      }),
    }
  }

  async #failed({ id, aeTitle, attempts, patienceUntil }: OwedCommitment, why: string): Promise<void> {
    const { retryMs, giveUpMs, patienceMs } = this.#timings
    const requestedAt = patienceUntil.getTime() - patienceMs
    const isLast = Date.now() - requestedAt > giveUpMs
    const waitMs = retryMs[Math.min(attempts, retryMs.length - 1)]!
    const nextAttemptAt = isLast ? null : new Date(Date.now() + waitMs)
    const isTold = isLast || attempts + 1 === TOLD_AFTER_ATTEMPTS
    const ending = isLast ? 'It is given up.' : 'It is tried again until it is heard.'
    await commitmentNotReported(this.#parts.department, await this.#act({ aeTitle }), {
      id,
      aeTitle,
      nextAttemptAt,
      reason: isTold
        ? `${aeTitle} asked whether its images are stored and cannot be told. ${why}. ${ending}`
        : null,
    })
    if (nextAttemptAt) setTimeout(() => this.#wake(), waitMs + 10).unref()
  }

  #act({ aeTitle }: { aeTitle: string }) {
    return deviceAct(this.#parts.department, aeTitle)
  }
}

function whyNot(error: DicomError): string {
  if (error.code === 'no-presentation-context') return 'It does not take storage commitment reports from us'
  return error.code === 'association-rejected' ? 'It rejected our association' : 'It could not be reached'
}

/** Words for an administrator: why a report did not reach its modality. */
class NotTold extends Error {}
