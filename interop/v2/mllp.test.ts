import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import type { Answer } from './answer.ts'
import { FrameParser, frame } from './frame.ts'
import { connectMllp, type MllpClient, MllpFailure } from './mllp-client.ts'
import { type ListenerEvent, listenMllp, type MllpServer, type MllpServerOptions } from './mllp-server.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const message = (id: string, body = '') =>
  Buffer.from(`MSH|^~\\&|RIS|SITE|ISO|MAIN|20261122||ORM^O01|${id}|P|2.5.1\rZZZ|${body}\r`)
const idOf = (bytes: Buffer) => bytes.toString().split('|')[9] ?? ''
const ack = (id: string, code = 'AA') =>
  Buffer.from(`MSH|^~\\&|ISO|MAIN|RIS|SITE|20261122||ACK|A${id}|P|2.5.1\rMSA|${code}|${id}\r`)

type Listening = { server: MllpServer; seen: string[]; events: ListenerEvent[] }

async function listening(changes: Partial<MllpServerOptions> = {}): Promise<Listening> {
  const seen: string[] = []
  const events: ListenerEvent[] = []
  const server = await listenMllp({
    host: '127.0.0.1',
    port: 0,
    onMessage: async (bytes) => {
      seen.push(idOf(bytes))
      return ack(idOf(bytes))
    },
    onEvent: (event) => events.push(event),
    ...changes,
  })
  open.push(() => server.close())
  return { server, seen, events }
}

async function sender(port: number): Promise<{ socket: Socket; answers: string[]; chunks: Buffer[] }> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  open.push(() => socket.destroy())
  const parser = new FrameParser()
  const answers: string[] = []
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    for (const event of parser.push(chunk))
      if (event.type === 'frame') answers.push(event.bytes.toString().split('|').at(-1)!.trim())
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return { socket, answers, chunks }
}

