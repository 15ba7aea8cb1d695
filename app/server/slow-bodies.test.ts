import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refuseSlowBodies, UNHURRIED } from './slow-bodies.ts'

const LOOK_EVERY_MS = 200
let taken = 0
const server = createServer(UNHURRIED, async (request, response) => {
  try {
    for await (const chunk of request) taken += (chunk as Buffer).length
    response.end('taken')
  } catch {
    // Cut off; there is nobody left to tell.
  }
})

beforeAll(async () => {
  refuseSlowBodies(server, { lookEveryMs: LOOK_EVERY_MS })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const dial = () => connect((server.address() as AddressInfo).port, '127.0.0.1')

/** Sends a piece at each tick until there are none left, and answers all that came back. */
async function send(pieces: Buffer[], length: number): Promise<string> {
  const socket = dial()
  socket.on('error', () => {})
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`)
  const timer = setInterval(() => {
    const piece = pieces.shift()
    if (piece) socket.write(piece)
  }, LOOK_EVERY_MS / 10)
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
  })
  await once(socket, 'close')
  clearInterval(timer)
  return answer
}

test('[DW-03] a body that keeps coming is taken for as long as it lasts', async () => {
  const pieces = Array.from({ length: 40 }, () => Buffer.alloc(500))
  taken = 0
  expect(await send(pieces, 40 * 500)).toMatch(/^HTTP\/1\.1 200 /)
  expect(taken).toBe(40 * 500)
})

test('a body that drips, and one that never comes, is a 408 and a closed connection', async () => {
  const drops = Array.from({ length: 400 }, () => Buffer.alloc(1))
  expect(await send(drops, 4_000)).toMatch(/^HTTP\/1\.1 408 /)
  expect(drops.length).toBeGreaterThan(0)
  expect(await send([], 4_000)).toMatch(/^HTTP\/1\.1 408 /)
})
