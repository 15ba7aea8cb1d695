/** Objects on their way into the index: gathered for half a second, written in one transaction, one batch in flight. */
import { isAboutTheData } from '#db/client.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import type { Source } from '#db/mutations/mutate.ts'
import { type IndexOutcome, indexInstances, type StoredInstance } from '#db/mutations/studies.ts'

export interface IndexQueueOptions {
  department: Department
  source: Source
  /** Called after each commit, and for what no index will ever take; a failure of it is logged, never fatal. */
  onIndexed(outcomes: readonly IndexOutcome[]): Promise<void>
  onUnindexable(instance: StoredInstance, error: unknown): Promise<void>
  onError(error: unknown): void
  gatherMs?: number
  maxBatch?: number
}

interface Waiting {
  instance: StoredInstance
  resolve: (outcome: IndexOutcome['outcome'] | 'unindexable') => void
}

const GATHER_MS = 500
const MAX_BATCH = 250
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 10_000

export class IndexQueue {
  readonly #options: IndexQueueOptions
  #waiting: Waiting[] = []
  #inFlight = 0
  #running: Promise<void> | undefined
  #hurry: (() => void) | undefined
  /** Somebody waits for an answer that only the index can give. */
  #isAwaited = false
  #isClosing = false

  constructor(options: IndexQueueOptions) {
    this.#options = options
  }

  /** Objects not yet indexed. */
  get backlog(): number {
    return this.#waiting.length + this.#inFlight
  }

  /** Resolves when the object is indexed or set aside, and never rejects: until then it is tried again. */
  add(
    instance: StoredInstance,
    { atOnce = false }: { atOnce?: boolean } = {},
  ): Promise<IndexOutcome['outcome'] | 'unindexable'> {
    const { promise, resolve } = Promise.withResolvers<IndexOutcome['outcome'] | 'unindexable'>()
    this.#waiting.push({ instance, resolve })
    if (atOnce) this.#isAwaited = true
    if (atOnce || this.#waiting.length >= this.#maxBatch) this.#hurry?.()
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return promise
  }

  /** Nothing more is coming for now: what was gathered is written at once. */
  flush(): void {
    this.#hurry?.()
  }

  /** Writes what waits, for so long; the journal keeps the rest. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    this.#hurry?.()
    await Promise.race([this.#running, pause(graceMs)])
  }

  get #maxBatch(): number {
    return this.#options.maxBatch ?? MAX_BATCH
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather()
      for (const batch of bySource(this.#waiting.splice(0, this.#maxBatch))) {
        this.#inFlight = batch.length
        await this.#write(batch)
        this.#inFlight = 0
      }
    }
  }

  async #gather(): Promise<void> {
    const isAwaited = this.#isAwaited
    this.#isAwaited = false
    if (isAwaited || this.#isClosing || this.#waiting.length >= this.#maxBatch) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, this.#options.gatherMs ?? GATHER_MS)
    this.#hurry = resolve
    await promise
    clearTimeout(timer)
    this.#hurry = undefined
    this.#isAwaited = false
  }

  async #write(batch: Waiting[]): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      try {
        return await this.#index(batch)
      } catch (error) {
        this.#options.onError(error)
        if (isAboutTheData(error)) return this.#writeApart(batch, error)
        if (this.#isClosing) return
        await pause(retryMs)
      }
    }
  }

  async #index(batch: Waiting[]): Promise<void> {
    const { department, source } = this.#options
    const first = batch[0]!.instance
    const act = await deviceAct(department, first.sourceAe, { address: first.peer, source })
    const outcomes = await indexInstances(
      department,
      act,
      batch.map(({ instance }) => instance),
    )
    const byBlob = new Map(outcomes.map((one) => [one.blob, one.outcome]))
    for (const { instance, resolve } of batch) resolve(byBlob.get(instance.blob) ?? 'stored')
    await this.#options.onIndexed(outcomes).catch(this.#options.onError)
  }

  // One object that the database will not have must not keep the others of its batch out of the index.
  async #writeApart(batch: Waiting[], error: unknown): Promise<void> {
    if (batch.length > 1) {
      for (const one of batch) await this.#write([one])
      return
    }
    const [{ instance, resolve }] = batch as [Waiting]
    await this.#options.onUnindexable(instance, error).catch(this.#options.onError)
    resolve('unindexable')
  }
}

function bySource(waiting: Waiting[]): Waiting[][] {
  return [...Map.groupBy(waiting, ({ instance }) => instance.sourceAe).values()]
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())