/** Ended or reset by the other side. */
const gone = (socket: Socket) => Promise.race([once(socket, 'end'), once(socket, 'close')])

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the MLLP listener', () => {
  test('[OS-01] pipelined orders are answered one at a time and in order, however they are cut', async () => {
    let inHand = 0
    const { server, seen } = await listening({
      onMessage: async (bytes) => {
        expect(++inHand).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
        inHand -= 1
        seen.push(idOf(bytes))
        return ack(idOf(bytes))
      },
    })
    const { socket, answers } = await sender(server.port)
    const ids = Array.from({ length: 80 }, (_, i) => String(i))
    const wire = Buffer.concat(ids.map((id) => Buffer.concat([frame(message(id)), Buffer.from('\n')])))
    for (let at = 0; at < wire.length; at += 97) socket.write(wire.subarray(at, at + 97))
    await until(() => answers.length === ids.length)
    expect(seen).toEqual(ids)
    expect(answers).toEqual(ids)
  })

  test('[OS-01] reading stops while many frames wait, and goes on when they are answered', async () => {
    let release: (value: unknown) => void = () => {}
    const held = new Promise((resolve) => {
      release = resolve
    })
    const { server } = await listening({
      onMessage: async (bytes) => {
        await held
        return ack(idOf(bytes))
      },
      limits: { maxQueuedBytes: 1024 * 1024 },
    })
    const { socket, answers } = await sender(server.port)
    const big = 'x'.repeat(512 * 1024)
    let flushed = 0
    for (let i = 0; i < 40; i++) socket.write(frame(message(String(i), big)), () => (flushed += 1))
    await until(() => flushed > 0)
    await new Promise((resolve) => setTimeout(resolve, 200))
    // Twenty megabytes do not fit into socket buffers and one megabyte of queue.
    expect(flushed).toBeLessThan(40)
    release(undefined)
    await until(() => answers.length === 40)
    expect(answers).toEqual(Array.from({ length: 40 }, (_, i) => String(i)))
  })

  test('a peer that half-closes after its last frame still gets its answer', async () => {
    const { server } = await listening()
    const { socket, answers } = await sender(server.port)
    socket.end(frame(message('last')))
    await once(socket, 'end')
    expect(answers).toEqual(['last'])
  })

  test('[OS-01] a frame that never ends is neither processed nor answered', async () => {
    const { server, seen, events } = await listening({ limits: { frameIdleMs: 60 } })
    const { socket, chunks } = await sender(server.port)
    socket.write(frame(message('half')).subarray(0, 30))
    await once(socket, 'end')
    expect(seen).toEqual([])
    expect(chunks).toEqual([])
    expect(events.map(({ type }) => type)).toEqual(['incomplete'])
  })

  test('a sender that drips a frame for too long is closed', async () => {
    const { server, seen } = await listening({ limits: { frameIdleMs: 100, frameTotalMs: 150 } })
    const { socket } = await sender(server.port)
    const drip = setInterval(() => socket.write('x'), 20)
    open.push(() => clearInterval(drip))
    socket.write(Buffer.of(0x0b))
    await once(socket, 'end')
    expect(seen).toEqual([])
  })

  test('the missing last carriage return is waited for only briefly', async () => {
    const { server } = await listening({ limits: { carriageReturnMs: 40 } })
    const { socket, answers } = await sender(server.port)
    socket.write(frame(message('bare')).subarray(0, -1))
    await until(() => answers.length === 1)
    expect(answers).toEqual(['bare'])
  })

  test('an over-long frame is refused by its head, and the connection goes on', async () => {
    const { server, seen } = await listening({
      limits: { maxFrameBytes: 1000 },
      onTooLong: async (head) => ack(idOf(head), 'AE'),
    })
    const { socket, answers, chunks } = await sender(server.port)
    socket.write(frame(message('long', 'x'.repeat(1500))))
    socket.write(frame(message('next')))
    await until(() => answers.length === 2)
    expect(answers).toEqual(['long', 'next'])
    expect(Buffer.concat(chunks).toString()).toContain('MSA|AE|long')
    expect(seen).toEqual(['next'])
  })

  test('noise without a frame closes the connection', async () => {
    const { server, events } = await listening({ limits: { maxOutsideBytes: 1000 } })
    const { socket } = await sender(server.port)
    socket.write('GET / HTTP/1.1\r\n'.repeat(100))
    await gone(socket)
    expect(events.map(({ type }) => type)).toContain('flood')
  })

  test('no answer is written where none is wanted, and two where two are', async () => {
    const { server } = await listening({
      onMessage: async (bytes) => (idOf(bytes) === 'quiet' ? null : [ack('both', 'CA'), ack('both', 'AA')]),
    })
    const { socket, answers } = await sender(server.port)
    socket.write(Buffer.concat([frame(message('quiet')), frame(message('loud'))]))
    await until(() => answers.length === 2)
    expect(answers).toEqual(['both', 'both'])
  })

  test('a failure of ours is never an answer: the connection closes and the sender repeats', async () => {
    const { server, events } = await listening({
      onMessage: async () => Promise.reject(new Error('database down')),
    })
    const { socket, chunks } = await sender(server.port)
    socket.write(frame(message('1')))
    await gone(socket)
    expect(chunks).toEqual([])
    expect(events.map(({ type }) => type)).toContain('failed')
  })

  test('an unknown peer, or one too many, is closed at the door', async () => {
    const closed = await listening({ allowPeer: () => false })
    const { socket } = await sender(closed.server.port)
    await gone(socket)
    expect(closed.events).toEqual([{ type: 'refused', reason: 'unknown-peer' }])
    const full = await listening({ maxConnections: 1 })
    await sender(full.server.port)
    await until(() => full.server.connections() === 1)
    const second = await sender(full.server.port)
    await gone(second.socket)
    expect(full.events).toEqual([{ type: 'refused', reason: 'too-many-connections' }])
  })

  test('a shutdown answers the message in hand and takes no more', async () => {
    let release: (value: unknown) => void = () => {}
    const held = new Promise((resolve) => {
      release = resolve
    })
    const seen: string[] = []
    const { server } = await listening({
      onMessage: async (bytes) => {
        seen.push(idOf(bytes))
        await held
        return ack(idOf(bytes))
      },
    })
    const { socket, answers } = await sender(server.port)
    socket.write(Buffer.concat([frame(message('in-hand')), frame(message('waiting'))]))
    await until(() => seen.length === 1)
    const closing = server.close()
    release(undefined)
    await once(socket, 'end')
    socket.end()
    await closing
    expect(answers).toEqual(['in-hand'])
    expect(seen).toEqual(['in-hand'])
  })
})

