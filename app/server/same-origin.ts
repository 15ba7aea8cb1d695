/** Refuses a change that another site's page asked for: the whole defence of a cookie session against forgery. */
import type { IncomingMessage } from 'node:http'

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * True when a request only reads, or comes from a page of ours.
 * Browsers send Origin with every cross-site change; Sec-Fetch-Site covers those that strip it.
 * A program without either header carries no cookie of ours unless somebody gave it one on purpose.
 */
export function isSameOrigin(request: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (READING.has(request.method ?? 'GET')) return true
  const site = request.headers['sec-fetch-site']
  if (site && site !== 'same-origin' && site !== 'none') return false
  const origin = request.headers.origin
  if (!origin) return true
  return origin !== 'null' && hostOf(origin) === request.headers.host
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
