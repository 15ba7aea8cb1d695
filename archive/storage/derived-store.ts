/** Bytes that can be made again from objects and rows (prerendered metadata): kept for speed, never synced. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ulid } from '#db/ulid.ts'

/** `put` writes under the name with a ULID behind it. */
const WRITTEN = /\.[0-9A-HJKMNP-TV-Z]{26}$/
const KEY = /^[0-9A-Za-z][0-9A-Za-z./-]*$/

export class DerivedStore {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async get(key: string): Promise<Buffer | null> {
    try {
      return await readFile(this.#path(key))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  /** Whole or not at all: a reader never sees half of it. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(key)
    await mkdir(dirname(path), { recursive: true, mode: 0o750 })
    const made = `${path}.${ulid()}`
    await writeFile(made, bytes, { mode: 0o640 })
    await rename(made, path)
  }

  /** Removes what a folder holds under names with this beginning, but for what is kept. */
  async removeOthers(
    folder: string,
    { beginning, keep }: { beginning: string; keep: readonly string[] },
  ): Promise<void> {
    for (const name of await readdir(this.#path(folder))) {
      const isOld = name.startsWith(beginning) && !keep.includes(`${folder}${name}`)
      // Under another name than its own it is being written.
      if (isOld && !WRITTEN.test(name)) await rm(this.#path(`${folder}${name}`), { force: true })
    }
  }

  #path(key: string): string {
    if (!KEY.test(key) || key.includes('..'))
      throw new Error(`not a key of derived bytes: ${JSON.stringify(key)}`)
    return join(this.#root, 'derived', key)
  }
}
