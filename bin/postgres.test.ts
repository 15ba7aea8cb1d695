import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, onTestFinished, test, vi } from 'vitest'
import { clusterUrl, endStrayPostmaster, prepareCluster, sharedBuffersMiB, startCluster } from './postgres.ts'
import { freePort } from './testing/free-port.ts'

// initdb writes and syncs a whole cluster, which a busy disk makes slow.
vi.setConfig({ testTimeout: 120_000 })

async function newCluster({ durable = true } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'isocenter-postgres-'))
  chmodSync(home, 0o711)
  const cluster = prepareCluster({ home, port: await freePort(), durable })
  onTestFinished(async () => void (await endStrayPostmaster(cluster.dataDir)))
  return { home, cluster, log: join(home, 'postgres.log') }
}

test('what was committed is there after the database was killed, also when the home is prepared again', async () => {
  const { home, cluster, log } = await newCluster()
  const child = await startCluster(cluster, log)
  const sql = postgres(clusterUrl(cluster), { max: 1 })
  await sql`create table kept (name text)`
  await sql`insert into kept values ('Ångström')`
  child.kill('SIGKILL')
  await once(child, 'exit')
  await sql.end({ timeout: 0 })
  await startCluster(prepareCluster({ home, port: cluster.port }), log)
  const again = postgres(clusterUrl(cluster), { max: 1 })
  expect([...(await again`select name from kept`)]).toEqual([{ name: 'Ångström' }])
  await again.end()
})

test('a database left behind is ended; a pid file that names another program is removed', async () => {
  const { cluster, log } = await newCluster({ durable: false })
  const child = await startCluster(cluster, log)
  expect(await endStrayPostmaster(cluster.dataDir)).toBe(child.pid)
  const pidFile = join(cluster.dataDir, 'postmaster.pid')
  expect(existsSync(pidFile)).toBe(false)
  writeFileSync(pidFile, `${process.pid}\n`)
  expect(await endStrayPostmaster(cluster.dataDir)).toBeUndefined()
  expect(existsSync(pidFile)).toBe(false)
})

test('the database is safe by default: passwords, checksums, durable commits, no values in its log', async () => {
  const { home, cluster, log } = await newCluster()
  await startCluster(cluster, log)
  const sql = postgres(clusterUrl(cluster), { max: 1 })
  const [settings] =
    await sql`select current_setting('data_checksums') as checksums, current_setting('fsync') as fsync,
    current_setting('server_encoding') as encoding, current_setting('max_connections') as connections`
  expect(settings).toEqual({ checksums: 'on', fsync: 'on', encoding: 'UTF8', connections: '200' })
  await sql`create table patients (name text primary key)`
  await sql`insert into patients values ('Planted^Name')`
  await expect(sql`insert into patients values ('Planted^Name')`).rejects.toMatchObject({ code: '23505' })
  await sql.end()
  expect(readFileSync(log, 'utf8')).toContain('duplicate key')
  expect(readFileSync(log, 'utf8')).not.toContain('Planted')
  const stranger = postgres(clusterUrl({ ...cluster, password: 'guess' }), { max: 1 })
  await expect(stranger`select 1`).rejects.toMatchObject({ code: '28P01' })
  await stranger.end()
  expect(statSync(join(home, 'secrets/postgres-password')).mode & 0o777).toBe(0o600)
})

test('the database keeps an eighth of the memory warm, of its container where that has less, and never more than a gigabyte', () => {
  const gib = 2 ** 30
  expect(sharedBuffersMiB(4 * gib, 0)).toBe(512)
  expect(sharedBuffersMiB(64 * gib, 2 ** 63)).toBe(1_024)
  expect(sharedBuffersMiB(64 * gib, 2 * gib)).toBe(256)
  expect(sharedBuffersMiB(gib / 2, 0)).toBe(128)
})
