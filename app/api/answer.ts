/** Answers of the JSON routes: one shape for lists, one translation from a refusal to an HTTP status. */
import type { Request, Response } from 'express'
import { type RefusalCode, refusalCode } from '#domain/errors.ts'

/** Domain.md's wire table: 403 forbidden, 404 hidden, 401 re-authentication, 422 invalid, 409 the rest. */
const statuses: Partial<Record<RefusalCode, number>> = {
  forbidden: 403,
  'not-eligible': 403,
  'not-found': 404,
  'reauthentication-required': 401,
  'reason-required': 422,
  'invalid-message': 422,
}

/** A refusal as HTTP; anything else stays an error of ours. */
export function refuse(response: Response, error: unknown): void {
  const code = refusalCode(error)
  if (code === null) throw error
  response.status(statuses[code] ?? 409).json({ error: code })
}

/** `{ items, next }`: `next` is the address of the following page, absent on the last. */
export function sendPage<T>(request: Request, response: Response, items: T[], cursor: string | null): void {
  const next = cursor === null ? null : pageAddress(request, cursor)
  response.json(next ? { items, next } : { items })
}

function pageAddress(request: Request, cursor: string): string {
  const address = new URL(request.originalUrl, `${request.protocol}://${request.headers.host ?? 'localhost'}`)
  address.searchParams.set('after', cursor)
  return address.href
}

/** A cursor is opaque to callers: what the next page starts after, base64url of JSON. */
export function writeCursor(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** Undefined when there is none, or when it was not made here. */
export function readCursor<T>(text: unknown, isCursor: (value: unknown) => value is T): T | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return isCursor(value) ? value : undefined
  } catch {
    return undefined // not one of ours: the list starts from its beginning
  }
}
