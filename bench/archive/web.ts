/** DICOMweb side by side: frames over eight connections, one frame of a large object, a series' metadata. */
import { connect, type Socket } from 'node:net'
import { percentile } from '../percentile.ts'
import type { Server } from './servers.ts'

export interface Asked {
  path: string
  accept: string
  /** Fewer cannot be an answer. */
  leastBytes: number
}

/** What one server is asked for. */
export interface Reading {
  server: Server
  asked: readonly Asked[]
}

/**
 * Lets every server answer all of its requests in each round, in another order each time, and says how many a second
 * each answered (medians of the rounds).
 */
export async function throughput(
  readings: readonly Reading[],
  { connections, rounds }: { connections: number; rounds: number },
): Promise<number[]> {
  const rates = readings.map(() => [] as number[])
  for (let round = 0; round <= rounds; round += 1) {
    for (const turn of readings.keys()) {
      const at = (turn + round) % readings.length
      const rate = await oneRound(readings[at]!, connections)
      // The first round warms caches on either side and counts for nobody.
      if (round > 0) rates[at]!.push(rate)
    }
  }
  return rates.map((figures) => percentile(figures, 50))
}

async function oneRound({ server, asked }: Reading, connections: number): Promise<number> {
  const waiting = asked.map((one) => ({ ...one, request: requestOf(server, one) })).reverse()
  const readers = await Promise.all(Array.from({ length: connections }, () => Reader.open(server)))
  const begun = performance.now()
  await Promise.all(
    readers.map(async (reader) => {
      for (let one = waiting.pop(); one; one = waiting.pop()) await reader.read(one)
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  for (const reader of readers) reader.close()
  return asked.length / seconds
}

interface Prepared extends Asked {
  request: Buffer
}

function requestOf({ web }: Server, { path, accept }: Asked): Buffer {
  const { host, pathname } = new URL(`${web!.url}${path}`)
  const headers = Object.entries({ ...web!.headers, host, accept }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.from(`GET ${pathname} HTTP/1.1\r\n${headers.join('')}\r\n`, 'latin1')
}

const RECEIVED_AT_ONCE_BYTES = 64 * 1024

/**
 * One connection that counts bytes and keeps none: the reader runs on the same processors as the servers, and what it
 * spends is taken from whoever is faster.
 */
class Reader {
  readonly #socket: Socket
  #current: { asked: Prepared; done: () => void; failed: (error: Error) => void } | undefined
  #head = ''
  /** Bytes of the body that are still to come; null before the header has ended. */
  #left: number | null = null

  constructor(socket: Socket) {
    this.#socket = socket
  }

  static open({ web }: Server): Promise<Reader> {
    const { hostname, port } = new URL(web!.url)
    return new Promise((resolve, reject) => {
      const buffer = Buffer.allocUnsafe(RECEIVED_AT_ONCE_BYTES)
      const callback = (bytes: number): boolean => reader.#take(buffer.subarray(0, bytes))
      const socket: Socket = connect({ host: hostname, port: Number(port), onread: { buffer, callback } })
      const reader: Reader = new Reader(socket)
      socket.setNoDelay(true)
      socket.setTimeout(SILENT_MS, () => reader.#fail('nothing came any more'))
      socket.once('connect', () => resolve(reader))
      socket.on('error', (error) => reject(error))
      socket.on('close', () => reader.#fail('the connection was closed'))
    })
  }

  /** @throws for another status than 200, for fewer bytes than there must be, and for none in a minute */
  read(asked: Prepared): Promise<void> {
    return new Promise((done, failed) => {
      this.#current = { asked, done, failed }
      this.#socket.write(asked.request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): boolean {
    if (!this.#current) return true
    this.#left = this.#left === null ? this.#afterHead(bytes) : this.#left - bytes.length
    if (this.#left !== 0) return true
    const { done } = this.#current
    this.#current = undefined
    this.#left = null
    done()
    return true
  }

  /** How many bytes are still to come; null while the header has not ended. */
  #afterHead(bytes: Buffer): number | null {
    const before = this.#head.length
    this.#head += bytes.toString('latin1', 0, Math.min(bytes.length, LONGEST_HEAD_BYTES))
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return null
    const [head, status] = [
      this.#head.slice(0, end),
      this.#head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length),
    ]
    this.#head = ''
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? -1)
    if (status !== '200' || length < this.#current!.asked.leastBytes)
      this.#fail(`it was answered ${status} with ${length} bytes`)
    return length - (bytes.length - (end + 4 - before))
  }

  #fail(words: string): void {
    this.#current?.failed(new Error(`${nameless(this.#current.asked.path)}: ${words}`))
    this.#current = undefined
    this.#socket.destroy()
  }
}

const SILENT_MS = 60_000
const LONGEST_HEAD_BYTES = 8 * 1024

// UIDs of the bench mean nothing to a reader.
const nameless = (path: string) => path.replace(/[\d.]{20,}/g, '…')

export const FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
export const METADATA = 'application/dicom+json'
