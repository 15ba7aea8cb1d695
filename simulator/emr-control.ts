/** The EMR's switches over HTTP: `GET /` how it behaves, `GET /ledger` what it got, `PUT /mode` what it shall do. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import type { EmrMode, EmrReceiver } from './emr.ts'

const modes = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('slow'), ms: z.number().int().min(0).max(3_600_000).default(5_000) }),
  z.object({ mode: z.literal('reject'), code: z.enum(['AE', 'AR']).default('AE') }),
  z.object({ mode: z.enum(['ok', 'hang', 'down', 'half-ack', 'wrong-id', 'drop-ack']) }),
]) as unknown as z.ZodType<EmrMode>

export interface EmrControl {
  port: number
  close(): Promise<void>
}

/** `PUT /mode` takes `{"mode":"slow","ms":2000}`, `{"mode":"reject","code":"AR"}` and the like. */
export async function emrControl(
  emr: EmrReceiver,
  { host = '127.0.0.1', port }: { host?: string; port: number },
): Promise<EmrControl> {
  const server = createServer((request, response) => {
    answer(emr, request, response).catch(() => send(response, 500, { error: 'not-possible' }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(emr: EmrReceiver, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = `${request.method} ${request.url?.split('?')[0]}`
  if (asked === 'GET /') return send(response, 200, { ...emr.mode, messages: emr.ledger().length })
  if (asked === 'GET /ledger') return send(response, 200, { items: emr.ledger() })
  if (asked !== 'PUT /mode' && asked !== 'POST /mode') return send(response, 404, { error: 'not-found' })
  const mode = modes.safeParse(await json(request))
  if (!mode.success) return send(response, 422, { error: 'invalid-message' })
  await emr.setMode(mode.data)
  send(response, 200, emr.mode)
}

const LONGEST_BODY_BYTES = 10_000

async function json(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += (part as Buffer).length
    if (bytes > LONGEST_BODY_BYTES) return undefined
    parts.push(part as Buffer)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    return undefined // answered as any other body that is not a mode
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(body))
}
