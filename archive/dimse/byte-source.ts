/** Bytes to decode from: a buffer, or a file read through a window so that bulk data stays on disk. */
import { readSync } from 'node:fs'

export type ByteSource = {
  readonly size: number
  /** The bytes of a stretch that lies inside `size`; the caller may keep them. */
  bytes(offset: number, length: number): Buffer
  /** A few bytes for looking at only: they may be overwritten by the next call. */
  peek(offset: number, length: number): Buffer
}

export function bufferSource(buffer: Buffer): ByteSource {
  const bytes = (offset: number, length: number) => buffer.subarray(offset, offset + length)
  return { size: buffer.length, bytes, peek: bytes }
}

const WINDOW_BYTES = 16 * 1024
/** One for all files: scans do not wait, so that one of them at a time looks through it. */
const window = Buffer.allocUnsafeSlow(WINDOW_BYTES)
let lookingThrough: ByteSource | undefined

/**
 * An open file. Reads are synchronous: they hit the page cache, where an object just received still is,
 * and cost less than a thread-pool round trip.
 */
export function fileSource(fd: number, size: number): ByteSource {
  let start = 0
  let end = 0
  const read = (target: Buffer, offset: number) => {
    let done = 0
    while (done < target.length) {
      const count = readSync(fd, target, done, target.length - done, offset + done)
      if (count === 0) break
      done += count
    }
    return done
  }
  const peek = (offset: number, length: number) => {
    if (lookingThrough !== source || offset < start || offset + length > end) {
      lookingThrough = source
      start = offset
      end = offset + read(window.subarray(0, Math.min(WINDOW_BYTES, size - offset)), offset)
    }
    return window.subarray(offset - start, Math.min(offset - start + length, end - start))
  }
  const bytes = (offset: number, length: number) => {
    if (length <= WINDOW_BYTES / 2) return Buffer.from(peek(offset, length))
    const whole = Buffer.allocUnsafe(length)
    return whole.subarray(0, read(whole, offset))
  }
  const source: ByteSource = { size, bytes, peek }
  return source
}
