/**
 * An accepted connection that reads into one buffer of its own, again and again: a scanner's gigabytes then leave
 * nothing to allocate and collect.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

/** An image of a CT with what came before it, and no more than a core keeps at hand. */
const BUFFER_BYTES = 768 * 1024
/** With less room left, reading goes on at the beginning if that is free, or stops until it is. */
const LEAST_ROOM_BYTES = 64 * 1024

/** Called with bytes as they lie in the buffer; true when they are to stay there for now. */
export type HearBytes = (bytes: Buffer) => boolean

/** What lies in the buffer of such a socket. */
export interface Borrowed {
  hear: HearBytes | undefined
  /** Reading has stopped: the next bytes overwrite the first, so `resume` only once nobody needs those. */
  isFull: boolean
  /** Nobody needs any byte that was heard: between two messages, reading need not stop for what comes next. */
  release(): void
}

const borrowed = new WeakMap<Socket, Borrowed>()

// What `onread` needs is documented for sockets that connect; one that was accepted is made again around its handle.
type WithHandle = Socket & { _handle?: unknown; _server?: unknown; server?: unknown }

/**
 * The same connection, to be used instead of the accepted one, which must have been accepted paused
 * (`pauseOnConnect`). Where this Node keeps no handle to make it from, the accepted socket itself comes back.
 */
export function withReadBuffer(accepted: Socket): Socket {
  const old = accepted as WithHandle
  const handle = old._handle
  if (!handle) return accepted
  const entry: Borrowed = { hear: undefined, isFull: false, release: () => undefined }
  const options = {
    handle,
    onread: readingInto(entry),
    allowHalfOpen: accepted.allowHalfOpen,
    pauseOnCreate: true,
  }
  const socket = new Socket(options as unknown as SocketConstructorOpts) as WithHandle
  // The server counts its connections by these; the first owner has nothing left to close.
  socket._server = old._server
  socket.server = old.server
  old._handle = null
  borrowed.set(socket, entry)
  return socket
}

// One read after another into the same buffer, each behind the last, so that a peer is heard while its last bytes are
// still being written; at the end it goes on at the beginning, up to the first byte that is needed still.
function readingInto(entry: Borrowed): OnReadOpts {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  let filled = 0
  let end = BUFFER_BYTES
  /** Before it, nothing is needed. */
  let released = 0
  entry.release = () => {
    released = filled
    end = BUFFER_BYTES
  }
  const goOnAt = (place: number) => {
    filled = 0
    end = place
    released = 0
  }
  return {
    buffer: () => buffer.subarray(filled, end),
    callback: (length, bytes) => {
      if (!entry.hear?.((bytes as Buffer).subarray(0, length))) return true
      filled += length
      if (end - filled >= LEAST_ROOM_BYTES) return true
      entry.isFull = released < LEAST_ROOM_BYTES
      goOnAt(entry.isFull ? BUFFER_BYTES : released)
      return !entry.isFull
    },
  }
}

/** Hears the bytes of such a socket; undefined for any other, which says 'data'. */
export function hearBytes(socket: Socket, hear: HearBytes): Borrowed | undefined {
  const entry = borrowed.get(socket)
  if (entry) entry.hear = hear
  return entry
}
