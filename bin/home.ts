/** A department's home: held by one `up` at a time, with the secrets and the list of processes that live there. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { CommandFailure, EXIT, missing, wrongUsage } from './failure.ts'
import { endProcess, isAlive, startedAtTicks } from './process-table.ts'

export interface HeldHome {
  path: string
  logs: string
  release: () => void
}

export interface RecordedProcess {
  name: string
  pid: number
  startedAtTicks: number
}

/**
 * Makes the home if needed and holds it until this process ends, however it ends.
 * @throws CommandFailure 4 when another `up` holds it, 3 when it cannot be written to
 */
export async function holdHome(home: string): Promise<HeldHome> {
  try {
    // Root lends Postgres another user, who must be able to pass through; what is secret is closed one by one.
    mkdirSync(home, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    mkdirSync(join(home, 'logs'), { recursive: true, mode: 0o700 })
    mkdirSync(join(home, 'secrets'), { recursive: true, mode: 0o700 })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw missing(`the home ${home} cannot be written to (${code}); name another one with --home DIR`)
  }
  const server = await listenAsHolder(home)
  return { path: realpathSync(home), logs: join(home, 'logs'), release: () => void server.close() }
}

/** 64 hexadecimal digits, made once and kept: what was encrypted with it is unreadable without it. */
export function keptSecretKey(home: string): { file: string; key: string } {
  const file = join(home, 'secrets', 'key')
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 })
  return { file, key: readFileSync(file, 'utf8').trim() }
}

/**
 * Whether this home's department is a demonstration, decided by its first start.
 * @throws CommandFailure 2 when --no-demo meets a home that has one
 */
export function keptIsDemo(home: string, wantsDemo: boolean): boolean {
  const file = join(home, 'department.json')
  if (!existsSync(file)) writeFileSync(file, JSON.stringify({ isDemo: wantsDemo }))
  const { isDemo } = JSON.parse(readFileSync(file, 'utf8')) as { isDemo: boolean }
  if (isDemo && !wantsDemo) {
    throw wrongUsage(
      `${home} holds a demonstration department; give --no-demo a home of its own with --home DIR`,
    )
  }
  return isDemo
}

/** Remembers the running processes, so that the next `up` can end what a killed one left behind. */
export function recordProcesses(home: string, processes: RecordedProcess[]): void {
  const file = join(home, 'processes.json')
  writeFileSync(`${file}.new`, JSON.stringify(processes))
  renameSync(`${file}.new`, file)
}

/** Ends what an earlier `up` left running and answers the names. A reused pid is told by its start time. */
export async function endStrays(home: string): Promise<string[]> {
  const file = join(home, 'processes.json')
  if (!existsSync(file)) return []
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as RecordedProcess[]
  const strays = recorded.filter(
    ({ pid, startedAtTicks: ticks }) => isAlive(pid) && startedAtTicks(pid) === ticks,
  )
  await Promise.all(
    // Postgres takes SIGTERM for "wait until everybody has left"; SIGINT is its fast shutdown.
    strays.map(({ name, pid }) =>
      endProcess(pid, [
        { signal: name === 'postgres' ? 'SIGINT' : 'SIGTERM', waitMs: 15_000 },
        { signal: 'SIGKILL', waitMs: 5_000 },
      ]),
    ),
  )
  rmSync(file, { force: true })
  return strays.map(({ name }) => name)
}

/**
 * The lock is an abstract socket: the kernel lets one process have the name and takes it back the moment that process
 * dies, so there is no stale lock to judge. It answers with the holder's pid.
 */
async function listenAsHolder(home: string): Promise<Server> {
  const name = `\0isocenter-${createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 32)}`
  const server = createServer((socket) => {
    // The asker may be gone before it has read the answer.
    socket.on('error', () => undefined)
    socket.end(String(process.pid))
  })
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(name, resolve))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    const holder = await askHolder(name)
    throw new CommandFailure(
      EXIT.held,
      `another up (pid ${holder}) holds ${home}; stop it (kill ${holder}) or start with --home DIR and --base-port N`,
    )
  }
  return server
}

async function askHolder(name: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = createConnection(name)
    socket.setTimeout(2_000, () => socket.destroy())
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', () => resolve('unknown'))
    socket.on('close', () => resolve(answer || 'unknown'))
  })
}
