import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { ByteStream } from './byte-stream.ts'
import { type Listener, listenDimse } from './listener.ts'
import { data, echo, pdv, proposal, RawPeer, storeRq } from './raw-peer.fixture.ts'
import { type Borrowed, hearBytes, withReadBuffer } from './read-buffer.ts'
import { DIMSE_LIMITS, DIMSE_TIMERS } from './settings.ts'
import { STATUS } from './status.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE } from './transfer-syntax.ts'

const BUFFER_BYTES = 768 * 1024
const open: (Server | Socket | Listener)[] = []

afterEach(async () => {
  for (const one of open.splice(0)) {
    if ('destroy' in one) one.destroy()
    else await one.close()
  }
})

/** The same numbers for the same seed: a run that fails can be run again. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function noise(bytes: number, seed: number): Buffer {
  const next = numbers(seed)
  const words = Uint32Array.from({ length: Math.ceil(bytes / 4) }, () => next(2 ** 32))
  return Buffer.from(words.buffer).subarray(0, bytes)
}

/** Both ends of a connection, ours with a buffer of its own. */
async function connection(): Promise<{ peer: Socket; ours: Socket }> {
  const server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const peer = connect((server.address() as { port: number }).port, '127.0.0.1')
  const ours = withReadBuffer((await accepted)[0] as Socket)
  open.push(peer, ours, server)
  return { peer, ours }
}

test('[AR-01] what was heard stays as it came until the buffer is full, also when reading has gone round its end', async () => {
  const { peer, ours } = await connection()
  const sent = noise(2_600_000, 1)
  const held: Buffer[] = []
  let checked = 0
  const heldBytes = () => held.reduce((sum, { length }) => sum + length, 0)
  let heard: () => unknown = () => undefined
  const entry = hearBytes(ours, (bytes) => {
    held.push(bytes)
    heard()
    return true
  }) as Borrowed
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      heard = () => void turn().then(() => isSo() && resolve())
    })
  const check = () => {
    const bytes = heldBytes()
    // The comparison, not the bytes: a failure must not print megabytes.
    expect(Buffer.concat(held).equals(sent.subarray(checked, checked + bytes))).toBe(true)
    held.length = 0
    checked += bytes
    return bytes
  }
  const first = until(() => heldBytes() === 300_000)
  peer.write(sent.subarray(0, 300_000))
  ours.resume()
  await first
  check()
  entry.release()

  // The whole of the buffer but its last stretch is held, half of it behind the place where reading went round.
  const full = until(() => entry.isFull)
  peer.write(sent.subarray(300_000))
  await full
  await turn()
  const round = check()
  expect(round).toBeGreaterThan(BUFFER_BYTES - 3 * 64 * 1024)
  expect(round).toBeLessThanOrEqual(BUFFER_BYTES)

  while (checked < sent.length) {
    const more = until(() => entry.isFull || checked + heldBytes() === sent.length)
    entry.isFull = false
    ours.resume()
    await more
    check()
  }
})

/** Sends all of it in pieces of any length, some of them apart. */
async function sendCut(peer: Socket, bytes: Buffer, next: (below: number) => number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + next(next(3) === 0 ? 200 : 150_000)
    if (!peer.write(bytes.subarray(at, at + length))) await once(peer, 'drain')
    if (next(4) === 0) await turn()
    at += length
  }
  peer.end()
}

test.each([2, 3, 5])(
  '[AR-01] random bytes cut at random places come out as they went in (seed %i)',
  async (seed) => {
    const next = numbers(seed)
    const { peer, ours } = await connection()
    const stream = new ByteStream(ours, DIMSE_TIMERS)
    const sent = noise(4_000_000, seed)
    const came: Buffer[] = []
    const held: Buffer[] = []
    const settle = () => came.push(...held.splice(0).map((piece) => Buffer.from(piece)))
    stream.beforeReuse = () => {
      // As a slow disk does: written only some turns later.
      if (held.length > 0) return turn().then(turn).then(settle, settle) as Promise<never>
    }
    const sending = sendCut(peer, sent, numbers(seed + 1))
    for (let left = sent.length; left > 0; ) {
      if (next(10) === 0) {
        // A message ends: what was handed out has been written, and nobody looks at it any more.
        settle()
        stream.release()
        const header = await stream.take(Math.min(left, 1 + next(300)))
        came.push(header)
        left -= header.length
      }
      if (left === 0) break
      const piece = await stream.some(Math.min(left, 1 + next(400_000)))
      held.push(piece)
      left -= piece.length
      if (next(3) === 0) await turn()
    }
    settle()
    await sending
    expect(Buffer.concat(came).equals(sent)).toBe(true)
  },
)

test('[AR-01] objects of 700 kB and 2 MB sent one behind the other without a pause are each kept byte for byte', async () => {
  const kept = new Map<string, Buffer>()
  const listener = await listenDimse({
    host: '127.0.0.1',
    port: 0,
    authorise: () => ({
      accept: true,
      supports: () => ({ transferSyntaxes: [EXPLICIT_LITTLE, IMPLICIT_LITTLE] }),
      services: {
        cStore({ sopInstanceUid }) {
          const whole: Buffer[] = []
          const pieces: Buffer[] = []
          const drain = async () => {
            await turn()
            whole.push(...pieces.splice(0).map((piece) => Buffer.from(piece)))
          }
          return {
            write: (piece) => void pieces.push(piece),
            drain: () => (pieces.length > 0 ? drain() : undefined),
            async end() {
              await drain()
              kept.set(sopInstanceUid, Buffer.concat(whole))
              return { status: STATUS.success }
            },
            abort: () => undefined,
          }
        },
        cEcho: () => ({ status: STATUS.success }),
      },
    }),
  })
  open.push(listener)
  const peer = new RawPeer(listener.port)
  open.push(peer.socket)
  await peer.send(proposal()).answered(1)
  const sizes = [700_000, 2_000_000, 100, 700_000, 2_000_000, 700_000, 300_000, 2_000_000]
  const objects = new Map(sizes.map((size, index) => [`1.2.3.${index}`, noise(size, 11 + index)]))
  let messageId = 0
  for (const [uid, bytes] of objects) {
    messageId += 1
    peer.send(data(pdv(5, 3, storeRq(messageId, uid))))
    const step = DIMSE_LIMITS.pduBytes - 6 - messageId * 1_001
    for (let at = 0; at < bytes.length; at += step) {
      const piece = bytes.subarray(at, at + step)
      peer.send(data(pdv(5, at + step >= bytes.length ? 2 : 0, piece)))
    }
    peer.send(data(pdv(3, 3, echo(100 + messageId))))
  }
  await peer.answered(1 + 2 * sizes.length)
  expect([...kept.keys()]).toEqual([...objects.keys()])
  for (const [uid, bytes] of objects) expect([uid, kept.get(uid)!.equals(bytes)]).toEqual([uid, true])
})
