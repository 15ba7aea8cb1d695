/** Answers that a client may keep: ETag and If-None-Match (RFC 9110 8.8.3 and 13.1.2). */
import type { WebRequest, WebResponse } from './exchange.ts'

// What an object holds never changes, but whether it may be seen does: a cache must always ask.
const ALWAYS_ASK = 'private, no-cache'

/** 304 without a body when the client has it already. */
export function cached(request: WebRequest, tag: string, response: WebResponse): WebResponse {
  const headers = {
    Vary: 'Accept',
    ...response.headers,
    ETag: tag,
    'Cache-Control': ALWAYS_ASK,
  }
  if (isKnown(request, tag))
    return { status: 304, headers: { ETag: tag, 'Cache-Control': ALWAYS_ASK, Vary: headers.Vary }, body: [] }
  return { ...response, headers }
}

export function isKnown(request: WebRequest, tag: string): boolean {
  const known = String(request.headers['if-none-match'] ?? '')
    .split(',')
    .map((one) => opaque(one.trim()))
  return known.includes('*') || known.includes(opaque(tag))
}

// If-None-Match compares weakly: a proxy that compressed the answer has made its tag weak.
const opaque = (tag: string): string => tag.replace(/^W\//, '')