describe('the MLLP sender', () => {
  /** A receiver of somebody else's, answering as the test says. */
  async function receiver(
    onFrame: (bytes: Buffer, socket: Socket, connection: number) => void,
  ): Promise<{ port: number; server: Server }> {
    let connections = 0
    const server = createServer((socket) => {
      const connection = ++connections
      const parser = new FrameParser()
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        for (const event of parser.push(chunk))
          if (event.type === 'frame') onFrame(event.bytes, socket, connection)
      })
      open.push(() => socket.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    open.push(() => server.close())
    const address = server.address()
    return { port: typeof address === 'object' && address ? address.port : 0, server }
  }

  function client(port: number, onForeignAnswer?: (answer: Answer) => void): MllpClient {
    const made = connectMllp({ host: '127.0.0.1', port, onForeignAnswer })
    open.push(() => made.close())
    return made
  }

  const outcome = (promise: Promise<unknown>) =>
    promise.then(
      () => 'answered',
      (error: unknown) => (error instanceof MllpFailure ? error.outcome : error),
    )

  test('[EH-02] one message is in flight at a time and each gets its own answer', async () => {
    const { server, seen } = await listening()
    const ids = Array.from({ length: 30 }, (_, i) => `M${i}`)
    const one = client(server.port)
    const answers = await Promise.all(
      ids.map((id) => one.send(message(id), { controlId: id, timeoutMs: 5000 })),
    )
    expect(answers.map(({ read }) => read.controlId)).toEqual(ids)
    expect(seen).toEqual(ids)
    expect(server.connections()).toBe(1)
  })

  test('[EH-02] an unreachable receiver is refused: nothing was sent', async () => {
    const { port, server } = await receiver(() => {})
    server.close()
    await once(server, 'close')
    expect(await outcome(client(port).send(message('1'), { controlId: '1', timeoutMs: 1000 }))).toBe(
      'refused',
    )
  })

  test('[EH-02] a late answer after a timeout is never taken for the next message', async () => {
    const { port } = await receiver((bytes, socket, connection) => {
      if (connection === 1) setTimeout(() => socket.write(frame(ack(idOf(bytes)))), 120)
      else socket.write(frame(ack(idOf(bytes), 'AE')))
    })
    const one = client(port)
    expect(await outcome(one.send(message('1'), { controlId: '1', timeoutMs: 50 }))).toBe('timeout')
    const next = await one.send(message('2'), { controlId: '2', timeoutMs: 5000 })
    expect(next.read).toMatchObject({ kind: 'error', controlId: '2' })
  })

  test('[EH-02] an answer to another message is told and waited past', async () => {
    const foreign: Answer[] = []
    const { port } = await receiver((bytes, socket) => {
      socket.write(Buffer.concat([frame(ack('OLD')), frame(ack(idOf(bytes)))]))
    })
    const sent = await client(port, (answer) => foreign.push(answer)).send(message('1'), {
      controlId: '1',
      timeoutMs: 5000,
    })
    expect(sent.read.controlId).toBe('1')
    expect(foreign).toMatchObject([{ kind: 'foreign', controlId: 'OLD' }])
  })

  test('[EH-02] a connection that ends before the answer leaves the outcome unknown, and the next send reconnects', async () => {
    const { port } = await receiver((bytes, socket, connection) => {
      if (connection === 1) socket.resetAndDestroy()
      else if (connection === 2) socket.end(frame(ack(idOf(bytes))).subarray(0, 20))
      else socket.write(frame(ack(idOf(bytes))))
    })
    const one = client(port)
    expect(await outcome(one.send(message('1'), { controlId: '1', timeoutMs: 5000 }))).toBe('lost')
    expect(await outcome(one.send(message('1'), { controlId: '1', timeoutMs: 5000 }))).toBe('lost')
    expect(await outcome(one.send(message('1'), { controlId: '1', timeoutMs: 5000 }))).toBe('answered')
  })

  test('[EH-02] an answer that comes byte by byte, or without its last byte before the end, is an answer', async () => {
    const { port } = await receiver((bytes, socket, connection) => {
      const answer = frame(ack(idOf(bytes)))
      if (connection > 1) return void socket.end(answer.subarray(0, -1))
      for (const byte of answer) socket.write(Buffer.of(byte))
      socket.end()
    })
    const one = client(port)
    expect(await outcome(one.send(message('1'), { controlId: '1', timeoutMs: 5000 }))).toBe('answered')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await outcome(one.send(message('2'), { controlId: '2', timeoutMs: 5000 }))).toBe('answered')
  })

  test('an answer nobody can read is malformed, and told as it came', async () => {
    const { port } = await receiver((_, socket) => socket.write(frame(Buffer.from('thank you'))))
    const sent = await client(port).send(message('1'), { controlId: '1', timeoutMs: 5000 })
    expect(sent.read.kind).toBe('malformed')
    expect(sent.answer.toString()).toBe('thank you')
  })
})

