/** Started once for a test run: answers suites that ask for a database or for Temporal, and starts either on first need. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { type Cluster, clusterUrl, endStrayPostmaster, prepareCluster, startCluster } from '../postgres.ts'
import { endProcess } from '../process-table.ts'
import { DEMONSTRATION } from './demonstration.ts'
import { freePort } from './free-port.ts'
import { TEMPLATES } from './templates.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    testServices: string
  }
}

interface Service {
  answer: Record<string, string>
  stop: () => Promise<void>
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const home = mkdtempSync(join(tmpdir(), 'isocenter-test-'))
  chmodSync(home, 0o711)
  const starters: Record<string, (home: string) => Promise<Service>> = {
    '/postgres': startPostgres,
    '/temporal': startTemporal,
  }
  const started = new Map<string, Promise<Service>>()
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/'
    const starter = starters[path]
    if (!starter) return void response.writeHead(404).end()
    const service = started.get(path) ?? starter(home)
    started.set(path, service)
    try {
      response.end(JSON.stringify((await service).answer))
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : String(error))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('testServices', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    for (const service of await Promise.allSettled(started.values())) {
      if (service.status === 'fulfilled') await service.value.stop()
    }
    rmSync(home, { recursive: true, force: true })
  }
}

async function startPostgres(home: string): Promise<Service> {
  const cluster = prepareCluster({ home, port: await freePort(), durable: false })
  await startCluster(cluster, join(home, 'postgres.log'))
  const stop = async () => void (await endStrayPostmaster(cluster.dataDir))
  try {
    return { answer: { url: await migratedTemplates(cluster) }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Makes the databases that suites copy (see database.ts); answers the URL of the one that copies are made from. */
async function migratedTemplates(cluster: Cluster): Promise<string> {
  const url = clusterUrl(cluster, 'postgres')
  const sql = postgres(url, { max: 1 })
  await sql`create database ${sql(TEMPLATES.empty)}`
  const { migrate } = await import('#db/migrate.ts')
  await migrate(clusterUrl(cluster, TEMPLATES.empty))
  await sql`create database ${sql(TEMPLATES.demonstration)} template ${sql(TEMPLATES.empty)}`
  await sql.end()
  const { seedDemo } = await import('#db/seed/demo.ts')
  await seedDemo(clusterUrl(cluster, TEMPLATES.demonstration), DEMONSTRATION)
  return url
}

async function startTemporal(home: string): Promise<Service> {
  const { findTemporal, temporalCommand, untilTemporalAnswers } = await import('../temporal.ts')
  const { binary } = await findTemporal()
  const [port, uiPort] = [await freePort(), await freePort()]
  const { command, args } = temporalCommand({ binary, home, port, uiPort, namespace: 'default' })
  const child = spawn(command, args, { cwd: home, detached: true, stdio: 'ignore' })
  const address = `127.0.0.1:${port}`
  await untilTemporalAnswers({ address, namespace: 'default' }, () => child.exitCode !== null)
  return {
    answer: { address },
    stop: async () =>
      void (child.pid && (await endProcess(child.pid, [{ signal: 'SIGKILL', waitMs: 2_000 }]))),
  }
}
