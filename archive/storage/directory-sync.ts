/** Syncs directories so that a new name survives a crash; concurrent callers of one directory share one sync. */
import { close, fsync, open } from 'node:fs'
import { promisify } from 'node:util'

const openDirectory = promisify(open)
const sync = promisify(fsync)

/** Directories kept open: objects go into one for a day. */
const KEPT_OPEN = 4

export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>()
  readonly #waiting = new Map<string, Promise<void>>()
  readonly #open = new Map<string, number>()

  /** Resolves after a sync that began after this call: a sync already running may have missed our name. */
  sync(directory: string): Promise<void> {
    const waiting = this.#waiting.get(directory)
    if (waiting) return waiting
    const running = this.#running.get(directory)
    if (!running) return this.#start(directory)
    const next = running
      .catch(() => undefined)
      .then(() => {
        this.#waiting.delete(directory)
        return this.#start(directory)
      })
    this.#waiting.set(directory, next)
    return next
  }

  #start(directory: string): Promise<void> {
    const run = this.#syncNow(directory).finally(() => {
      if (this.#running.get(directory) === run) this.#running.delete(directory)
      this.#closeOthers()
    })
    this.#running.set(directory, run)
    return run
  }

  async #syncNow(directory: string): Promise<void> {
    const known = this.#open.get(directory)
    const opened = known ?? (await openDirectory(directory, 'r'))
    this.#open.set(directory, opened)
    await sync(opened)
  }

  #closeOthers(): void {
    for (const [directory, opened] of this.#open) {
      if (this.#open.size <= KEPT_OPEN) return
      if (this.#running.has(directory)) continue
      this.#open.delete(directory)
      close(opened)
    }
  }
}
