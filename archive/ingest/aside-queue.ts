/** Objects to be set aside: the journal has each until its row is written, which waits while the database is away. */
import { isAboutTheData } from '#db/client.ts'

export interface AsideQueueOptions {
  /** What is not taken now is logged, and tried again. */
  onError(error: unknown): void
  retryMs?: number
}

/** How long a sender waits for its answer beside a database that is slow or away. */
const PATIENCE_MS = 1_000
/** As many may wait before their senders do. */
const MOST_WAITING = 500
const RETRY_MS = 1_000

export class AsideQueue {
  readonly #options: AsideQueueOptions
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0
  #stop = Promise.withResolvers<void>()
  #isClosing = false

  constructor(options: AsideQueueOptions) {
    this.#options = options
  }

  /** Resolves when the row is written, or after a moment: the bytes are kept either way. */
  async add(write: () => Promise<void>): Promise<void> {
    this.#waiting += 1
    const written = this.#turn
      .then(() => this.#write(write))
      .finally(() => {
        this.#waiting -= 1
      })
    this.#turn = written
    if (this.#waiting > MOST_WAITING) await written
    else await Promise.race([written, pause(PATIENCE_MS)])
  }

  /** Resolves when every row is written. */
  get allWritten(): Promise<void> {
    return this.#turn
  }

  /** What is not written in so long is left to the journal. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    this.#stop.resolve()
    await Promise.race([this.#turn, pause(graceMs)])
  }

  async #write(write: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await write()
      } catch (error) {
        this.#options.onError(error)
        if (isAboutTheData(error) || this.#isClosing) return
      }
      await Promise.race([pause(this.#options.retryMs ?? RETRY_MS), this.#stop.promise])
    }
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())
