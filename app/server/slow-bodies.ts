/**
 * Bodies of requests are taken for as long as they keep coming: a study of gigabytes over a thin line lasts longer than
 * any fixed time, and whoever lets a byte drip now and then holds a connection for ever.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'

/** What a body must average between two looks; C-STORE asks the same of a modality. */
const FLOOR_BYTES_PER_SECOND = 1_000
const LOOK_EVERY_MS = 30_000

/** For the server that `refuseSlowBodies` watches: heads within a minute, bodies without an end of their own. */
export const UNHURRIED: ServerOptions = { headersTimeout: 60_000, requestTimeout: 0 }

/** Ends a request whose body comes slower than the floor: 408, and the connection is closed. */
export function refuseSlowBodies(server: Server, { lookEveryMs = LOOK_EVERY_MS } = {}): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (hasBody(request)) watch(request, response, lookEveryMs)
  })
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

function watch(request: IncomingMessage, response: ServerResponse, lookEveryMs: number): void {
  const { socket } = request
  let before = socket.bytesRead
  const timer = setInterval(() => {
    const came = socket.bytesRead - before
    before = socket.bytesRead
    if (request.complete) return clearInterval(timer)
    // What waits to be taken by us is no fault of the sender's.
    const isOurs = request.readableLength > 0
    if (!isOurs && came < (FLOOR_BYTES_PER_SECOND * lookEveryMs) / 1000) endSlow(request, response)
  }, lookEveryMs)
  timer.unref()
  request.once('close', () => clearInterval(timer))
  socket.once('close', () => clearInterval(timer))
}

function endSlow({ socket }: IncomingMessage, { headersSent }: ServerResponse): void {
  if (!headersSent) socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')
  socket.destroySoon()
}