describe('MLLP over TLS', () => {
  test('a message goes and comes encrypted; plain text on a TLS port is refused', async () => {
    const { server, events } = await listening({ tls: { key: tlsKey, cert: tlsCertificate } })
    const tls = connectMllp({ host: '127.0.0.1', port: server.port, tls: { ca: tlsCertificate } })
    open.push(() => tls.close())
    expect((await tls.send(message('1'), { controlId: '1', timeoutMs: 5000 })).read.kind).toBe('acknowledged')
    const { socket } = await sender(server.port)
    socket.write(frame(message('plain')))
    await gone(socket)
    expect(events).toContainEqual({ type: 'refused', reason: 'not-tls' })
    const old = connectTls({
      host: '127.0.0.1',
      port: server.port,
      ca: tlsCertificate,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    })
    await expect(once(old, 'secureConnect')).rejects.toThrow()
  })
})

// Made for this test and known to nobody else's trust store.
const tlsKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9viPuPSkvXRo8asE
6Wn/4nYfpzUDYKuoXhSNLFHNS/OhRANCAARQ4czNnss+AqA+YT8pi6CAqJRzJvTJ
3gcHtKKNxsIdUY9k/er1OF725avAF2dQnVZWI0GX3r9B52zLC13E2kJO
-----END PRIVATE KEY-----`

const tlsCertificate = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUB3pyiauUUgkz6ugrNZFhJgr9GmEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjA1MzYxMloYDzIxMjYxMDI5
MDUzNjEyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARQ4czNnss+AqA+YT8pi6CAqJRzJvTJ3gcHtKKNxsIdUY9k/er1OF72
5avAF2dQnVZWI0GX3r9B52zLC13E2kJOo28wbTAdBgNVHQ4EFgQU9nqJYNR0LUOe
mfayTGILvTDznVMwHwYDVR0jBBgwFoAU9nqJYNR0LUOemfayTGILvTDznVMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAIfDPxN3dLSBLKS4km0eoaGXE8od+22Qp3qc2vOJ9Mg/AiBg
4N2PA2/s5vv5qJomqjwWDFwH6bVsRi4+fTwlmHxZng==
-----END CERTIFICATE-----`
