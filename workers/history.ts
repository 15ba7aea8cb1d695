/** Histories as files: decrypted, so that any home can replay them, and checked to hold no patient. */
import type { Client } from '@temporalio/client'
import type { PayloadCodec } from '@temporalio/common'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { Department } from '#db/department.ts'
import { isEncrypted } from './codec.ts'

/** One workflow run's history as JSON text, every payload readable. */
export async function readableHistory(
  client: Client,
  codec: PayloadCodec,
  workflowId: string,
): Promise<string> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory()
  await decryptAll(history, codec)
  return `${JSON.stringify(JSON.parse(historyToJSON(history)), null, 1)}\n`
}

/** Every name and record number of the department that stands in the text, as ids of their patients; none is right. */
export async function patientsIn(text: string, { sql }: Department): Promise<string[]> {
  const readable = text + decodedPayloads(text)
  const known = await sql<{ id: string; value: string }[]>`
    select patient_id as id, value from patient_identifiers
    union all select p.id, part #>> '{}' from patients p cross join jsonb_path_query(p.name, '$.*.*') part
    union all select id, birth_date from patients where length(birth_date) = 10`
  const long = known.filter(({ value }) => value.length >= 4)
  return [...new Set(long.filter(({ value }) => readable.includes(value)).map(({ id }) => id))]
}

// Payload data is Base64 in the JSON form of a history; what is looked for would hide in it.
function decodedPayloads(text: string): string {
  return [...text.matchAll(/"data": "([A-Za-z0-9+/=]+)"/g)]
    .map(([, data]) => Buffer.from(data!, 'base64').toString('utf8'))
    .join('\n')
}

/** Walks the history and replaces what the codec had encrypted, failures' attributes included. */
async function decryptAll(node: unknown, codec: PayloadCodec): Promise<void> {
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return
  for (const [key, value] of Object.entries(node as Record<string, unknown>)) {
    if (isPayload(value) && isEncrypted(value)) {
      ;(node as Record<string, unknown>)[key] = (await codec.decode([value]))[0]
    } else {
      await decryptAll(value, codec)
    }
  }
}

type Payload = Parameters<PayloadCodec['decode']>[0][number]

function isPayload(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && 'metadata' in value && 'data' in value
}
