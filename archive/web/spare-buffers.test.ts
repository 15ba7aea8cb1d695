import { expect, test } from 'vitest'
import { SpareBuffers } from './spare-buffers.ts'

test('a buffer is used again once it is given back, and by nobody else before', () => {
  const spare = new SpareBuffers(1024 * 1024)
  const [one, other] = [spare.take(100_000), spare.take(100_000)]
  expect(one.buffer).not.toBe(other.buffer)
  spare.give(one)
  const again = spare.take(110_000)
  expect(again.buffer).toBe(one.buffer)
  expect(again).toHaveLength(110_000)
  expect(spare.take(110_000).buffer).not.toBe(one.buffer)
})

test('no more lies about than may', () => {
  const spare = new SpareBuffers(128 * 1024)
  const [large, one, other] = [spare.take(200_000), spare.take(60_000), spare.take(60_000)]
  spare.give(large)
  expect(spare.take(200_000).buffer).not.toBe(large.buffer)
  spare.give(one)
  spare.give(other)
  const third = spare.take(120_000)
  spare.give(third)
  expect(spare.take(120_000).buffer).toBe(third.buffer)
  expect(spare.take(60_000).buffer).not.toBe(other.buffer)
})

test('what was not taken here, or is back already, is never handed out', () => {
  const spare = new SpareBuffers(1024 * 1024)
  const foreign = Buffer.from(new ArrayBuffer(64 * 1024))
  spare.give(foreign)
  const one = spare.take(60_000)
  expect(one.buffer).not.toBe(foreign.buffer)
  spare.give(one)
  spare.give(one)
  expect(spare.take(60_000).buffer).not.toBe(spare.take(60_000).buffer)
})
