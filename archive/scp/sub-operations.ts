/** The C-STORE sub-operations of a C-MOVE or C-GET (PS3.4 C.4.2, C.4.3): sent one by one, counted, and answered for. */
import type { Association } from '#archive/dimse/association.ts'
import { isDicomError } from '#archive/dimse/dicom-error.ts'
import type { RetrieveOutcome, SubOperations } from '#archive/dimse/services.ts'
import { isWarning, STATUS, statusHex } from '#archive/dimse/status.ts'
import { type MoveOriginator, storeOn } from '#archive/scu/store.ts'
import type { NativeDependencies } from '#archive/web/native.ts'
import type { Retrievable } from '#db/queries/dimse-query.ts'
import { openDecompressed } from './decompressed.ts'
import { isDecompressed, newRoom, type OpenedObject, openStored, sendableIn } from './stored-object.ts'

/** Counts of a retrieve under way. Remaining, completed, failed and warning always add up to what was asked for. */
export class Tally {
  readonly #reasons = new Map<string, number>()
  readonly #failed: string[] = []
  #remaining: number
  #completed = 0
  #warning = 0

  constructor(objects: number) {
    this.#remaining = objects
  }

  /** The status that the peer answered a C-STORE with. */
  answered(sopInstanceUid: string, status: number): void {
    if (status === STATUS.success) this.#count(() => this.#completed++)
    else if (isWarning(status)) this.#count(() => this.#warning++)
    else this.fail(sopInstanceUid, `answered ${statusHex(status)}`)
  }

  fail(sopInstanceUid: string, reason: string): void {
    this.#count(() => this.#failed.push(sopInstanceUid))
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }

  #count(one: () => void): void {
    this.#remaining--
    one()
  }

  get now(): SubOperations {
    return {
      remaining: this.#remaining,
      completed: this.#completed,
      failed: this.#failed.length,
      warning: this.#warning,
    }
  }

  /** Why instances failed, with how many, the most frequent first. */
  get reasons(): [reason: string, count: number][] {
    return [...this.#reasons].sort(([, a], [, b]) => b - a)
  }

  /** The final response: 0000H, B000H when some failed, A702H when nothing could be sent, FE00H when cancelled. */
  outcome({ cancelled }: { cancelled: boolean }): RetrieveOutcome {
    const [first] = this.reasons
    return {
      status: cancelled ? STATUS.cancelled : this.#finalStatus(),
      subOperations: this.now,
      failedSopInstanceUids: this.#failed,
      ...(first ? { comment: `${first[1]} failed: ${first[0]}` } : {}),
    }
  }

  #finalStatus(): number {
    if (this.#failed.length === 0) return this.#warning > 0 ? STATUS.subOperationsFailed : STATUS.success
    const sent = this.#completed + this.#warning
    return sent > 0 ? STATUS.subOperationsFailed : STATUS.cannotPerformSubOperations
  }
}

export interface Sending {
  /** Where the objects are, and what decodes their frames. */
  stored: NativeDependencies
  /** Null once its sending cannot go on: the peer left, or a message broke off in the middle. */
  association: Association
  objects: readonly Retrievable[]
  tally: Tally
  signal: AbortSignal
  originator?: MoveOriginator
}

/**
 * Sends objects on one association, yielding after each; the next one is read while the peer answers for the last.
 * Returns how many were dealt with: fewer than all when it was cancelled, or when the association ended.
 */
export async function* sendAll(sending: Sending): AsyncGenerator<SubOperations, number> {
  const { objects, association, tally, signal } = sending
  // One is sent while the next is read.
  const rooms = [newRoom(), newRoom()] as const
  let ahead: Promise<Ready> | undefined
  let done = 0
  try {
    for (const [at, object] of objects.entries()) {
      const ready = await (ahead ?? prepare(sending, object, rooms[0]))
      const following = objects[at + 1]
      ahead = following && prepare(sending, following, rooms[at % 2 === 0 ? 1 : 0])
      if (signal.aborted || association.isOver) {
        await ready.opened?.close()
        break
      }
      if (!(await sendOne(sending, object, ready))) break
      done++
      yield tally.now
    }
  } finally {
    await (await ahead)?.opened?.close()
  }
  return done
}

type Ready = { opened: OpenedObject; why?: undefined } | { opened?: undefined; why: string }

const NOT_ACCEPTED: Ready = { why: 'transfer syntax of the object not accepted' }

/** Never rejects: what cannot be sent says why. */
async function prepare({ association, stored }: Sending, object: Retrievable, room: Buffer): Promise<Ready> {
  // Another image than it says it is, for all we know.
  if (object.isDamaged) return { why: 'object damaged in the store' }
  const accepted = acceptedSyntaxes(association, object.sopClassUid)
  if (accepted.length === 0) return { why: 'SOP class not accepted' }
  const chosen = sendableIn(object.transferSyntaxUid).find((uid) => accepted.includes(uid))
  if (chosen === undefined) return NOT_ACCEPTED
  try {
    if (!isDecompressed(object, chosen))
      return { opened: await openStored(stored.blobs, object, { transferSyntaxUid: chosen, room }) }
    const opened = await openDecompressed(stored, object, chosen)
    return opened ? { opened } : NOT_ACCEPTED
  } catch {
    return { why: 'object not readable' }
  }
}

/** False when the association cannot be used any more; the object is then not counted. */
async function sendOne(
  { association, tally, originator }: Sending,
  { sopInstanceUid }: Retrievable,
  { opened, why }: Ready,
): Promise<boolean> {
  if (!opened) {
    tally.fail(sopInstanceUid, why)
    return true
  }
  try {
    tally.answered(sopInstanceUid, await storeOn(association, opened, originator))
    return true
  } catch (error) {
    // A data set that broke off, or a response that never came: nothing more can be said on this association.
    association.abort('a sub-operation could not be finished')
    if (isDicomError(error)) return false
    tally.fail(sopInstanceUid, 'object not readable')
    return false
  } finally {
    await opened.close()
  }
}

/** Those in which the peer takes a class. On an association that it opened, it has to be SCP for it by role selection. */
function acceptedSyntaxes({ agreement }: Association, sopClassUid: string): string[] {
  const { side, roles, contexts } = agreement
  const isScp = side === 'requestor' || roles.some((role) => role.sopClassUid === sopClassUid && role.scp)
  if (!isScp) return []
  return contexts.flatMap((context) =>
    context.abstractSyntax === sopClassUid ? [context.transferSyntax] : [],
  )
}
