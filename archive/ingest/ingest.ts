/**
 * How objects get into the archive: bytes as received behind our own File Meta, examined, synced and noted in the
 * journal before anybody is told Success; the index follows within a second, and after a crash at the next start.
 */
import type { Logger } from 'pino'
import { Dataset } from '#archive/dimse/dataset.ts'
import { encodeFileMeta, readPart10 } from '#archive/dimse/part10.ts'
import { STATUS } from '#archive/dimse/status.ts'
import type { BlobStore, BlobWriter, StoredBlob } from '#archive/storage/blob-store.ts'
import { datasetHash } from '#archive/storage/hash.ts'
import type { Department } from '#db/department.ts'
import { failpoint } from '#db/failpoint.ts'
import { actOf, deviceAct } from '#db/mutations/act.ts'
import type { Source } from '#db/mutations/mutate.ts'
import type { IndexOutcome, StoredInstance } from '#db/mutations/studies.ts'
import type { Actor } from '#domain/permissions.ts'
import { AsideQueue } from './aside-queue.ts'
import { DuplicateRules } from './duplicate-rules.ts'
import { type Announced, type ExaminedProtocol, examine, type Fault, instanceFrom } from './examine.ts'
import { IndexQueue } from './index-queue.ts'
import { Journal, type Noted } from './journal.ts'
import { receiveProtocol } from './receive-protocol.ts'
import { setAside } from './set-aside.ts'

export interface IngestOptions {
  department: Department
  store: BlobStore
  journalDirectory: string
  /** Our AE title: who received the object. */
  aeTitle: string
  log: Logger
  /** The door they come through; default DIMSE. */
  source?: Extract<Source, 'dimse' | 'web'>
  /** Objects that may wait for the index before Success waits for it too. */
  backlogLimit?: number
  gatherMs?: number
}

export interface ObjectToCome extends Announced {
  transferSyntaxUid: string
  sourceAe: string
  peer: string
  /** Who sends it, where that is a person or a program; left out: the device `sourceAe`. */
  sender?: Actor
}

const BACKLOG_LIMIT = 1_000
/** Of what a crash left: each is read through, and a journal may be long. */
const READ_AT_ONCE = 4
/** What a process that died left: noted in the journal, or named in the store alone. */
type Left = Noted & { isOrphan?: boolean }
/** File Meta that we wrote ourselves a moment ago. */
const NOT_READ = new Dataset()

export class Ingest {
  readonly #options: IngestOptions
  readonly #journal: Journal
  readonly #queue: IndexQueue
  readonly #asides: AsideQueue
  readonly #rules: DuplicateRules
  #stored = 0
  #setAside = 0

