/** `GET /api/deliveries`, `/api/exceptions`, `/api/audit`: what went out, what must be mended, who did what. */
import type { Request, Response } from 'express'
import { z } from 'zod'
import { auditTrail, deliveriesOf, exceptions } from '#db/queries/oversight.ts'
import { mustBeAble } from '#domain/permissions.ts'
import { EXCEPTION_KINDS } from '#domain/words.ts'
import { readCursor, sendPage, writeCursor } from './answer.ts'
import { parsed } from './orders.ts'
import type { Asked } from './routes.ts'

const limit = z.coerce.number().int().min(1).max(1_000).default(200)
const deliveryQuery = z.object({ order: z.string().max(64) })
const exceptionQuery = z.object({
  state: z.enum(['open', 'closed']).optional(),
  kind: z.enum(EXCEPTION_KINDS).optional(),
  limit,
})
const auditQuery = z.object({
  since: z.iso.datetime({ offset: true }).optional(),
  actor: z.string().max(64).optional(),
  subject: z.string().max(128).optional(),
  type: z.string().max(64).optional(),
  limit,
})

export async function listDeliveries(
  { server, actor }: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  const { order } = parsed(deliveryQuery, request.query)
  sendPage(request, response, await deliveriesOf(server.department.sql, actor, order), null)
}

export async function listExceptions(
  { server, actor }: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  const query = parsed(exceptionQuery, request.query)
  const cursor = readCursor(request.query.after, isExceptionCursor)
  const rows = await exceptions(server.department.sql, actor, {
    ...query,
    ...(cursor && { before: { at: new Date(cursor.at), id: cursor.id } }),
  })
  const last = rows.at(-1)
  sendPage(
    request,
    response,
    rows,
    last && rows.length === query.limit ? writeCursor({ at: last.at.toISOString(), id: last.id }) : null,
  )
}

export async function listAudit(
  { server, actor }: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  mustBeAble(actor, 'see-audit')
  const { since, ...query } = parsed(auditQuery, request.query)
  const before = readCursor(request.query.after, (value): value is number => typeof value === 'number')
  const rows = await auditTrail(server.department.sql, {
    ...query,
    ...(since && { since: new Date(since) }),
    ...(before && { before }),
  })
  const last = rows.at(-1)
  sendPage(request, response, rows, last && rows.length === query.limit ? writeCursor(last.id) : null)
}

function isExceptionCursor(value: unknown): value is { at: string; id: string } {
  return z.object({ at: z.iso.datetime(), id: z.string() }).safeParse(value).success
}
