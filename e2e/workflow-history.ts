/** What the workflow engine knows, as its operator sees it: every history opened with the home's key (AES-256-GCM, RFC 5116). */
import { createDecipheriv, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import type { Payload, PayloadCodec } from '@temporalio/common'
import type { RunningDepartment } from './department.ts'

const IV_BYTES = 12
const TAG_BYTES = 16

/** Connects, works, closes. */
export async function withEngine<T>(
  department: RunningDepartment,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { address, namespace } = department.endpoints().temporal
  const connection = await Connection.connect({ address, connectTimeout: 10_000 })
  try {
    const dataConverter = { payloadCodecs: [openingCodec(department.home)] }
    return await work(new Client({ connection, namespace, dataConverter }))
  } finally {
    await connection.close()
  }
}

export interface WorkflowView {
  phase: string | null
  rev: number
}

/** What the order's workflow believes. @throws while no worker answers for it */
export function workflowView(department: RunningDepartment, orderId: string): Promise<WorkflowView> {
  return withEngine(department, (client) =>
    client.workflow.getHandle(`order-${orderId}`).query<WorkflowView>('orderStatus'),
  )
}

/** Every word of every history: names, ids, and all payloads opened. What the server itself indexes lies open. */
export function allHistories(department: RunningDepartment): Promise<string[]> {
  return withEngine(department, async (client) => {
    const key = keyOf(department.home)
    const texts: string[] = []
    for await (const { workflowId, runId } of client.workflow.list()) {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
      texts.push([workflowId, ...wordsIn(history, key)].join('\n'))
    }
    return texts
  })
}

function* wordsIn(value: unknown, key: Buffer): Generator<string> {
  if (typeof value === 'string') yield value
  else if (value instanceof Uint8Array) yield Buffer.from(value).toString('utf8')
  else if (isPayload(value)) yield Buffer.from(open(value, key).data ?? []).toString('utf8')
  else if (value !== null && typeof value === 'object')
    for (const [name, inner] of Object.entries(value))
      yield* name === 'indexedFields' ? wordsOfIndex(inner as Record<string, Payload>) : wordsIn(inner, key)
}

/** Search attributes cannot be sealed; a schedule gives each run its own two, the server's, and we give none. */
function* wordsOfIndex(fields: Record<string, Payload>): Generator<string> {
  for (const [name, { data }] of Object.entries(fields ?? {})) {
    if (!name.startsWith('TemporalScheduled')) throw new Error(`${name} is indexed in the open`)
    yield Buffer.from(data ?? []).toString('utf8')
  }
}

function isPayload(value: unknown): value is Payload {
  return value !== null && typeof value === 'object' && 'metadata' in value && 'data' in value
}

function openingCodec(home: string): PayloadCodec {
  const key = keyOf(home)
  return {
    encode: async (payloads) => payloads,
    decode: async (payloads) => payloads.map((payload) => open(payload, key)),
  }
}

function keyOf(home: string): Buffer {
  const secret = Buffer.from(readFileSync(join(home, 'secrets', 'key'), 'utf8').trim(), 'hex')
  return Buffer.from(hkdfSync('sha256', secret, '', 'isocenter workflow payloads', 32))
}

/** @throws when it was sealed under another key, or not at all: nothing of ours may lie open */
function open({ metadata, data }: Payload, key: Buffer): Payload {
  const encoding = Buffer.from(metadata?.encoding ?? []).toString('utf8')
  if (encoding !== 'binary/encrypted') throw new Error(`a payload lies open as ${encoding}`)
  const sealed = Buffer.from(data ?? [])
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES))
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  const opened = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
  const inner = JSON.parse(opened.toString('utf8')) as { metadata: [string, string][]; data: string | null }
  return {
    metadata: Object.fromEntries(inner.metadata.map(([name, text]) => [name, Buffer.from(text, 'base64')])),
    data: inner.data === null ? null : Buffer.from(inner.data, 'base64'),
  }
}