  private constructor(options: IngestOptions, journal: Journal) {
    this.#options = options
    this.#journal = journal
    this.#rules = new DuplicateRules(options.department.sql)
    this.#asides = new AsideQueue({
      onError: (error) => options.log.error({ err: error }, 'an object set aside has no row yet'),
    })
    this.#queue = new IndexQueue({
      department: options.department,
      source: options.source ?? 'dimse',
      ...(options.gatherMs === undefined ? {} : { gatherMs: options.gatherMs }),
      onIndexed: (outcomes) => this.#indexed(outcomes),
      onUnindexable: (instance, error) => this.#unindexable(instance, error),
      onError: (error) =>
        options.log.error({ err: error }, 'the index did not take a batch; it is tried again'),
    })
  }

  /** Opens the journal and indexes what an earlier process acknowledged and did not index. */
  static async open(options: IngestOptions): Promise<Ingest> {
    const { journal, unfinished, settle } = await Journal.open(options.journalDirectory)
    const ingest = new Ingest(options, journal)
    const recovered = await ingest.#recover(unfinished)
    await ingest.#asides.allWritten
    await settle()
    if (unfinished.length > 0)
      options.log.info({ noted: unfinished.length, indexed: recovered }, 'the journal was replayed')
    return ingest
  }

  /** Numbers for the health page. */
  state(): Record<string, number> {
    return { stored: this.#stored, setAside: this.#setAside, backlog: this.#queue.backlog }
  }

  async begin(coming: ObjectToCome): Promise<IncomingObject> {
    const { store, aeTitle } = this.#options
    const { sopClassUid, sopInstanceUid, transferSyntaxUid, sourceAe } = coming
    const meta = encodeFileMeta({
      sopClassUid,
      sopInstanceUid,
      transferSyntaxUid,
      sendingAe: sourceAe,
      receivingAe: aeTitle,
    })
    const writer = await store.create()
    writer.writeHeader(meta)
    return new IncomingObject(writer, () => this.#finish(writer, coming, meta.length))
  }

  /** Bytes that nobody could read far enough to say what they are: kept as they come, and set aside when they end. */
  async beginUnreadable({ sourceAe, peer }: { sourceAe: string; peer: string }): Promise<IncomingObject> {
    const writer = await this.#options.store.create()
    return new IncomingObject(writer, async () => {
      await drained(writer)
      const blob = await this.#kept(writer)
      const fault: Fault = { reason: 'not-part-10', status: STATUS.cannotUnderstand, sopInstanceUid: null }
      await this.#setObjectAside(blob, fault, { sourceAe, peer })
      return fault
    })
  }

  /**
   * Takes in what lies in the store and nobody knows of: a process killed between the new name of an object and its
   * note has told nobody that it is kept, and it would lie there for ever. Answers how many were filed.
   */
  adopt(keys: readonly string[]): Promise<number> {
    return this.#recover(keys.map((key) => ({ key, sha256: '', isOrphan: true })))
  }

  /** Nothing more is coming for now: what was gathered is indexed at once. */
  flush(): void {
    this.#queue.flush()
  }

  /** Indexes what waits, for so long; the journal keeps the rest for the next start. */
  async close(graceMs: number): Promise<void> {
    await Promise.all([this.#queue.close(graceMs), this.#asides.close(graceMs)])
    await this.#journal.close()
  }

  async #finish(writer: BlobWriter, coming: ObjectToCome, datasetOffset: number): Promise<Fault | null> {
    await drained(writer)
    await failpoint('store:before-sync')
    // Whatever it turns out to be, it is kept: so it is looked at while the disk syncs it.
    const kept = this.#kept(writer)
    const part10 = { meta: NOT_READ, transferSyntaxUid: coming.transferSyntaxUid, datasetOffset }
    const result = await examinedBeside(kept, () => examine(writer.source(), coming, part10))
    const blob = await kept
    await failpoint('store:after-sync')
    if ('fault' in result) {
      await this.#setObjectAside(blob, result.fault, coming)
      return result.fault
    }
    if ('protocol' in result) return await this.#takeProtocol(blob, result.protocol, coming)
    const { sourceAe, peer } = coming
    const mayBeRefused = (await this.#rules.of(sourceAe)) === 'refuse'
    const indexed = this.#queue.add(instanceFrom(blob, result.examined, { sourceAe, peer }), {
      atOnce: mayBeRefused,
    })
    this.#stored += 1
    if (mayBeRefused && (await indexed) === 'conflict') return duplicate(coming)
    if (this.#queue.backlog > (this.#options.backlogLimit ?? BACKLOG_LIMIT)) await indexed
    return null
  }

  /** Bytes, name and note are on the disk, or nothing is. */
  async #kept(writer: BlobWriter): Promise<StoredBlob> {
    const { key } = writer
    const both = [writer.commit(), this.#journal.note(key, writer.digest())] as const
    const [committed, noted] = await Promise.allSettled(both)
    if (committed.status === 'fulfilled' && noted.status === 'fulfilled') return committed.value
    // Nobody is told that it is kept: sent again and again, it would fill what room there is.
    if (committed.status === 'fulfilled') await this.#options.store.remove(key).catch(() => undefined)
    await this.#journal.done([key])
    throw committed.status === 'rejected' ? committed.reason : (noted as PromiseRejectedResult).reason
  }

  async #setObjectAside(
    blob: StoredBlob,
    fault: Fault,
    { sourceAe, peer }: { sourceAe: string; peer: string },
  ) {
    const { department, log } = this.#options
    this.#setAside += 1
    log.warn({ blob: blob.key, reason: fault.reason, aeTitle: sourceAe }, 'an object was set aside')
    const from = { address: peer, source: this.#options.source ?? 'dimse' } as const
    await this.#asides.add(async () => {
      const act = await deviceAct(department, sourceAe, from)
      await setAside(department, act, { blob, fault, sourceAe, peer })
      await this.#journal.done([blob.key])
    })
  }

  async #takeProtocol(
    blob: StoredBlob,
    protocol: ExaminedProtocol,
    { sourceAe, peer, sender }: Pick<ObjectToCome, 'sourceAe' | 'peer' | 'sender'>,
  ): Promise<Fault | null> {
    const { department, store, source = 'dimse' } = this.#options
    const from = { address: peer, source }
    const act = sender
      ? await actOf(department, sender, source, from)
      : await deviceAct(department, sourceAe, from)
    const taken = await receiveProtocol(department, act, { blob, protocol, sourceAe, peer })
    if ('fault' in taken) {
      await this.#setObjectAside(blob, taken.fault, { sourceAe, peer })
      return taken.fault
    }
    this.#stored += 1
    if (!taken.isKept) await store.remove(blob.key)
    await this.#journal.done([blob.key])
    return null
  }

  async #indexed(outcomes: readonly IndexOutcome[]): Promise<void> {
    for (const { kept, blob } of outcomes) if (!kept) await this.#options.store.remove(blob)
    await this.#journal.done(outcomes.map(({ blob }) => blob))
  }

  async #unindexable(instance: StoredInstance, error: unknown): Promise<void> {
    const { log } = this.#options
    log.error({ err: error, blob: instance.blob }, 'the index cannot take an object')
    const { blob: key, bytes, datasetOffset, sha256, sopInstanceUid } = instance
    const fault = { reason: 'index-refused', status: 0, sopInstanceUid } as const
    await this.#setObjectAside({ key, bytes, datasetOffset, sha256 }, fault, instance)
  }

  async #recover(noted: readonly Left[]): Promise<number> {
    const { sql } = this.#options.department
    let recovered = 0
    for (let from = 0; from < noted.length; from += 500) {
      const some = noted.slice(from, from + 500)
      const keys = some.map(({ key }) => key)
      const filed = await sql<{ blob: string }[]>`
        select blob from instances where blob = any(${keys}) union select blob from quarantine where blob = any(${keys})`
      const known = new Set(filed.map(({ blob }) => blob))
      const indexing: Promise<unknown>[] = []
      const left = some.filter(({ key }) => !known.has(key)).values()
      const reading = Array.from({ length: READ_AT_ONCE }, async () => {
        for (const one of left) if (await this.#recoverOne(one, indexing)) recovered += 1
      })
      await Promise.all(reading)
      await Promise.all(indexing)
    }
    return recovered
  }

  /** False when there is no such object: its sender was never told Success, or it was a repeat and has gone. */
  async #recoverOne(
    { key, sha256: noted, isOrphan = false }: Left,
    indexing: Promise<unknown>[],
  ): Promise<boolean> {
    const reader = await this.#options.store.open(key).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    })
    if (!reader) return false
    try {
      const result = examine(reader.source(), null)
      // What is no Part 10 file has no data set apart: all of it is kept and hashed.
      const datasetOffset = 'fault' in result ? 0 : readPart10(reader.source()).datasetOffset
      const sha256 = await datasetHash(reader, datasetOffset)
      const blob = { key, bytes: reader.bytes, datasetOffset, sha256 }
      if ('fault' in result) await this.#setObjectAside(blob, result.fault, { sourceAe: '', peer: '' })
      // Its sender had no answer and sent it again: what was acknowledged since is not touched by it.
      else if (isOrphan && 'examined' in result && (await this.#isKept(result.examined.sopInstanceUid)))
        return this.#neverArrived(key)
      // The note outran the bytes when the power went: nobody was told Success.
      else if (noted !== '' && noted !== sha256) return this.#neverArrived(key)
      else if ('protocol' in result) {
        const { sourceAe } = result.protocol
        await this.#takeProtocol(blob, result.protocol, { sourceAe, peer: '' })
      } else
        indexing.push(
          this.#queue.add(
            instanceFrom(blob, result.examined, { sourceAe: result.examined.sourceAe, peer: '' }),
          ),
        )
      return true
    } finally {
      await reader.close()
    }
  }

  async #isKept(sopInstanceUid: string): Promise<boolean> {
    const [row] = await this.#options.department.sql`
      select 1 from instances where sop_instance_uid = ${sopInstanceUid} limit 1`
    return row !== undefined
  }

  async #neverArrived(key: string): Promise<false> {
    this.#options.log.warn(
      { blob: key },
      'an object that was never acknowledged is incomplete, or was sent again, and was removed',
    )
    await this.#options.store.remove(key)
    return false
  }
}

/** What the disk does not take leaves no file and no descriptor. */
async function drained(writer: BlobWriter): Promise<void> {
  try {
    await writer.drain()
  } catch (error) {
    await writer.abort()
    throw error
  }
}

/** What fails on our side is the sender's to try again; the bytes are in the journal, and looked at again at the next start. */
async function examinedBeside<T>(kept: Promise<unknown>, look: () => T): Promise<T> {
  try {
    return look()
  } catch (error) {
    await kept
    throw error
  }
}

/** One object on its way in. Exactly one of `finish` and `abort` ends it. */
export class IncomingObject {
  readonly #writer: BlobWriter
  readonly #finish: () => Promise<Fault | null>

  constructor(writer: BlobWriter, finish: () => Promise<Fault | null>) {
    this.#writer = writer
    this.#finish = finish
  }

  /** They stay as they are until `drain`, or the promise if there is one, has settled. */
  write(bytes: Uint8Array): void | Promise<void> {
    return this.#writer.write(bytes)
  }

  drain(): void | Promise<void> {
    return this.#writer.drain()
  }

  /** Durable when it resolves: null, or why the object was set aside. */
  finish(): Promise<Fault | null> {
    return this.#finish()
  }

  abort(): Promise<void> {
    return this.#writer.abort()
  }
}

/** PS3.4 has no status of its own for it in Storage; 0111H is what PS3.7 calls it. */
function duplicate({ sopInstanceUid }: ObjectToCome): Fault {
  return { reason: 'duplicate-instance', status: STATUS.duplicateSopInstance, sopInstanceUid }
}
