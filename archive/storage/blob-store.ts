/** Where the bytes of objects live: written once, durable before anybody is told so, read by ranges. */
import type { Readable } from 'node:stream'
import type { ByteSource } from '../dimse/byte-source.ts'

export interface BlobStore {
  /** A new object under a key minted here. Nothing of it can be seen before `commit`. */
  create(): Promise<BlobWriter>
  /** @throws the system error ENOENT when there is no such object */
  open(key: string): Promise<BlobReader>
  /**
   * One stretch of an object that is opened for it alone.
   * @throws when the object ends before the target is full, and the system error ENOENT
   */
  read(key: string, target: Uint8Array, offset: number): Promise<void>
  remove(key: string): Promise<void>
}

export interface BlobWriter {
  readonly key: string
  /** Bytes of ours before the data set (preamble and File Meta); not part of the hash. */
  writeHeader(bytes: Uint8Array): void
  /**
   * Bytes of the data set as received. They are gathered: the caller leaves them as they are until `drain` settles, and
   * waits for a promise when there is one.
   */
  write(bytes: Uint8Array): void | Promise<void>
  /** Writes what was gathered. Nothing else may be called while it runs. */
  drain(): void | Promise<void>
  /** What was drained so far, for a scan that reads synchronously: it is in the page cache still. Until `commit` settles. */
  source(): ByteSource
  /** SHA-256 of what was drained of the data set, in hex; nothing can be written after it. */
  digest(): string
  /** Durable when it resolves: object and directory are synced. */
  commit(): Promise<StoredBlob>
  abort(): Promise<void>
}

export interface StoredBlob {
  key: string
  bytes: number
  /** Length of what `writeHeader` wrote: the data set begins here. */
  datasetOffset: number
  /** SHA-256 of the data set, in hex. */
  sha256: string
}

export interface BlobReader {
  readonly bytes: number
  /** Fewer bytes come back only at the end of the object. */
  read(offset: number, length: number): Promise<Buffer>
  /** The same into a buffer of the caller's, as far as that goes; returns what was read of it. */
  readInto(target: Buffer, offset: number): Promise<Buffer>
  /** Closes the reader when it ends or is destroyed. */
  stream(range?: { offset: number; length: number }): Readable
  /** For a scan that reads synchronously; until `close`. */
  source(): ByteSource
  close(): Promise<void>
}
