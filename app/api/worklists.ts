/** `GET /api/worklists/{kind}`: the work items the caller may see, as the screen shows them. */
import type { Request, Response } from 'express'
import { z } from 'zod'
import { type WorklistRow, worklist } from '#db/queries/worklists.ts'
import { RadiologyError } from '#domain/errors.ts'
import { formatPersonName } from '#domain/identity.ts'
import type { ListKey } from '#domain/list-order.ts'
import { WORK_ITEM_KINDS } from '#domain/words.ts'
import { readCursor, sendPage, writeCursor } from './answer.ts'
import { parsed } from './orders.ts'
import type { Asked } from './routes.ts'

const query = z.object({ limit: z.coerce.number().int().min(1).max(500).default(200) })

export async function showWorklist(
  { server, actor }: Asked,
  request: Request,
  response: Response,
): Promise<void> {
  const kind = WORK_ITEM_KINDS.find((one) => one === request.params.kind)
  if (!kind) throw new RadiologyError('not-found', { kind: String(request.params.kind).slice(0, 32) })
  const { limit } = parsed(query, request.query)
  const cursor = readCursor(request.query.after, isListCursor)
  const now = cursor ? new Date(cursor.asOf) : await server.department.now()
  const { rows, more } = await worklist(server.department.sql, actor, [kind], {
    now,
    limit,
    ...(cursor && {
      after: { ...cursor.key, dueAtMs: cursor.key.dueAtMs ?? Number.POSITIVE_INFINITY } as ListKey,
    }),
  })
  const last = rows.at(-1)
  sendPage(
    request,
    response,
    rows.map(itemJson),
    last && more > 0 ? writeCursor({ asOf: now.toISOString(), key: last.key }) : null,
  )
}

function itemJson({ order, audience: _audience, key: _key, ...item }: WorklistRow) {
  return {
    id: item.itemId,
    ...item,
    site: item.siteId,
    orderId: order?.id ?? null,
    accession: order?.accession ?? null,
    issuer: order?.issuer ?? null,
    placer: order?.placer ?? null,
    phase: order?.phase ?? null,
    priority: order?.priority ?? null,
    patientId: order?.patient.patientId ?? null,
    patientIssuer: order?.patient.patientIssuer ?? null,
    patientName: order ? formatPersonName(order.patient.name) : null,
    procedure: order?.procedure.name ?? null,
    studyInstanceUid: order?.studyInstanceUid ?? null,
    images: order?.images ?? null,
    priors: order?.priors ?? null,
  }
}

// JSON has no infinity: a missing due date travels as null.
function isListCursor(
  value: unknown,
): value is { asOf: string; key: Omit<ListKey, 'dueAtMs'> & { dueAtMs: number | null } } {
  return z
    .object({ asOf: z.iso.datetime(), key: z.object({ id: z.string(), tier: z.number() }) })
    .safeParse(value).success
}
