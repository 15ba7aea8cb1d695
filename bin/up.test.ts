import { statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, onTestFinished, test, vi } from 'vitest'
import { isAlive } from './process-table.ts'
import { isPublished, newHome, runUp } from './testing/up.ts'

// A first start builds screens, viewer and database.
vi.setConfig({ testTimeout: 300_000 })

test('a department says where everything is, keeps it through a crash, and leaves nothing behind when it stops', async () => {
  const home = newHome()
  const first = await runUp({ home })
  onTestFinished(async () => void (await first.end('SIGKILL')))
  const told = first.endpoints()
  expect(statSync(join(home, 'endpoints.json')).mode & 0o777).toBe(0o600)
  expect(told).toMatchObject({
    version: 1,
    basePort: first.basePort,
    app: `http://127.0.0.1:${first.basePort}`,
  })
  expect(told.accounts.map(({ user }) => user)).toEqual(
    expect.arrayContaining(['tech', 'radiologist2', 'admin']),
  )
  expect(first.output()).toContain(`Isocenter is ready: ${told.app}\n`)
  expect((await fetch(told.health)).status).toBe(200)
  await connects(told.mllp)
  await connects(told.dicom)
  await connects({ host: told.dicom.host, port: told.dicom.tlsPort })
  const sql = postgres(told.postgres, { max: 1 })
  await sql`create table kept_through_a_crash (word text)`
  await sql.end()

  await first.killAndAwaitReturn('interop')
  expect(first.endpoints().processes.interop).not.toEqual(told.processes.interop)
  await connects(told.mllp)

  const abandoned = Object.values(first.endpoints().processes).flat()
  await first.end('SIGKILL')
  const second = await runUp({ home, basePort: first.basePort })
  onTestFinished(async () => void (await second.end('SIGKILL')))
  expect(abandoned.filter(isAlive)).toEqual([])
  expect(second.output()).toMatch(/stopped what an earlier run left behind: .*postgres/)
  expect(second.endpoints().accounts).toEqual(told.accounts)
  const again = postgres(told.postgres, { max: 1 })
  await again`select * from kept_through_a_crash`
  await again.end()

  const pids = Object.values(second.endpoints().processes).flat()
  expect(await second.end('SIGINT')).toBe(0)
  expect(isPublished(home)).toBe(false)
  expect(pids.filter(isAlive)).toEqual([])
})

test('an empty department has one administrator, whose password is said once', async () => {
  const home = newHome()
  const first = await runUp({ home, args: ['--no-demo'] })
  onTestFinished(async () => void (await first.end('SIGKILL')))
  expect(first.output()).toMatch(/administrator: admin, password \S{12,}/)
  expect(first.endpoints()).not.toHaveProperty('accounts')
  expect(first.endpoints()).not.toHaveProperty('tokens')
  expect(await first.end()).toBe(0)
  const second = await runUp({ home })
  onTestFinished(async () => void (await second.end('SIGKILL')))
  expect(second.output()).not.toContain('password')
  expect(await second.end()).toBe(0)
})

function connects({ host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port }, () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}
