import { expect, test } from 'vitest'
import { sharedRead } from './shared-read.ts'

/** Reads that end when they are told to. */
function reads() {
  const begun: ((value: string) => void)[] = []
  const failing: ((error: Error) => void)[] = []
  const read = () =>
    new Promise<string>((resolve, reject) => {
      begun.push(resolve)
      failing.push(reject)
    })
  return { begun, failing, read }
}
const soon = () => new Promise((resolve) => setImmediate(resolve))

test('fifty screens that ask while one read runs share the next one', async () => {
  const pool = {}
  const { begun, read } = reads()
  const first = sharedRead(pool, 'list', read)
  const others = Array.from({ length: 50 }, () => sharedRead(pool, 'list', read))
  begun[0]!('before')
  await expect(first).resolves.toBe('before')
  await soon()
  begun[1]!('after')
  expect(new Set(await Promise.all(others))).toEqual(new Set(['after']))
  expect(begun).toHaveLength(2)
})

test('nobody gets a read that began before they asked', async () => {
  const pool = {}
  const { begun, read } = reads()
  void sharedRead(pool, 'list', read)
  const second = sharedRead(pool, 'list', read)
  begun[0]!('1')
  await soon()
  const third = sharedRead(pool, 'list', read)
  begun[1]!('2')
  await expect(second).resolves.toBe('2')
  await soon()
  begun[2]!('3')
  await expect(third).resolves.toBe('3')
  await soon()
  const alone = sharedRead(pool, 'list', read)
  begun[3]!('4')
  await expect(alone).resolves.toBe('4')
})

test('other lists and other transactions are read by themselves, and a failure is only of those who shared it', async () => {
  const [pool, transaction] = [{}, {}]
  const { begun, failing, read } = reads()
  const one = sharedRead(pool, 'a', read)
  const other = sharedRead(pool, 'b', read)
  const inside = sharedRead(transaction, 'a', read)
  const next = sharedRead(pool, 'a', read)
  expect(begun).toHaveLength(3)
  failing[0]!(new Error('the database went away'))
  await expect(one).rejects.toThrow('went away')
  await soon()
  for (const end of begun.slice(1)) end('well')
  expect(await Promise.all([other, inside, next])).toEqual(['well', 'well', 'well'])
})
