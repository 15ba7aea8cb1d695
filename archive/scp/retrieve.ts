/** C-MOVE and C-GET of what a caller may see (PS3.4 C.4.2, C.4.3): the identifier's objects, sent, counted and audited. */
import type { DatasetRequest, RetrieveOutcome, SubOperations } from '#archive/dimse/services.ts'
import { STATUS, StatusError } from '#archive/dimse/status.ts'
import { coercionsFor } from '#archive/storage/outgoing.ts'
import type { NativeDependencies } from '#archive/web/native.ts'
import type { Department } from '#db/department.ts'
import { deviceAct } from '#db/mutations/act.ts'
import { audit } from '#db/mutations/audit.ts'
import { addressOf, type Retrievable, retrievable } from '#db/queries/dimse-query.ts'
import type { View } from '#db/queries/visibility.ts'
import type { Ourselves } from './dial.ts'
import { moveTo, mustBeKnown } from './move.ts'
import { retrieveAsked, rootOf } from './retrieve-keys.ts'
import type { Outbound } from './stored-object.ts'
import { sendAll, Tally } from './sub-operations.ts'

export interface RetrieveParts {
  department: Department
  stored: NativeDependencies
  ourselves: Ourselves
  /** Who asks, which sites' studies it may have (null: all), and what it sees of rejected instances. */
  caller: { aeTitle: string; siteIds: readonly string[] | null; view: View }
}

/** @throws StatusError A801H for an unknown destination, A900H for an identifier without its unique keys */
export async function* moveObjects(
  parts: RetrieveParts,
  request: DatasetRequest,
): AsyncGenerator<SubOperations, RetrieveOutcome> {
  const { department, stored, ourselves } = parts
  const objects = await asked(parts, request)
  const title = request.command.set.text('MoveDestination') ?? ''
  const destination = mustBeKnown(await addressOf(department.sql, title))
  const tally = new Tally(objects.length)
  try {
    return yield* moveTo({ stored, ourselves, destination, objects, request, tally })
  } finally {
    await noted(parts, request, { service: 'C-MOVE', destination: title, objects, tally })
  }
}

/** On the requestor's own association. @throws StatusError A900H for an identifier without its unique keys */
export async function* getObjects(
  parts: RetrieveParts,
  request: DatasetRequest,
): AsyncGenerator<SubOperations, RetrieveOutcome> {
  const { association, signal } = request
  const objects = await asked(parts, request)
  const tally = new Tally(objects.length)
  try {
    yield* sendAll({ stored: parts.stored, association, objects, tally, signal })
    return tally.outcome({ cancelled: signal.aborted })
  } finally {
    await noted(parts, request, { service: 'C-GET', destination: parts.caller.aeTitle, objects, tally })
  }
}

async function asked({ department, caller }: RetrieveParts, request: DatasetRequest): Promise<Outbound[]> {
  const root = rootOf(request.sopClassUid, request.command.name === 'cGet' ? 'cGet' : 'cMove')
  if (!root) throw new StatusError({ status: STATUS.sopClassNotSupported })
  const objects = await retrievable(department.sql, retrieveAsked(request.dataset, root, caller))
  const coercions = await coercionsFor(department.sql, objects)
  return objects.map((object) => ({ ...object, coercion: coercions.get(object.sopInstanceUid) }))
}

interface Noted {
  service: 'C-MOVE' | 'C-GET'
  destination: string
  objects: readonly Retrievable[]
  tally: Tally
}

/** One row for each study: which device had it sent where, and how much of it went. */
async function noted(
  { department, caller }: RetrieveParts,
  { association }: DatasetRequest,
  { service, destination, objects, tally }: Noted,
): Promise<void> {
  const { completed, failed, warning } = tally.now
  const act = await deviceAct(department, caller.aeTitle, { address: association.agreement.remoteAddress })
  const outcome = completed + warning > 0 || objects.length === 0 ? 'success' : 'failure'
  const reasons = tally.reasons.slice(0, 5)
  for (const studyUid of new Set(objects.map((object) => object.studyUid)))
    await audit(department, act, {
      subject: `study:${studyUid}`,
      type: 'archive.retrieved',
      outcome,
      data: { service, destination, asked: objects.length, completed, failed, warning, reasons },
    })
}
