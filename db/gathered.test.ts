import { afterEach, expect, test, vi } from 'vitest'
import { Gathered } from './gathered.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** A table that is read when the test says so. */
function table(rows: Map<string, string>, standsForMs = 0) {
  const reads: { keys: readonly string[]; finish: (error?: Error) => void }[] = []
  const read = (keys: readonly string[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, string>>()
    const found = new Map([...rows].filter(([key]) => keys.includes(key)))
    reads.push({ keys, finish: (error) => (error ? reject(error) : resolve(found)) })
    return promise
  }
  const gathered = new Gathered<string>(read, { standsForMs })
  return { gathered, reads }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('questions of one turn are read together, the same one once', async () => {
  const { gathered, reads } = table(new Map([['a', 'A']]))
  const answers = Promise.all([gathered.get('a'), gathered.get('b'), gathered.get('a')])
  await turn()
  expect(reads.map(({ keys }) => keys)).toEqual([['a', 'b']])
  reads[0]!.finish()
  expect(await answers).toEqual(['A', null, 'A'])
})

test('what is withdrawn while a read is on its way is not in the answer to whoever asks then', async () => {
  const rows = new Map([['a', 'A']])
  const { gathered, reads } = table(rows)
  const before = gathered.get('a')
  await turn()
  rows.delete('a')
  const after = gathered.get('a')
  await turn()
  expect(reads).toHaveLength(1)
  reads[0]!.finish()
  expect(await before).toBe('A')
  await turn()
  reads[1]!.finish()
  expect(await after).toBeNull()
})

test('a read that fails fails those who asked for it, and the next one is tried', async () => {
  const { gathered, reads } = table(new Map([['a', 'A']]))
  const lost = gathered.get('a').catch((error: Error) => error.message)
  await turn()
  reads[0]!.finish(new Error('the database is away'))
  expect(await lost).toBe('the database is away')
  const found = gathered.get('a')
  await turn()
  reads[1]!.finish()
  expect(await found).toBe('A')
})

test('what was found stands for its time from the beginning of the read, what is not there for none', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { gathered, reads } = table(new Map([['a', 'A']]), 25)
  const first = Promise.all([gathered.get('a'), gathered.get('b')])
  await turn()
  vi.advanceTimersByTime(20)
  reads[0]!.finish()
  expect(await first).toEqual(['A', null])
  expect(await gathered.get('a')).toBe('A')
  void gathered.get('b')
  await turn()
  expect(reads.map(({ keys }) => keys)).toEqual([['a', 'b'], ['b']])
  reads[1]!.finish()
  await turn()
  vi.advanceTimersByTime(5)
  void gathered.get('a')
  await turn()
  expect(reads).toHaveLength(3)
})

test('after a change here nothing read before stands, nor what is still being read', async () => {
  const { gathered, reads } = table(new Map([['a', 'A']]), 60_000)
  const first = gathered.get('a')
  await turn()
  gathered.forget()
  reads[0]!.finish()
  await first
  void gathered.get('a')
  await turn()
  expect(reads).toHaveLength(2)
})
