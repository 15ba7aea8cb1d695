/**
 * Blobs as files: `objects/<yy>/<mm>/<dd>/<ulid>.dcm` below one root. The folder is its own journal: a file is in its
 * final place from the start, under `.part` until it is whole, and a row in `instances` publishes it once it is synced.
 */
import { createHash, type Hash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  fdatasync,
  open as openNumbered,
  renameSync,
  writev,
  writevSync,
} from 'node:fs'
import {
  type FileHandle,
  mkdir,
  open,
  opendir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { decodeTime } from 'ulid'
import { monotonicUlids } from '#db/ulid.ts'
import { type ByteSource, fileSource } from '../dimse/byte-source.ts'
import type { BlobReader, BlobStore, BlobWriter, StoredBlob } from './blob-store.ts'
import { DirectorySync } from './directory-sync.ts'
import { readStretch } from './read-stretch.ts'

// By number: a `FileHandle` for each object of a series costs more than its system calls. A new name is given at once: a
// trip through the thread pool costs more than the call. Making a file may take long (over a network, or where many were
// removed a moment ago), and others wait for nobody's.
const datasync = promisify(fdatasync)
const openFile = promisify(openNumbered)

/** Gathered bytes that are written without being asked to. */
const GATHERED_BYTES = 256 * 1024
/** Fewer are copied into the page cache here: that costs less than a trip through the thread pool. */
const WORTH_A_TRIP_BYTES = 64 * 1024
/** Of a large object, so much lies in the page cache before the disk is set to work on it. */
const SYNC_EARLY_BYTES = 8 * 2 ** 20

/** Longer than any association or upload goes without a byte. */
const UNFINISHED_FOR_MS = 60 * 60_000

/** Earlier releases had no folders of days. */
const KEY = /^objects\/\d\d\/\d\d(\/\d\d)?\/[0-9A-HJKMNP-TV-Z]{26}\.dcm$/
const DAY_MS = 86_400_000
/** Keys that are asked about together. */
const KEYS_AT_ONCE = 500

export class FileStore implements BlobStore {
  readonly #root: string
  readonly #directories = new DirectorySync()
  readonly #made = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  async create(): Promise<BlobWriter> {
    const key = mintKey()
    const path = this.#path(key)
    const directory = dirname(path)
    if (!this.#made.has(directory)) await this.#makeDirectory(directory)
    const file = await openFile(`${path}.part`, 'wx+', 0o640)
    return new FileWriter({ key, path, file, directories: this.#directories })
  }

  async open(key: string): Promise<BlobReader> {
    const path = this.#path(key)
    const file = await open(path, 'r')
    return new FileReader(file, (await file.stat()).size)
  }

  async read(key: string, target: Uint8Array, offset: number): Promise<void> {
    const bytes = await readStretch(this.#path(key), target, offset)
    if (bytes < target.length) throw new Error(`${key} ends ${target.length - bytes} bytes too early`)
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key)
    await rm(path)
    await this.#directories.sync(dirname(path))
  }

  /**
   * Throws away what a crash left half written: nothing of it was ever acknowledged. Other processes write into the
   * same store, so what was touched a short while ago is left alone. Folders that an earlier sweep has seen are not
   * read again: there may be millions of objects in them.
   */
  async sweepUnfinished({ olderThanMs = UNFINISHED_FOR_MS }: { olderThanMs?: number } = {}): Promise<number> {
    const startedAt = Date.now()
    let swept = 0
    for (const folder of await this.#foldersToSweep(startedAt))
      for await (const name of names(join(this.#root, 'objects', folder))) {
        if (!name.endsWith('.part')) continue
        const path = join(this.#root, 'objects', folder, name)
        if ((await touchedAt(path)) > startedAt - olderThanMs) continue
        await rm(path, { force: true })
        swept++
      }
    await this.#noteSweep(startedAt)
    return swept
  }

  /** Keys of whole objects begun in this time, some at a time: of the folders, only those of its days are looked into. */
  async *keysBegun({ from, until }: { from: number; until: number }): AsyncIterable<string[]> {
    let keys: string[] = []
    for (const folder of foldersOf(from, until))
      for await (const name of names(join(this.#root, 'objects', folder))) {
        const key = `objects/${folder}/${name}`
        if (!KEY.test(key)) continue
        const begun = decodeTime(name.slice(0, -'.dcm'.length))
        if (begun < from || begun >= until) continue
        if (keys.push(key) < KEYS_AT_ONCE) continue
        yield keys
        keys = []
      }
    if (keys.length > 0) yield keys
  }

  // What was left alone by the last sweep was begun, or at least touched, not long before it.
  async #foldersToSweep(now: number): Promise<Iterable<string>> {
    const last = await readFile(this.#sweptAt, 'utf8').catch(() => '')
    const sweptAt = Date.parse(last.trim())
    // A clock that was ahead at the last start says nothing of the days between.
    if (Number.isNaN(sweptAt) || sweptAt > now) return this.#folders()
    return foldersOf(sweptAt - DAY_MS, now)
  }

  async #folders(): Promise<string[]> {
    const found: string[] = []
    for await (const year of names(join(this.#root, 'objects')))
      for await (const month of names(join(this.#root, 'objects', year))) {
        found.push(`${year}/${month}`)
        for await (const day of names(join(this.#root, 'objects', year, month)))
          if (/^\d\d$/.test(day)) found.push(`${year}/${month}/${day}`)
      }
    return found
  }

  async #noteSweep(startedAt: number): Promise<void> {
    await mkdir(this.#root, { recursive: true })
    const written = `${this.#sweptAt}.${process.pid}`
    await writeFile(written, `${new Date(startedAt).toISOString()}\n`)
    await rename(written, this.#sweptAt)
  }

  get #sweptAt(): string {
    return join(this.#root, 'swept-at')
  }

  // A key comes from our own rows, but a path is only ever made from one that we could have minted.
  #path(key: string): string {
    if (!KEY.test(key)) throw new Error(`not a blob key: ${JSON.stringify(key)}`)
    return join(this.#root, key)
  }

  async #makeDirectory(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o750 })
    for (let d = directory; d !== this.#root && d !== dirname(d); d = dirname(d))
      await this.#directories.sync(dirname(d))
    this.#made.add(directory)
  }
}

class FileWriter implements BlobWriter {
  readonly key: string
  readonly #path: string
  readonly #file: number
  readonly #directories: DirectorySync
  readonly #hash: Hash = createHash('sha256')
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #writing: void | Promise<void> = undefined
  #bytes = 0
  #datasetOffset = 0
  /** Where the last sync on the way began, and that sync; it never rejects, but answers what went wrong. */
  #syncedBytes = 0
  #syncing: Promise<unknown> | undefined
  /** Written with the first bytes behind it. */
  #header: Uint8Array = new Uint8Array()

  constructor(made: { key: string; path: string; file: number; directories: DirectorySync }) {
    this.key = made.key
    this.#path = made.path
    this.#file = made.file
    this.#directories = made.directories
  }

  writeHeader(bytes: Uint8Array): void {
    if (this.#bytes > 0 || this.#header.length > 0) throw new Error('the header comes first, and once')
    this.#header = bytes
    this.#datasetOffset = bytes.length
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#gathered.push(bytes)
    this.#gatheredBytes += bytes.length
    return this.#gatheredBytes < GATHERED_BYTES ? undefined : this.drain()
  }

  drain(): void | Promise<void> {
    if (this.#gatheredBytes === 0) return
    const pieces = this.#gathered
    const isWorthATrip = this.#gatheredBytes >= WORTH_A_TRIP_BYTES
    this.#gathered = []
    this.#gatheredBytes = 0
    const all = this.#bytes === 0 ? [this.#header, ...pieces] : pieces
    // A thread copies them into the page cache while they are hashed here.
    const writing = isWorthATrip ? this.#append(all) : this.#appendNow(all)
    this.#writing = writing
    for (const piece of pieces) this.#hash.update(piece)
    return writing
  }

  source(): ByteSource {
    this.#settleHeader()
    return fileSource(this.#file, this.#bytes)
  }

  digest(): string {
    this.#sha256 ??= this.#hash.digest('hex')
    return this.#sha256
  }
  #sha256: string | undefined

  async commit(): Promise<StoredBlob> {
    let isKept = false
    try {
      const draining = this.drain()
      if (draining) await draining
      this.#settleHeader()
      // In this order one commit of the file system's own journal takes both down: the sync of the bytes carries the new
      // name along, and the directory's finds nothing left to do. Neither counts before both are down.
      renameSync(`${this.#path}.part`, this.#path)
      // What went wrong with a write is told once, to one of two syncs at work.
      const [fault] = await Promise.all([this.#syncing, datasync(this.#file)])
      if (fault) throw fault
      await this.#directories.sync(dirname(this.#path))
      isKept = true
    } finally {
      await this.#close()
      if (!isKept) await this.#remove()
    }
    return {
      key: this.key,
      bytes: this.#bytes,
      datasetOffset: this.#datasetOffset,
      sha256: this.digest(),
    }
  }

  async abort(): Promise<void> {
    await this.#close()
    await rm(`${this.#path}.part`, { force: true })
  }

  // Under whichever of its names: nobody is told that it is kept, and a full disk has no room for it.
  async #remove(): Promise<void> {
    for (const path of [`${this.#path}.part`, this.#path])
      await rm(path, { force: true }).catch(() => undefined)
  }

  // A thread that still writes or syncs would do it to whichever file has this number next.
  async #close(): Promise<void> {
    if (this.#writing || this.#syncing) await Promise.allSettled([this.#writing, this.#syncing])
    closeSync(this.#file)
  }

  #settleHeader(): void {
    if (this.#bytes === 0) this.#appendNow([this.#header])
  }

  async #append(all: Uint8Array[]): Promise<void> {
    for (let pieces = all; pieces.length > 0; ) {
      const written = await writePieces(this.#file, pieces, this.#bytes)
      this.#bytes += written
      pieces = after(pieces, written)
    }
    if (this.#bytes - this.#syncedBytes >= SYNC_EARLY_BYTES) this.#syncOnTheWay()
  }

  // The system tells of a failed write once: what this sync hears is kept for the commit.
  #syncOnTheWay(): void {
    if (this.#syncing) return
    this.#syncedBytes = this.#bytes
    this.#syncing = datasync(this.#file).then(
      () => {
        this.#syncing = undefined
      },
      (error: unknown) => error,
    )
  }

  #appendNow(all: Uint8Array[]): void {
    for (let pieces = all; pieces.length > 0; ) {
      const written = writevSync(this.#file, pieces, this.#bytes)
      this.#bytes += written
      pieces = after(pieces, written)
    }
  }
}

function writePieces(file: number, pieces: Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(file, pieces, position, (error, written) => (error ? reject(error) : resolve(written)))
  })
}

/** What is left of the pieces behind so many bytes. */
function after(pieces: Uint8Array[], bytes: number): Uint8Array[] {
  const left: Uint8Array[] = []
  let skip = bytes
  for (const piece of pieces) {
    if (skip < piece.length) left.push(skip > 0 ? piece.subarray(skip) : piece)
    skip = Math.max(0, skip - piece.length)
  }
  return left
}

class FileReader implements BlobReader {
  readonly bytes: number
  readonly #file: FileHandle

  constructor(file: FileHandle, bytes: number) {
    this.#file = file
    this.bytes = bytes
  }

  read(offset: number, length: number): Promise<Buffer> {
    return readRange(this.#file, { offset, length: Math.max(0, Math.min(length, this.bytes - offset)) })
  }

  readInto(target: Buffer, offset: number): Promise<Buffer> {
    const length = Math.max(0, Math.min(target.length, this.bytes - offset))
    return fill(this.#file, target.subarray(0, length), offset)
  }

  stream(range: { offset: number; length: number } = { offset: 0, length: this.bytes }): Readable {
    // `end` is inclusive, so an empty range cannot be said with it.
    const stream = createReadStream('', {
      fd: this.#file,
      start: range.offset,
      end: Math.max(range.offset, range.offset + range.length - 1),
      highWaterMark: 256 * 1024,
      autoClose: true,
    })
    return stream
  }

  source(): ByteSource {
    return fileSource(this.#file.fd, this.bytes)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function readRange(file: FileHandle, range: { offset: number; length: number }): Promise<Buffer> {
  return fill(file, Buffer.allocUnsafe(range.length), range.offset)
}

async function fill(file: FileHandle, bytes: Buffer, offset: number): Promise<Buffer> {
  let done = 0
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

// Monotonic, so that the order of keys is the order of arrival within one millisecond too.
const nextId = monotonicUlids()

function mintKey(): string {
  const id = nextId()
  return `objects/${folderOf(decodeTime(id))}/${id}.dcm`
}

let folder = { day: -1, name: '' }

/** Year, month and day of a time, in UTC. */
function folderOf(ms: number): string {
  const day = Math.floor(ms / DAY_MS)
  if (folder.day !== day) {
    const at = new Date(ms).toISOString()
    folder = { day, name: `${at.slice(2, 4)}/${at.slice(5, 7)}/${at.slice(8, 10)}` }
  }
  return folder.name
}

/** Those of each day of a time, and of its months, where earlier releases put what came. */
function foldersOf(from: number, until: number): Set<string> {
  const found = new Set<string>()
  for (let ms = from; ; ms = Math.min(ms + DAY_MS, until)) {
    const day = folderOf(ms)
    found.add(day.slice(0, -'/dd'.length)).add(day)
    if (ms >= until) return found
  }
}

/** When it was last written to; an object that was finished since its name was read is nothing to sweep. */
async function touchedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Number.POSITIVE_INFINITY
    throw error
  }
}

/** One by one, since a folder may hold more than fit into memory; none where there is no folder. */
async function* names(directory: string): AsyncIterable<string> {
  try {
    for await (const { name } of await opendir(directory, { bufferSize: 256 })) yield name
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
