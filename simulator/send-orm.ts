/** One message to the department's MLLP listener and the answer to it, for whoever wants exactly that. */
import type { Answer } from '#interop/v2/answer.ts'
import { parseMessage } from '#interop/v2/message.ts'
import { connectMllp } from '#interop/v2/mllp-client.ts'
import { buildOrm, type OrmContent } from './orm.ts'

export interface SendOrm {
  host?: string
  port: number
  /** What to send: content to be written, or bytes as they are. */
  orm: OrmContent | Uint8Array
  timeoutMs?: number
}

/** Sends once. @throws MllpFailure when there is no answer */
export async function sendOrm({
  host = '127.0.0.1',
  port,
  orm,
  timeoutMs = 30_000,
}: SendOrm): Promise<Answer> {
  const bytes = orm instanceof Uint8Array ? orm : buildOrm(orm)
  const controlId = parseMessage(bytes).first('MSH')?.value(10) ?? ''
  const client = connectMllp({ host, port })
  try {
    return (await client.send(bytes, { controlId, timeoutMs })).read
  } finally {
    await client.close()
  }
}
