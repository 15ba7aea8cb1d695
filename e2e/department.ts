/** A whole department for a black-box test: `npm run up` on a home and ports of its own, met only through its wires. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freeBasePort } from '#bin/testing/up.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const READY_WITHIN_MS = 240_000

/** `<home>/endpoints.json`, as the contract describes it. */
export interface Endpoints {
  app: string
  dicomweb: string
  mllp: { host: string; port: number }
  dicom: { host: string; port: number; aeTitle: string }
  devices: { aeTitle: string; modality: string; room: string | null; site: string }[]
  emr: { host: string; port: number }
  postgres: string
  temporal: { address: string; namespace: string }
  processes: Record<string, number[]>
  accounts: { user: string; password: string; role: string }[]
  tokens: { integration: string }
}

export interface RunningDepartment {
  home: string
  endpoints(): Endpoints
  /** JSON of a route under the integration token. */
  ask<T = Record<string, unknown>>(path: string, init?: RequestInit): Promise<T>
  account(user: string): { user: string; password: string }
  /** SIGKILLs a process and waits until its successor is ready. */
  kill(process: string): Promise<void>
  /** Stops a process from coming back by holding it stopped (SIGSTOP), and lets it go on (SIGCONT). */
  pause(process: string): void
  resume(process: string): void
  /** Arms a failpoint: the process that reaches it dies there, once. */
  arm(place: string): void
  /** True once an armed failpoint was reached. */
  fired(place: string): boolean
  /** Violated invariants, as `isocenter check` prints them: one JSON object a line. */
  check(): Promise<string>
  output(): string
  stop(): Promise<void>
}

/** Starts a department and waits for its ready line; its failpoints can be armed unless somebody measures its speed. */
export async function startDepartment({
  args = [],
  failpoints = true,
}: {
  args?: string[]
  failpoints?: boolean
} = {}): Promise<RunningDepartment> {
  const home = mkdtempSync(join(tmpdir(), 'isocenter-e2e-'))
  const failpoint = join(home, 'failpoint')
  const basePort = await freeBasePort()
  const child = spawn(
    'node',
    ['bin/isocenter.js', 'up', '--home', home, '--base-port', String(basePort), ...args],
    {
      cwd: ROOT,
      env: { ...process.env, ...(failpoints ? { ISOCENTER_FAILPOINT_FILE: failpoint } : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const output = collect(child)
  await until(
    () => output.text().includes('Isocenter is ready:'),
    READY_WITHIN_MS,
    () => {
      if (child.exitCode !== null) throw new Error(`up ended with ${child.exitCode}:\n${output.text()}`)
      return `up is not ready:\n${output.text()}`
    },
  )
  const endpoints = () => JSON.parse(readFileSync(join(home, 'endpoints.json'), 'utf8')) as Endpoints
  const pids = (name: string) => endpoints().processes[name] ?? []
  return {
    home,
    endpoints,
    ask: (path, init) => askJson(endpoints(), path, init),
    account(user) {
      const found = endpoints().accounts.find((account) => account.user === user)
      if (!found) throw new Error(`no account ${user}`)
      return found
    },
    async kill(name) {
      const [pid] = pids(name)
      if (pid === undefined) throw new Error(`no process ${name}`)
      process.kill(pid, 'SIGKILL')
      await until(
        () => pids(name).some((one) => one !== pid),
        60_000,
        () => `${name} did not come back`,
      )
    },
    pause(name) {
      for (const pid of pids(name)) process.kill(pid, 'SIGSTOP')
    },
    resume(name) {
      for (const pid of pids(name)) process.kill(pid, 'SIGCONT')
    },
    arm(place) {
      writeFileSync(`${failpoint}.${place}`, '')
    },
    fired: (place) => !existsSync(`${failpoint}.${place}`),
    check: () => run(['check', '--home', home]),
    output: output.text,
    async stop() {
      const cluster = clusterFolder(home)
      child.kill('SIGTERM')
      await until(
        () => child.exitCode !== null || child.signalCode !== null,
        60_000,
        () => `up does not stop:\n${output.text()}`,
      )
      for (const folder of [cluster, home]) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Elsewhere than in the home when root started it: the user that Postgres runs as cannot look into root's folders. */
function clusterFolder(home: string): string {
  const linked = join(home, 'postgres')
  return existsSync(linked) ? dirname(realpathSync(linked)) : home
}

async function askJson<T>(endpoints: Endpoints, path: string, init: RequestInit = {}): Promise<T> {
  const headers = {
    Authorization: `Bearer ${endpoints.tokens.integration}`,
    'Content-Type': 'application/json',
    ...init.headers,
  }
  const response = await fetch(endpoints.app + path, { ...init, headers })
  if (!response.ok) throw new Error(`${path.split('?')[0]} answered ${response.status}`)
  return (await response.json()) as T
}

function run(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('node', ['bin/isocenter.js', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = collect(child)
    child.on('error', reject)
    child.on('exit', () => resolve(output.text()))
  })
}

function collect(child: ChildProcess): { text(): string } {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { text: () => text }
}

/** Waits for a condition, never for a time. @throws with the given words when it does not come true */
export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
  words: () => string,
): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    if (await condition()) return
    if (Date.now() > deadline) throw new Error(words())
    words()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
