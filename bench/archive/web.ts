/** DICOMweb side by side: frames over eight connections, one frame of a large object, a series' metadata. */
import { Agent, request } from 'node:http'
import { percentile } from '../percentile.ts'
import type { Server } from './servers.ts'

export interface Asked {
  path: string
  accept: string
}

/** Asks for all paths over so many connections, so many times, and answers requests a second (median of rounds). */
export async function throughput(
  server: Server,
  asked: readonly Asked[],
  { connections, rounds }: { connections: number; rounds: number },
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const rates: number[] = []
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const waiting = [...asked]
      const begun = performance.now()
      await Promise.all(
        Array.from({ length: connections }, async () => {
          for (let one = waiting.pop(); one; one = waiting.pop()) await get(server, agent, one)
        }),
      )
      // The first round warms caches on either side and counts for nobody.
      if (round > 0) rates.push(asked.length / ((performance.now() - begun) / 1000))
    }
  } finally {
    agent.destroy()
  }
  return percentile(rates, 50)
}

function get({ web }: Server, agent: Agent, { path, accept }: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { ...web!.headers, accept }
    request(`${web!.url}${path}`, { agent, headers }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => {
        if (response.statusCode === 200 && bytes > 0) resolve(bytes)
        else reject(new Error(`${nameless(path)} was answered ${response.statusCode}`))
      })
      response.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}

// UIDs of the bench mean nothing to a reader.
const nameless = (path: string) => path.replace(/[\d.]{20,}/g, '…')

export const FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
export const METADATA = 'application/dicom+json'
