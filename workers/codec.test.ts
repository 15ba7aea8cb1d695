import { defaultPayloadConverter } from '@temporalio/common'
import { expect, test } from 'vitest'
import { encryptingCodec, isEncrypted } from './codec.ts'

const key = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'
const payload = defaultPayloadConverter.toPayload({ orderId: '01JD3V0000000000000000000A' })!

test('a payload leaves the process unreadable and comes back as it was', async () => {
  const [sealed] = await encryptingCodec(key).encode([payload])
  expect(isEncrypted(sealed!)).toBe(true)
  expect(Buffer.from(sealed!.data!).includes('01JD3V')).toBe(false)
  const [opened] = await encryptingCodec(key).decode([sealed!])
  expect(defaultPayloadConverter.fromPayload(opened!)).toEqual({ orderId: '01JD3V0000000000000000000A' })
})

test('the same payload never looks the same twice', async () => {
  const [one, other] = await encryptingCodec(key).encode([payload, payload])
  expect(Buffer.from(one!.data!).equals(Buffer.from(other!.data!))).toBe(false)
})

test('a payload written under another home’s key is refused', async () => {
  const [sealed] = await encryptingCodec(key).encode([payload])
  await expect(encryptingCodec(key.replace('00', 'ff')).decode([sealed!])).rejects.toThrow('another key')
})

test('a payload from before encryption is read as it is', async () => {
  expect(await encryptingCodec(key).decode([payload])).toEqual([payload])
})
