/** Answers that a client may keep: ETag, If-Match and If-None-Match (RFC 9110 8.8.3, 13.1.1 and 13.1.2). */
import { WebError, type WebRequest, type WebResponse } from './exchange.ts'

// What an object holds never changes, but whether it may be seen does: a cache must always ask.
const ALWAYS_ASK = 'private, no-cache'

/** 304 without a body when the client has it already. @throws WebError 412 when it wants another version only */
export function cached(request: WebRequest, tag: string, response: WebResponse): WebResponse {
  const headers = {
    Vary: 'Accept',
    ...response.headers,
    ETag: tag,
    'Cache-Control': ALWAYS_ASK,
  }
  if (!isTheOneWanted(request, tag)) throw new WebError(412, 'there is another version of it')
  if (isKnown(request, tag))
    return { status: 304, headers: { ETag: tag, 'Cache-Control': ALWAYS_ASK, Vary: headers.Vary }, body: [] }
  return { ...response, headers }
}

function isKnown({ headers }: WebRequest, tag: string): boolean {
  const known = tagsIn(headers['if-none-match']).map(opaque)
  return known.includes('*') || known.includes(opaque(tag))
}

// If-Match compares strongly: a weak tag is that of no bytes in particular.
function isTheOneWanted({ headers }: WebRequest, tag: string): boolean {
  const wanted = tagsIn(headers['if-match'])
  return wanted.length === 0 || wanted.includes('*') || (!tag.startsWith('W/') && wanted.includes(tag))
}

const tagsIn = (header = ''): string[] =>
  header
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

// If-None-Match compares weakly: a proxy that compressed the answer has made its tag weak.
const opaque = (tag: string): string => tag.replace(/^W\//, '')
