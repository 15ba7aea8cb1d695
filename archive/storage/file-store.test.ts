import { createHash, pbkdf2, randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { ulid } from 'ulid'
import { expect, test } from 'vitest'
import { DerivedStore } from './derived-store.ts'
import { FileStore } from './file-store.ts'

const root = () => mkdtemp(join(tmpdir(), 'isocenter-blobs-'))

test('an object comes back byte for byte, and its hash covers the data set alone', async () => {
  const store = new FileStore(await root())
  const header = randomBytes(300)
  const dataset = randomBytes(1_500_000)
  const writer = await store.create()
  writer.writeHeader(header)
  for (let at = 0; at < dataset.length; at += 65_536) await writer.write(dataset.subarray(at, at + 65_536))
  await writer.drain()
  expect(writer.source().bytes(300, 20)).toEqual(dataset.subarray(0, 20))
  const stored = await writer.commit()

  expect(stored).toEqual({
    key: stored.key,
    bytes: 1_500_300,
    datasetOffset: 300,
    sha256: createHash('sha256').update(dataset).digest('hex'),
  })
  expect(stored.key).toMatch(/^objects\/\d\d\/\d\d\/\d\d\/[0-9A-Z]{26}\.dcm$/)
  const reader = await store.open(stored.key)
  expect(reader.bytes).toBe(1_500_300)
  expect(await reader.read(300 + 70_000, 1000)).toEqual(dataset.subarray(70_000, 71_000))
  expect(await reader.read(1_500_290, 1000)).toEqual(dataset.subarray(-10))
  const streamed = await buffer(reader.stream({ offset: 300, length: dataset.length }))
  expect(streamed.equals(dataset)).toBe(true)
})

test('nothing of an object is visible before it is committed, and an aborted one leaves nothing', async () => {
  const folder = await root()
  const store = new FileStore(folder)
  const writing = await store.create()
  await writing.write(randomBytes(1000))
  await expect(store.open(writing.key)).rejects.toMatchObject({ code: 'ENOENT' })
  await writing.abort()
  const left = await readdir(folder, { recursive: true, withFileTypes: true })
  expect(left.filter((entry) => entry.isFile())).toEqual([])
})

test('an object that is given up before a thread has written it leaves no byte in whatever is opened next', async () => {
  const folder = await root()
  const given = await new FileStore(folder).create()
  // All threads are busy, so that the write waits for one.
  const busy = Array.from({ length: 8 }, () => promisify(pbkdf2)('a', 'b', 100_000, 64, 'sha512'))
  const writing = given.write(randomBytes(2_000_000))
  const gone = given.abort()
  await new Promise(setImmediate)
  const other = openSync(join(folder, 'other'), 'w+')
  writeSync(other, 'whole')
  await Promise.allSettled([writing, gone, ...busy])
  expect(await readFile(join(folder, 'other'), 'utf8')).toBe('whole')
  closeSync(other)
})

test('what a crash left half written is swept away, and whole objects stay', async () => {
  const folder = await root()
  const before = new FileStore(folder)
  const whole = await before.create()
  await whole.write(randomBytes(10))
  await whole.commit()
  const half = await before.create()
  await half.write(randomBytes(10))

  const after = new FileStore(folder)
  expect(await after.sweepUnfinished()).toBe(0)
  expect(await after.sweepUnfinished({ olderThanMs: -1000 })).toBe(1)
  await (await after.open(whole.key)).close()
  await half.abort()
})

test('a sweep reads the days since the last one, in the folders of earlier releases too, and each once', async () => {
  const folder = await root()
  const store = new FileStore(folder)
  const day = (ms: number) => new Date(ms).toISOString().slice(2, 10).replaceAll('-', '/')
  const [today, long] = [day(Date.now()), '20/01/31']
  const leave = async (where: string, name: string) => {
    await mkdir(join(folder, 'objects', where), { recursive: true })
    await writeFile(join(folder, 'objects', where, `${name}.dcm.part`), 'half')
  }
  await leave(long, 'A')
  await leave(long.slice(0, 5), 'B')
  expect(await store.sweepUnfinished({ olderThanMs: -1000 })).toBe(2)
  await leave(long, 'C')
  await leave(today, 'D')
  await leave(today.slice(0, 5), 'E')
  expect(await store.sweepUnfinished({ olderThanMs: -1000 })).toBe(2)
  // A clock that was ahead at the last start says nothing of the days between.
  await writeFile(join(folder, 'swept-at'), new Date(Date.now() + 90 * 86_400_000).toISOString())
  expect(await store.sweepUnfinished({ olderThanMs: -1000 })).toBe(1)
})

test('a sweep goes on past an object that is finished while it looks', async () => {
  const folder = await root()
  const store = new FileStore(folder)
  const where = join(folder, 'objects/26/01/31')
  await mkdir(where, { recursive: true })
  // Its name was read, and then it had another one.
  await symlink(join(where, 'gone'), join(where, 'A.dcm.part'))
  await writeFile(join(where, 'B.dcm.part'), 'half')
  expect(await store.sweepUnfinished({ olderThanMs: -1000 })).toBe(1)
})

test('an object of an earlier release, which had no folders of days, is read and found', async () => {
  const folder = await root()
  const store = new FileStore(folder)
  const begun = Date.UTC(2026, 0, 31, 23, 59)
  const keys = ['objects/26/01', 'objects/26/01/31'].map((where) => `${where}/${ulid(begun)}.dcm`)
  for (const key of keys) {
    await mkdir(join(folder, dirname(key)), { recursive: true })
    await writeFile(join(folder, key), 'whole')
    const reader = await store.open(key)
    expect((await reader.read(0, 5)).toString()).toBe('whole')
    await reader.close()
  }
  const found = await Readable.from(
    store.keysBegun({ from: begun - 60_000, until: begun + 120_000 }),
  ).toArray()
  expect(found.flat().sort()).toEqual(keys.sort())
})

test('many writers at once each get their own object', async () => {
  const store = new FileStore(await root())
  const stored = await Promise.all(
    Array.from({ length: 24 }, async (_, n) => {
      const writer = await store.create()
      await writer.write(Buffer.alloc(5000, n))
      return writer.commit()
    }),
  )
  for (const [n, blob] of stored.entries()) {
    const reader = await store.open(blob.key)
    expect((await reader.read(0, 5000)).equals(Buffer.alloc(5000, n))).toBe(true)
    await reader.close()
  }
})

test('a key that we could not have minted is refused before any path is made', async () => {
  const store = new FileStore(await root())
  for (const key of [
    '../secret',
    'objects/26/11/../../../etc/passwd',
    '1.2.840.10008',
    'objects/26/11/x.dcm',
  ])
    await expect(store.open(key)).rejects.toThrow('not a blob key')
})

test('derived bytes are replaced whole and missing ones are null', async () => {
  const folder = await root()
  const store = new DerivedStore(folder)
  expect(await store.get('metadata/a.1')).toBeNull()
  await store.put('metadata/a.1', Buffer.from('one'))
  await store.put('metadata/a.1', Buffer.from('two'))
  expect((await store.get('metadata/a.1'))?.toString()).toBe('two')
  expect(await readFile(join(folder, 'derived/metadata/a.1'), 'utf8')).toBe('two')
  await expect(store.get('../a')).rejects.toThrow('not a key')
})
