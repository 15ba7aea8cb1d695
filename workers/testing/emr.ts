/** An EMR for tests, speaking MLLP on a real socket: acknowledges, errs, rejects, stays silent or hangs up, as told. */
import { type AddressInfo, createServer, type Socket } from 'node:net'

export type Behaviour = 'accept' | 'error' | 'reject' | 'silent' | 'hang-up' | 'foreign'

export interface Emr {
  port: number
  /** What to do with the next messages; the last behaviour stays. */
  behave(...behaviours: Behaviour[]): void
  /** Every frame received, in order: control id and bytes. */
  received: { controlId: string; bytes: Buffer }[]
  /** Control ids answered AA, in order: what this EMR has put on file. */
  filed: string[]
  close(): Promise<void>
}

export async function startEmr(port = 0): Promise<Emr> {
  let plan: Behaviour[] = ['accept']
  const received: Emr['received'] = []
  const filed: string[] = []
  const sockets = new Set<Socket>()

  function take(socket: Socket, bytes: Buffer): void {
    const controlId = bytes.toString('utf8').split('\r')[0]!.split('|')[9]!
    received.push({ controlId, bytes })
    const behaviour = plan.length > 1 ? plan.shift()! : plan[0]!
    if (behaviour === 'silent') return
    if (behaviour === 'hang-up') return void socket.destroy()
    if (behaviour === 'accept') filed.push(controlId)
    const code = { accept: 'AA', error: 'AE', reject: 'AR', foreign: 'AA' }[behaviour]
    const answered = behaviour === 'foreign' ? 'SOMEBODYELSE' : controlId
    socket.write(
      `\x0bMSH|^~\\&|EMR|GENERAL|ISOCENTER|MAIN|20261122083000||ACK^R01^ACK|${received.length}|P|2.5.1\rMSA|${code}|${answered}\r\x1c\r`,
    )
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    let buffered = Buffer.alloc(0)
    socket.on('error', () => {}) // A worker killed in the middle of a message resets the connection.
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk])
      for (let end = buffered.indexOf('\x1c\r'); end >= 0; end = buffered.indexOf('\x1c\r')) {
        take(socket, buffered.subarray(buffered.indexOf(0x0b) + 1, end))
        buffered = buffered.subarray(end + 2)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    behave: (...behaviours) => {
      plan = behaviours
    },
    received,
    filed,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
