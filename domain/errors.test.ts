/** Refusals keep their code through any wall they cross. */
import { expect, test } from 'vitest'
import { isRefusal, RadiologyError, refusalCode } from './errors.ts'

test('a refusal is known by its code, also when it has become a plain object', () => {
  const error = new RadiologyError('stale-fence', { itemId: 'item-1', fence: 4 })
  expect(isRefusal(error, 'stale-fence')).toBe(true)
  expect(isRefusal(error, 'held')).toBe(false)
  expect(isRefusal({ ...error }, 'stale-fence')).toBe(true)
})

test('what is not ours is no refusal', () => {
  for (const other of [null, 'held', new Error('held'), Object.assign(new Error(), { code: 'ECONNRESET' })]) {
    expect(isRefusal(other)).toBe(false)
    expect(refusalCode(other)).toBeNull()
  }
})

test('a refusal says the code and the ids it was given, and keeps its cause', () => {
  const cause = new Error('the database said no')
  const error = new RadiologyError('duplicate-order', { orderId: 'order-1', accession: undefined }, cause)
  expect(error.message).toBe('duplicate-order: orderId order-1')
  expect(error.cause).toBe(cause)
})
