/** `isocenter up` as a person would start it, in a home and on ports of its own, for the tests of the command itself. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inheritedEnvironment } from '../../config.ts'
import type { Demonstration, describeEndpoints } from '../endpoints.ts'
import { isAlive } from '../process-table.ts'

export type Endpoints = ReturnType<typeof describeEndpoints> & Pick<Demonstration, 'accounts' | 'tokens'>

export interface RunningUp {
  home: string
  basePort: number
  /** Where everything is now; read anew each time, since process ids change. */
  endpoints: () => Endpoints
  /** What `up` has printed so far. */
  output: () => string
  /** Sends a signal to `up` and answers its exit code once it has ended. */
  end: (signal?: NodeJS.Signals) => Promise<number | null>
  /** Kills the processes of one name and waits until the supervisor has new ones ready. */
  killAndAwaitReturn: (name: string) => Promise<void>
  child: ChildProcess
}

const PROGRAM = fileURLToPath(new URL('../isocenter.ts', import.meta.url))
/** First starts build screens and a database; a loaded machine with two cores takes its time. */
const READY_WITHIN_MS = 180_000

/** Starts a department and waits until it is ready. @throws with what it printed when it ends instead */
export async function runUp(
  options: { home?: string; basePort?: number; args?: string[]; env?: Record<string, string> } = {},
): Promise<RunningUp> {
  const home = options.home ?? newHome()
  const basePort = options.basePort ?? (await freeBasePort())
  const args = [PROGRAM, 'up', '--home', home, '--base-port', String(basePort), ...(options.args ?? [])]
  const child = spawn(process.execPath, args, {
    env: { ...inheritedEnvironment(), VITEST: undefined, NODE_ENV: undefined, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stdout.on('data', (data) => {
    printed += data
  })
  child.stderr.on('data', (data) => {
    printed += data
  })
  const output = () => printed
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  await until(() => printed.includes('Isocenter is ready:') || isOver(), READY_WITHIN_MS)
  if (!printed.includes('Isocenter is ready:')) {
    child.kill('SIGTERM')
    throw new Error(`the department did not become ready:\n${printed}`)
  }
  const endpoints = () => JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8')) as Endpoints
  return {
    home,
    basePort,
    endpoints,
    output,
    child,
    async end(signal = 'SIGTERM') {
      if (!isOver()) child.kill(signal)
      await until(isOver, 60_000)
      return child.exitCode
    },
    async killAndAwaitReturn(name) {
      const before = endpoints().processes[name] ?? []
      const said = output().split(`${name} is back`).length
      for (const pid of before) process.kill(pid, 'SIGKILL')
      await until(() => !before.some(isAlive) && output().split(`${name} is back`).length > said, 60_000)
    },
  }
}

export function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'isocenter-department-'))
  // Root lends Postgres another user, who has to pass through.
  chmodSync(home, 0o711)
  return home
}

/**
 * A base whose derived ports are all free at this moment, below the range that outgoing connections take. Files that
 * run side by side choose from hundreds of their own: a department takes its ports some time after it was given them.
 */
export async function freeBasePort(): Promise<number> {
  const lane = Number(process.env.VITEST_POOL_ID ?? 0) % 2
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 10_000 + Math.floor(Math.random() * 110) * 200 + lane * 100
    const offsets = [0, 1, 2, 3, 4, 5, 6, 7, 8, 91, 92, 93]
    const free = await Promise.all(offsets.map((offset) => canListen(base + offset)))
    if (free.every(Boolean)) return base
  }
  throw new Error('no hundred free ports were found')
}

function canListen(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

async function until(condition: () => boolean, withinMs: number): Promise<void> {
  for (const end = Date.now() + withinMs; Date.now() < end && !condition(); ) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Whether a home's endpoints are published at this moment. */
export function isPublished(home: string): boolean {
  return existsSync(join(home, 'endpoints.json'))
}
