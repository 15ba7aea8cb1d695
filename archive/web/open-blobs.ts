/** Stored objects that were read a moment ago stay open: frames of one object are asked for one after another. */
import type { BlobReader, BlobStore } from '../storage/blob-store.ts'

interface Opened {
  reader: Promise<BlobReader>
  /** Reads on their way; it is closed only when there are none. */
  reads: number
  lastUsed: number
}

const MOST_OPEN = 64
/** What is removed from the disk is let go of within twice this time. */
const UNUSED_MS = 2_000

export class OpenBlobs {
  readonly #blobs: BlobStore
  /** The longest unused first. */
  readonly #open = new Map<string, Opened>()
  #timer: NodeJS.Timeout | undefined

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /** Fills the target with the object's bytes from there on. @throws when the object ends before */
  async read(blob: string, target: Buffer, offset: number): Promise<void> {
    const opened = this.#opened(blob)
    opened.reads += 1
    try {
      const read = await (await opened.reader).readInto(target, offset)
      if (read.length < target.length) throw new Error(`${blob} ends before byte ${offset + target.length}`)
    } catch (error) {
      // What could not be read is opened anew the next time.
      if (this.#open.get(blob) === opened) this.#open.delete(blob)
      throw error
    } finally {
      opened.reads -= 1
      if (opened.reads === 0 && this.#open.get(blob) !== opened) close(opened)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    const idle = [...this.#open.values()].filter(({ reads }) => reads === 0)
    this.#open.clear()
    await Promise.all(idle.map(close))
  }

  #opened(blob: string): Opened {
    const opened = this.#open.get(blob) ?? { reader: this.#blobs.open(blob), reads: 0, lastUsed: 0 }
    this.#open.delete(blob)
    this.#open.set(blob, opened)
    opened.lastUsed = Date.now()
    if (this.#open.size > MOST_OPEN) this.#drop(this.#open.keys().next().value!)
    this.#timer ??= setInterval(() => this.#dropUnused(), UNUSED_MS).unref()
    return opened
  }

  #dropUnused(): void {
    const before = Date.now() - UNUSED_MS
    for (const [blob, { lastUsed, reads }] of this.#open)
      if (lastUsed < before && reads === 0) this.#drop(blob)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #drop(blob: string): void {
    const opened = this.#open.get(blob)!
    this.#open.delete(blob)
    if (opened.reads === 0) void close(opened)
  }
}

async function close({ reader }: Opened): Promise<void> {
  await reader.then(
    (opened) => opened.close(),
    () => {}, // it could not be opened, which its reader was told
  )
}
