/** One MLLP connection for each destination, kept open; late answers are credited to the delivery they name. */
import type { Department } from '#db/department.ts'
import { dutyAct } from '#db/mutations/act.ts'
import { recordAnswer } from '#db/mutations/deliveries.ts'
import { readAnswer } from '#interop/v2/answer.ts'
import { connectMllp, type MllpClient, type Sent } from '#interop/v2/mllp-client.ts'
import type { Log } from './log.ts'

export interface Receiver {
  id: string
  host: string
  port: number
}

export interface Receivers {
  /** False when enough messages wait for this receiver's connection: others' workers must not be held up by it. */
  hasRoom(receiver: Receiver): boolean
  /** @throws MllpFailure */
  send(receiver: Receiver, bytes: Buffer, wanted: { controlId: string; timeoutMs: number }): Promise<Sent>
  close(): Promise<void>
}

/** One in flight and three behind it: as many as the attempt's time-out allows for when each takes 40 s. */
const ROOM = 4

export function openReceivers(department: Department, log: Log): Receivers {
  const open = new Map<string, { client: MllpClient; at: string; waiting: number }>()

  function connectionTo({ id, host, port }: Receiver) {
    const at = `${host}:${port}`
    const known = open.get(id)
    if (known?.at === at) return known
    void known?.client.close()
    const client = connectMllp({
      host,
      port,
      onForeignAnswer: (answer, bytes) => void creditLate(id, answer.controlId, bytes),
    })
    const opened = { client, at, waiting: 0 }
    open.set(id, opened)
    return opened
  }

  async function creditLate(
    destinationId: string,
    controlId: string | undefined,
    bytes: Buffer,
  ): Promise<void> {
    try {
      if (controlId !== undefined && (await creditAnswer(department, { destinationId, controlId, bytes })))
        return
      log.warn(
        { destinationId, controlId: controlId?.slice(0, 20) },
        'a receiver answered a message that waits for no answer',
      )
    } catch (error) {
      log.error({ err: error, destinationId }, 'a late answer could not be recorded')
    }
  }

  return {
    hasRoom: (receiver) => connectionTo(receiver).waiting < ROOM,
    async send(receiver, bytes, wanted) {
      const line = connectionTo(receiver)
      line.waiting += 1
      try {
        return await line.client.send(bytes, wanted)
      } finally {
        line.waiting -= 1
      }
    },
    async close() {
      await Promise.all([...open.values()].map(({ client }) => client.close()))
    },
  }
}

async function creditAnswer(
  department: Department,
  { destinationId, controlId, bytes }: { destinationId: string; controlId: string; bytes: Buffer },
): Promise<boolean> {
  const [delivery] = await department.sql<{ id: string }[]>`
    select id from deliveries where control_id = ${controlId} and destination_id = ${destinationId} and state <> 'acknowledged'`
  const { kind, code } = readAnswer(bytes, controlId)
  // Only a late yes is sure to be about what was sent; a late no belongs to an attempt that is over.
  if (!delivery || kind !== 'acknowledged') return false
  await recordAnswer(department, await dutyAct(department), {
    deliveryId: delivery.id,
    answer: kind,
    ...(code ? { code } : {}),
  })
  return true
}
