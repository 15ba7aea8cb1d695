import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isAlive } from './process-table.ts'
import { type ProcessPlan, Supervisor } from './supervisor.ts'

const SOUND = `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); process.send({ type: 'ready' })`

function plan(name: string, script: string, folder: string): ProcessPlan {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, script)
  const args = ['--import', new URL('./guard.ts', import.meta.url).href, file]
  const env = { PATH: process.env.PATH }
  return {
    name,
    command: process.execPath,
    args,
    env,
    cwd: folder,
    readiness: 'message',
    stopSignal: 'SIGTERM',
  }
}

function watch() {
  const folder = mkdtempSync(join(tmpdir(), 'isocenter-supervisor-'))
  const lines: string[] = []
  const supervisor = new Supervisor({
    logs: folder,
    say: (line) => lines.push(line),
    onChange: () => undefined,
  })
  onTestFinished(() => supervisor.stopAll())
  return { folder, lines, supervisor }
}

test('a killed process is restarted under a new id, and both are said', async () => {
  const { folder, lines, supervisor } = watch()
  await supervisor.start(plan('archive', SOUND, folder))
  const [first] = supervisor.processes.archive ?? []
  process.kill(first as number, 'SIGKILL')
  await expect.poll(() => lines.at(-1), { timeout: 15_000 }).toMatch(/^archive is back/)
  const [second] = supervisor.processes.archive ?? []
  expect(lines).toEqual([
    'archive died (signal SIGKILL), restarting in 0.5 s',
    `archive is back (pid ${second})`,
  ])
  expect(second).not.toBe(first)
})

test('a process that cannot start is given up with the reason from its log', async () => {
  const { folder, supervisor } = watch()
  const broken = plan('interop', `throw new Error('the listener is refused')`, folder)
  await expect(supervisor.start(broken)).rejects.toThrow(
    /interop does not start: exit code 1; .*the listener is refused/,
  )
})

test('processes are stopped in reverse order of starting', async () => {
  const { folder, supervisor } = watch()
  const ledger = join(folder, 'ledger')
  const noting = (name: string) =>
    `import { appendFileSync } from 'node:fs'
     process.on('SIGTERM', () => { appendFileSync(${JSON.stringify(ledger)}, '${name} '); process.exit(0) })
     setInterval(() => {}, 1000); process.send({ type: 'ready' })`
  for (const name of ['first', 'second', 'third']) await supervisor.start(plan(name, noting(name), folder))
  const pids = Object.values(supervisor.processes).flat()
  await supervisor.stopAll()
  expect(readFileSync(ledger, 'utf8')).toBe('third second first ')
  expect(pids.filter(isAlive)).toEqual([])
})

test('a process without a supervisor ends by itself, as cleanly as on a signal', async () => {
  const { folder } = watch()
  const ledger = join(folder, 'ledger')
  const script = `import { writeFileSync } from 'node:fs'
    process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(ledger)}, 'clean'); process.exit(0) })
    setInterval(() => {}, 1000); process.send({ type: 'ready' })`
  const { command, args } = plan('relay', script, folder)
  const { fork } = await import('node:child_process')
  const child = fork(args[2] as string, { execPath: command, execArgv: args.slice(0, 2) })
  await new Promise((resolve) => child.once('message', resolve))
  child.disconnect()
  await expect.poll(() => existsSync(ledger), { timeout: 10_000 }).toBe(true)
  await expect.poll(() => isAlive(child.pid as number), { timeout: 10_000 }).toBe(false)
})
