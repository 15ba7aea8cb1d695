/** What came on the HL7 listener and was no message: its bytes are kept and somebody sees why it was not taken. */
import { createHash } from 'node:crypto'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { dutyAct } from './act.ts'
import { raiseException } from './exceptions.ts'
import { mutate } from './mutate.ts'

/** The listener's events that somebody must see, with the bytes where there are any. */
export type ListenerTrouble =
  | { type: 'cut' | 'incomplete' | 'unframed'; bytes: Buffer }
  | { type: 'too-long'; head: Buffer }
  | { type: 'flood'; bytes: number }
  | { type: string }

const reasons: Record<string, string> = {
  cut: 'A message was cut off by the beginning of the next one. It was not processed; the sender should repeat it.',
  incomplete: 'A connection ended inside a message. It was not processed; the sender should repeat it.',
  unframed: 'A message came without MLLP framing and was not taken.',
  'too-long': 'A message was longer than this interface takes.',
  flood: 'A peer sent bytes that are no MLLP frames; its connection was closed.',
}

/** Keeps the bytes and opens (or counts up) one exception per peer and kind; other events are not trouble. */
export async function raiseListenerException(
  department: Department,
  event: ListenerTrouble,
  peer: string,
): Promise<void> {
  const reason = reasons[event.type]
  if (!reason) return
  await mutate(
    department,
    await dutyAct(department, { source: 'hl7', address: peer }),
    'listener-exception',
    async (scope) => {
      const { sql, act } = scope
      const bytes = bytesOf(event)
      const messageId = ulid()
      await sql`
      insert into inbound_messages (id, content_hash, raw, received_at, peer, outcome, error_code)
      values (${messageId}, ${createHash('sha256').update(bytes).digest('hex')}, ${bytes}, ${act.now}, ${peer}, 'none', ${event.type})`
      const [site] = await sql<{ id: string }[]>`select id from sites order by id limit 1`
      await raiseException(scope, {
        kind: 'message',
        key: `listener:${event.type}:${peer}`,
        reasonCode: event.type,
        reason,
        refs: { messageId, peer },
        siteId: site!.id,
      })
    },
  )
}

function bytesOf(event: ListenerTrouble): Buffer {
  if ('head' in event) return event.head
  return 'bytes' in event && Buffer.isBuffer(event.bytes) ? event.bytes : Buffer.alloc(0)
}
