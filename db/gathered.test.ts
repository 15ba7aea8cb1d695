import { expect, test } from 'vitest'
import { Gathered } from './gathered.ts'

/** A table that is read when the test says so. */
function table(rows: Map<string, string>) {
  const reads: { keys: readonly string[]; finish: (error?: Error) => void }[] = []
  const gathered = new Gathered<string>((keys) => {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, string>>()
    const found = new Map(rows)
    reads.push({ keys, finish: (error) => (error ? reject(error) : resolve(found)) })
    return promise
  })
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
