/**
 * Keys and hashes of objects that were acknowledged and may not be indexed yet: an append-only log in segments, one synced write
 * for all that wait together. A segment goes when all its objects are indexed, so a start reads what is left and no more.
 */
import { fdatasync, writeSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ulid } from '#db/ulid.ts'

const datasync = promisify(fdatasync)
const KEYS_PER_SEGMENT = 1_000
/** More than so many lines take. */
const SEGMENT_BYTES = 256 * 1024

interface Segment {
  path: string
  file: FileHandle
  written: number
  bytes: number
  open: Set<string>
}

export class Journal {
  readonly #directory: string
  readonly #segmentOf = new Map<string, Segment>()
  #current: Segment | undefined
  #waiting: { key: string; sha256: string; resolve: () => void; reject: (error: unknown) => void }[] = []
  #writing: Promise<void> | undefined

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** Opens the journal; `unfinished` are the keys an earlier process left behind, `settle` forgets them. */
  static async open(
    directory: string,
  ): Promise<{ journal: Journal; unfinished: Noted[]; settle: () => Promise<void> }> {
    await mkdir(directory, { recursive: true, mode: 0o750 })
    const left = (await readdir(directory)).filter((name) => name.endsWith('.log')).sort()
    const lines = await Promise.all(left.map((name) => readFile(join(directory, name), 'utf8')))
    const settle = async () => {
      for (const name of left) await rm(join(directory, name), { force: true })
    }
    return { journal: new Journal(directory), unfinished: wholeLines(lines).map(notedIn), settle }
  }

  /** Resolves when the note would survive a crash. */
  note(key: string, sha256: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, sha256, resolve, reject })
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined
      })
    })
  }

  /** The object is indexed, set aside or gone: a start need not look at it. */
  async done(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const segment = this.#segmentOf.get(key)
      if (!segment) continue
      this.#segmentOf.delete(key)
      segment.open.delete(key)
      if (segment.open.size === 0 && segment !== this.#current) await remove(segment)
    }
  }

  async close(): Promise<void> {
    await this.#writing
    const segment = this.#current
    this.#current = undefined
    if (segment?.open.size === 0) await remove(segment)
    else await segment?.file.close()
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        const segment = this.#roomy() ?? (await this.#segment())
        for (const { key } of batch) {
          segment.open.add(key)
          this.#segmentOf.set(key, segment)
        }
        segment.written += batch.length
        // Into the page cache, at once: a few hundred bytes are not worth a trip through the thread pool.
        const lines = batch.map(({ key, sha256 }) => `${key} ${sha256}\n`).join('')
        segment.bytes += writeSync(segment.file.fd, lines, segment.bytes)
        await datasync(segment.file.fd)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
  }

  #roomy(): Segment | undefined {
    return this.#current && this.#current.written < KEYS_PER_SEGMENT ? this.#current : undefined
  }

  async #segment(): Promise<Segment> {
    const full = this.#current
    const path = join(this.#directory, `${ulid()}.log`)
    const file = await open(path, 'wx', 0o640)
    try {
      // Its room is taken beforehand, so that the sync of a line has no length and no block of the file to write down.
      await file.writeFile(Buffer.alloc(SEGMENT_BYTES))
      await file.sync()
    } catch (error) {
      await file.close()
      await rm(path, { force: true })
      throw error
    }
    this.#current = { path, file, written: 0, bytes: 0, open: new Set() }
    await syncDirectory(this.#directory)
    if (full?.open.size === 0) await remove(full)
    return this.#current
  }
}

export interface Noted {
  key: string
  /** Of the data set, since the note may have reached the disk when the bytes had not; empty in notes of old. */
  sha256: string
}

function notedIn(line: string): Noted {
  const [key = '', sha256 = ''] = line.split(' ')
  return { key, sha256 }
}

async function remove({ path, file }: Segment): Promise<void> {
  await file.close()
  await rm(path, { force: true })
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  await handle.sync()
  await handle.close()
}

// A line cut short was never waited for: nobody was told that its object is kept. Behind the last one lies the room
// that was taken beforehand, and a torn line has some of it inside.
function wholeLines(texts: string[]): string[] {
  const lines = texts.flatMap((text) => text.split('\n').slice(0, -1))
  return lines.filter((line) => line !== '' && !line.includes('\0'))
}
