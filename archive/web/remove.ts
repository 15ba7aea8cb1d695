/**
 * DELETE of a study, a series or an instance: a rejection with its code and reason, which hides and can be taken back.
 * Nothing is destroyed (IHE RAD IOCM).
 */
import type { AnySql } from '#db/client.ts'
import { type Place, storedObjects } from '#db/queries/stored-objects.ts'
import { type RefusalCode, refusalCode } from '#domain/errors.ts'
import type { Actor } from '#domain/permissions.ts'
import type { RejectionCode } from '#domain/study-visibility.ts'
import { scopeOf } from './access.ts'
import { WebError, type WebRequest, type WebResponse } from './exchange.ts'
import { notHere, type Retrieval } from './wado-rs.ts'

export interface RemovalAsked extends Place {
  actor: Actor
  code: RejectionCode
  reason: string
}

export interface RemoveDependencies {
  sql: AnySql
  /** @throws RadiologyError 'not-found', 'forbidden', 'reason-required', 'held' */
  reject(asked: RemovalAsked): Promise<void>
}

/** Those that are somebody's to say; 113039, retention expired, is a duty's. */
const CODES: readonly RejectionCode[] = ['113001', '113037', '113038']

export async function removeObjects(
  { sql, reject }: RemoveDependencies,
  { request, access, place }: Retrieval,
): Promise<WebResponse> {
  // What may not be seen is not there, before anything else is said about it.
  if ((await storedObjects(sql, scopeOf(access), place)).length === 0) throw notHere()
  if (access.kind !== 'program') throw new WebError(403, 'the viewer removes nothing')
  const asked = { ...place, actor: access.actor, ...grounds(request) }
  try {
    await reject(asked)
  } catch (error) {
    const code = refusalCode(error)
    throw code === null ? error : refusal(code)
  }
  return { status: 204, headers: {}, body: [] }
}

function grounds({ query }: WebRequest): { code: RejectionCode; reason: string } {
  const code = CODES.find((known) => known === query.get('code'))
  if (!code)
    throw new WebError(
      400,
      'code is 113001 (quality), 113037 (patient safety) or 113038 (wrong worklist entry)',
    )
  return { code, reason: query.get('reason') ?? '' }
}

function refusal(code: RefusalCode): WebError {
  if (code === 'not-found') return notHere()
  if (code === 'reason-required') return new WebError(400, 'a reason is wanted, in the parameter reason')
  if (code === 'held') return new WebError(409, 'the study is held')
  return new WebError(403, 'this may not be removed by whoever asks')
}
