/**
 * An accepted connection that reads into one buffer of its own, again and again: a scanner's gigabytes then leave
 * nothing to allocate and collect.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

const BUFFER_BYTES = 256 * 1024

/** Called with bytes that are overwritten by the next ones; true when those may come at once, else `resume` asks. */
export type HearBytes = (bytes: Buffer) => boolean

const hearers = new WeakMap<Socket, { hear: HearBytes | undefined }>()

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
  const entry: { hear: HearBytes | undefined } = { hear: undefined }
  const onread: OnReadOpts = {
    buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES),
    callback: (length, bytes) => entry.hear?.((bytes as Buffer).subarray(0, length)) ?? false,
  }
  const options = { handle, onread, allowHalfOpen: accepted.allowHalfOpen, pauseOnCreate: true }
  const socket = new Socket(options as unknown as SocketConstructorOpts) as WithHandle
  // The server counts its connections by these; the first owner has nothing left to close.
  socket._server = old._server
  socket.server = old.server
  old._handle = null
  hearers.set(socket, entry)
  return socket
}

/** Hears the bytes of such a socket; false for any other, which says 'data'. */
export function hearBytes(socket: Socket, hear: HearBytes): boolean {
  const entry = hearers.get(socket)
  if (!entry) return false
  entry.hear = hear
  return true
}
