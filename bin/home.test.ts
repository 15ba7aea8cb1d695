import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endStrays, holdHome, keptIsDemo, keptSecretKey, recordProcesses } from './home.ts'
import { isAlive, startedAtTicks } from './process-table.ts'

const newHome = () => mkdtempSync(join(tmpdir(), 'isocenter-home-'))

test('a home is held by one department, and the second is told by whom', async () => {
  const home = newHome()
  const held = await holdHome(home)
  await expect(holdHome(home)).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringContaining(`pid ${process.pid}`),
  })
  held.release()
  await expect.poll(() => holdHome(home).then(() => 'held', String)).toBe('held')
})

test('a home whose holder was killed is free at once', async () => {
  const home = newHome()
  const script = `const { holdHome } = await import(${JSON.stringify(new URL('./home.ts', import.meta.url).href)})
    await holdHome(${JSON.stringify(home)}); console.log('held'); setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  await expect(holdHome(home)).rejects.toMatchObject({ exitCode: 4 })
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  await expect(holdHome(home)).resolves.toMatchObject({ path: home })
})

test('what a killed department left running is ended, and a process that merely has the same pid is not', async () => {
  const home = newHome()
  const [stray, stranger] = [spawn('sleep', ['60']), spawn('sleep', ['60'])]
  const [strayPid, strangerPid] = [stray.pid as number, stranger.pid as number]
  recordProcesses(home, [
    { name: 'archive', pid: strayPid, startedAtTicks: startedAtTicks(strayPid) as number },
    { name: 'interop', pid: strangerPid, startedAtTicks: (startedAtTicks(strangerPid) as number) - 1 },
  ])
  expect(await endStrays(home)).toEqual(['archive'])
  expect(isAlive(strayPid)).toBe(false)
  expect(isAlive(strangerPid)).toBe(true)
  stranger.kill()
})

test('the secret key of a department is made once and readable by its owner only', async () => {
  const home = newHome()
  const { path } = await holdHome(home)
  const { key, file } = keptSecretKey(path)
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  expect(keptSecretKey(path).key).toBe(key)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a demonstration home refuses to become an empty department', () => {
  const home = newHome()
  expect(keptIsDemo(home, true)).toBe(true)
  expect(() => keptIsDemo(home, false)).toThrow(/--no-demo/)
  const empty = newHome()
  expect(keptIsDemo(empty, false)).toBe(false)
  expect(keptIsDemo(empty, true)).toBe(false)
})
