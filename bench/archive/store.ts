/** C-STORE side by side: ours, Orthanc on SQLite and on Postgres, DCMTK storescp; the same sender, in turn, in one run. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fillMemory } from '../memory.ts'
import type { Blast, Blasted } from './blast.ts'
import type { Kind } from './images.ts'
import { forgetPeak, peakBytes, type Server } from './servers.ts'

const run = promisify(execFile)
const SENDER = fileURLToPath(new URL('blast.ts', import.meta.url))

/** What a server does after its last answer (its index, its journal) is not to be paid by the next one. */
const SETTLED_MS = 1_000

/** What one server did with one load. */
export interface Stored {
  server: Server
  /** MB/s of each round. */
  rates: number[]
  peakMegabytes: number
}

export interface Load {
  kind: Kind
  count: number
  associations: number
  rounds: number
}

export function send(server: Server, load: Omit<Load, 'rounds'>): Promise<Blasted> {
  const blast: Blast = {
    host: server.host,
    port: server.dicomPort,
    calledAe: server.calledAe,
    callingAe: 'CT1',
    ...load,
  }
  return run(process.execPath, [SENDER, JSON.stringify(blast)], { maxBuffer: 64 * 2 ** 20 }).then(
    ({ stdout }) => JSON.parse(stdout) as Blasted,
  )
}

/** All servers in each round, in another order each time. */
export async function storeOnAll(servers: readonly Server[], load: Load): Promise<Stored[]> {
  const rates = new Map(servers.map((server) => [server, [] as number[]]))
  for (const server of servers) forgetPeak(server)
  for (let round = 0; round < load.rounds; round += 1) {
    for (const server of rotated(servers, round)) {
      server.makeRoom?.()
      fillMemory()
      // What another has left for the disk to do is not this one's to wait for.
      await run('sync')
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS))
      const { ms, bytes } = await send(server, load)
      rates.get(server)!.push(bytes / 1e6 / (ms / 1000))
    }
  }
  return servers.map((server) => ({
    server,
    rates: rates.get(server)!,
    peakMegabytes: peakBytes(server) / 1e6,
  }))
}

function rotated<T>(all: readonly T[], by: number): T[] {
  return all.map((_, index) => all[(index + by) % all.length]!)
}
