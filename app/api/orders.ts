/** `GET /api/orders`, `POST /api/orders/search`, `GET /api/orders/{id}/timeline`: orders for integrators. */
import type { Request, Response } from 'express'
import { z } from 'zod'
import { audit } from '#db/mutations/audit.ts'
import { findOrders, type OrderFilter, type OrderSummary, timeline } from '#db/queries/orders.ts'
import { RadiologyError } from '#domain/errors.ts'
import { formatPersonName } from '#domain/identity.ts'
import { type Actor, can } from '#domain/permissions.ts'
import { PHASES } from '#domain/words.ts'
import { readCursor, sendPage, writeCursor } from './answer.ts'
import type { Asked } from './routes.ts'

const query = z.object({
  accession: z.string().max(64).optional(),
  placer: z.string().max(64).optional(),
  study: z.string().max(64).optional(),
  phase: z.enum(PHASES).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})
const patient = z.object({
  patientId: z.string().min(1).max(64),
  issuer: z.string().max(64).optional(),
  name: z.string().max(200).optional(),
  birthDate: z.string().max(10).optional(),
})

/** Newest first; a patient's identifier never stands in an address. */
export async function listOrders(asked: Asked, request: Request, response: Response): Promise<void> {
  const { since, ...filter } = parsed(query, request.query)
  await sendOrders(asked, request, response, { ...filter, ...(since && { since: new Date(since) }) })
}

export async function searchOrders(asked: Asked, request: Request, response: Response): Promise<void> {
  const found = parsed(patient, request.body)
  mustSee(asked.actor, 'search-patient')
  const { limit } = parsed(query, request.query)
  await sendOrders(asked, request, response, { patient: found, limit })
}

async function sendOrders(
  { server, actor }: Asked,
  request: Request,
  response: Response,
  filter: Omit<OrderFilter, 'after'>,
): Promise<void> {
  const after = readCursor(request.query.after, isOrderCursor)
  const found = await findOrders(server.department.sql, actor, {
    ...filter,
    ...(after && { after: { receivedAt: new Date(after.receivedAt), id: after.id } }),
  })
  const last = found.at(-1)
  const cursor =
    last && found.length === filter.limit
      ? writeCursor({ receivedAt: last.receivedAt.toISOString(), id: last.id })
      : null
  sendPage(request, response, found.map(orderJson), cursor)
}

/** The words of the contract; one procedure's name stands at the top, all of them below. */
export function orderJson(order: OrderSummary) {
  const { patientName, procedures, ...rest } = order
  return {
    ...rest,
    patientName: formatPersonName(patientName),
    procedure: procedures.map((procedure) => procedure.name).join(' + '),
    studyInstanceUid: procedures[0]?.studyInstanceUid,
    dueAt:
      order.workItems
        .map((item) => item.dueAt)
        .filter(Boolean)
        .sort()[0] ?? null,
    procedures,
  }
}

export async function showTimeline(
  { server, actor, address }: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  const id = String(request.params.id)
  const [order] = await findOrders(server.department.sql, actor, { id, limit: 1 })
  if (!order) {
    await audit(
      server.department,
      { actor, source: 'web', machineNow: new Date(), address },
      { subject: `order:${id.slice(0, 26)}`, type: 'timeline.denied', outcome: 'denied' },
    )
    throw new RadiologyError('not-found', { orderId: id })
  }
  response.json({ items: await timeline(server.department.sql, id) })
}

function mustSee(actor: Actor, verb: 'search-patient'): void {
  const decision = actor.sites.map((siteId) => can(actor, verb, { siteId, ownerId: actor.id }))
  if (!decision.some((one) => one.allowed)) throw new RadiologyError('forbidden', { verb })
}

/** @throws RadiologyError 'invalid-message' naming the field, never its value */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value ?? {})
  if (!result.success)
    throw new RadiologyError('invalid-message', { field: result.error.issues[0]?.path.join('.') })
  return result.data
}

function isOrderCursor(value: unknown): value is { receivedAt: string; id: string } {
  return z.object({ receivedAt: z.iso.datetime(), id: z.string() }).safeParse(value).success
}
