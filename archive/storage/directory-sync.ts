/** Syncs directories so that a new name survives a crash; concurrent callers of one directory share one sync. */
import { open } from 'node:fs/promises'

export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>()
  readonly #waiting = new Map<string, Promise<void>>()

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
    const run = syncNow(directory).finally(() => {
      if (this.#running.get(directory) === run) this.#running.delete(directory)
    })
    this.#running.set(directory, run)
    return run
  }
}

async function syncNow(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
