/** C-MOVE as SCP (PS3.4 C.4.2): objects go to a device that we know, on associations of our own. */
import type { Association } from '#archive/dimse/association.ts'
import { isDicomError } from '#archive/dimse/dicom-error.ts'
import type { DimseRequest, RetrieveOutcome, SubOperations } from '#archive/dimse/services.ts'
import { STATUS, StatusError } from '#archive/dimse/status.ts'
import { EXPLICIT_BIG } from '#archive/dimse/transfer-syntax.ts'
import type { Proposed } from '#archive/scu/association.ts'
import type { NativeDependencies } from '#archive/web/native.ts'
import type { PeerAddress, Retrievable } from '#db/queries/dimse-query.ts'
import { dial, type Ourselves } from './dial.ts'
import { sendableIn } from './stored-object.ts'
import { sendAll, type Tally } from './sub-operations.ts'

export interface Moving {
  stored: NativeDependencies
  ourselves: Ourselves
  destination: PeerAddress
  objects: readonly Retrievable[]
  request: Pick<DimseRequest, 'association' | 'command' | 'signal'>
  tally: Tally
}

/** Yields after every sub-operation; the association to the destination is opened again when it breaks off. */
export async function* moveTo(moving: Moving): AsyncGenerator<SubOperations, RetrieveOutcome> {
  const { objects, tally, request } = moving
  for (const batch of batches(objects)) yield* moveBatch(moving, batch)
  return tally.outcome({ cancelled: request.signal.aborted })
}

/** @throws StatusError A801H for a title without an address */
export function mustBeKnown(destination: PeerAddress | null): PeerAddress {
  if (destination) return destination
  throw new StatusError({
    status: STATUS.moveDestinationUnknown,
    comment: 'No enabled device of that AE title has an address',
  })
}

async function* moveBatch(moving: Moving, batch: Batch): AsyncGenerator<SubOperations, void> {
  const { tally, request } = moving
  const { signal } = request
  let left = batch.objects
  let barren = 0
  let why = 'destination not reached'
  while (left.length > 0 && barren < BARREN_ATTEMPTS && !signal.aborted) {
    const association = await dial(moving.ourselves, moving.destination, batch).catch((error: unknown) => {
      why = whyNot(error)
    })
    if (!association) break
    const before = tally.now.remaining
    yield* sendOn(moving, association, left)
    const dealtWith = before - tally.now.remaining
    left = left.slice(dealtWith)
    barren = dealtWith > 0 ? 0 : barren + 1
    if (barren === 0 || signal.aborted) continue
    // It broke off at the first one: that may be what it cannot take, and is no reason to keep the others from it.
    const [culprit, ...others] = left
    tally.fail(culprit!.sopInstanceUid, 'destination broke off')
    left = others
    yield tally.now
  }
  if (signal.aborted) return
  for (const { sopInstanceUid } of left) tally.fail(sopInstanceUid, why)
}

function whyNot(error: unknown): string {
  if (!isDicomError(error, 'association-rejected')) return 'destination not reached'
  const { result, source, reason } = error.refs
  return `destination rejected us (${result}/${source}/${reason})`
}

/** Associations in a row that end before anything is answered for, until a destination is taken to be gone. */
const BARREN_ATTEMPTS = 3

async function* sendOn(
  { stored, tally, request }: Moving,
  association: Association,
  objects: readonly Retrievable[],
): AsyncGenerator<SubOperations, void> {
  const originator = {
    aeTitle: request.association.callingAe,
    messageId: request.command.messageId,
  }
  try {
    yield* sendAll({ stored, association, objects, tally, originator, signal: request.signal })
  } finally {
    await association.release()
  }
}

interface Batch {
  objects: Retrievable[]
  contexts: Proposed[]
}

const CONTEXTS = 128

/** Runs of objects whose classes and syntaxes fit into the presentation contexts of one association. */
export function batches(objects: readonly Retrievable[]): Batch[] {
  const made: Batch[] = []
  let contexts = new Map<string, Proposed>()
  for (const object of objects) {
    const wanted = contextsFor(object).filter(([key]) => !contexts.has(key))
    if (made.length === 0 || contexts.size + wanted.length > CONTEXTS) {
      contexts = new Map()
      made.push({ objects: [], contexts: [] })
      wanted.splice(0, wanted.length, ...contextsFor(object))
    }
    const batch = made.at(-1)!
    batch.objects.push(object)
    for (const [key, context] of wanted) {
      contexts.set(key, context)
      batch.contexts.push(context)
    }
  }
  return made
}

/** One context for each syntax, so that the destination says of each whether it takes it. */
function contextsFor({ sopClassUid, transferSyntaxUid }: Retrievable): [string, Proposed][] {
  // Whoever takes big endian takes Implicit VR Little Endian too (PS3.5 section 10.1).
  const offered = sendableIn(transferSyntaxUid).filter((uid, at) => at === 0 || uid !== EXPLICIT_BIG)
  return offered.map((uid) => [
    `${sopClassUid} ${uid}`,
    { abstractSyntax: sopClassUid, transferSyntaxes: [uid] },
  ])
}
