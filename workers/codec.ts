/** Encrypts what Temporal stores (AES-256-GCM), so that its database holds ids and signal names and nothing more. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec, ValueError } from '@temporalio/common'

const ENCODING = 'binary/encrypted'
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * A codec under a key derived from the home's secret. Payloads from before it was switched on pass as they are.
 * @throws ValueError when a payload was written under another key
 */
export function encryptingCodec(secretKeyHex: string): PayloadCodec {
  const secret = Buffer.from(secretKeyHex, 'hex')
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'isocenter workflow payloads', 32))
  return {
    encode: async (payloads) => payloads.map((payload) => encrypt(payload, key)),
    decode: async (payloads) => payloads.map((payload) => decrypt(payload, key)),
  }
}

export function isEncrypted(payload: Payload): boolean {
  const encoding = payload.metadata?.[METADATA_ENCODING_KEY]
  return encoding !== undefined && encoding !== null && Buffer.from(encoding).toString('utf8') === ENCODING
}

function encrypt(payload: Payload, key: Buffer): Payload {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const sealed = Buffer.concat([cipher.update(toBytes(payload)), cipher.final()])
  return {
    metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCODING) },
    data: Buffer.concat([iv, cipher.getAuthTag(), sealed]),
  }
}

function decrypt(payload: Payload, key: Buffer): Payload {
  if (!isEncrypted(payload)) return payload
  const bytes = Buffer.from(payload.data ?? [])
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  try {
    return fromBytes(Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]))
  } catch (cause) {
    throw new ValueError('a workflow payload was encrypted under another key than this home has', cause)
  }
}

function toBytes({ metadata, data }: Payload): Buffer {
  const encoded = Object.entries(metadata ?? {}).map(([name, value]) => [
    name,
    Buffer.from(value).toString('base64'),
  ])
  return Buffer.from(
    JSON.stringify({ metadata: encoded, data: data ? Buffer.from(data).toString('base64') : null }),
  )
}

function fromBytes(bytes: Buffer): Payload {
  const { metadata, data } = JSON.parse(bytes.toString('utf8')) as {
    metadata: [string, string][]
    data: string | null
  }
  return {
    metadata: Object.fromEntries(metadata.map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: data === null ? null : Buffer.from(data, 'base64'),
  }
}
