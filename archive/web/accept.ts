/** What a user agent will take: the Accept header and query parameter (RFC 9110 12.5.1, PS3.18 8.7). */
import type { WebRequest } from './exchange.ts'
import { Recent } from './recent.ts'

export interface MediaRange {
  /** `type/subtype`, lower case; for multipart/related the media type of its parts. */
  type: string
  multipart: boolean
  /** `*`, a transfer syntax UID, or null when it is left to us. */
  transferSyntax: string | null
  quality: number
  /** Of a wildcard: types that are refused by name, with a weight of nought (RFC 9110 12.4.2). */
  except: readonly string[]
}

/** Most wanted first; an absent header takes anything. */
export function acceptable(request: WebRequest): readonly MediaRange[] {
  // In a query an unescaped `+` reads as a blank, which stands in no media type.
  const inQuery = request.query.get('accept')?.replaceAll('dicom ', 'dicom+')
  const asked = inQuery ?? request.headers.accept ?? '*/*'
  const known = read.get(asked)
  if (known) return known
  const all = splitOutsideQuotes(asked, ',').map(mediaRange)
  const refused = all.filter(({ quality }) => quality <= 0).map(({ type }) => type)
  const ranges = all
    .filter(({ quality }) => quality > 0)
    .map((range) => (range.type.endsWith('*') ? { ...range, except: refused } : range))
    .sort((a, b) => b.quality - a.quality)
  read.set(asked, ranges)
  return ranges
}

// Every program says the same with each of its requests.
const READ_CHARACTERS = 20_000
const read = new Recent<readonly MediaRange[]>({
  most: READ_CHARACTERS,
  weigh: (ranges) => ranges.reduce((sum, { type }) => sum + type.length + 100, 100),
})

export function takes(range: MediaRange, type: string): boolean {
  if (range.except.includes(type)) return false
  if (range.type === '*/*' || range.type === type) return true
  return range.type.endsWith('/*') && type.startsWith(range.type.slice(0, -1))
}

function mediaRange(text: string): MediaRange {
  const [type = '*/*', ...rest] = splitOutsideQuotes(text, ';')
  const parameters = new Map(rest.map(parameter))
  const multipart = /^multipart\/(related|\*)$/i.test(type)
  const quality = Number(parameters.get('q') ?? 1)
  return {
    type: (multipart ? (parameters.get('type') ?? '*/*') : type).toLowerCase(),
    multipart,
    transferSyntax: parameters.get('transfer-syntax') ?? null,
    quality: Number.isFinite(quality) ? quality : 0,
    except: [],
  }
}

function parameter(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 0) return [text.toLowerCase(), '']
  const value = text.slice(equals + 1).trim()
  return [text.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/s, '$1')]
}

export function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  for (const char of text) {
    if (char === '"') quoted = !quoted
    if (char === separator && !quoted) {
      parts.push(part.trim())
      part = ''
    } else part += char
  }
  return [...parts, part.trim()].filter((found) => found !== '')
}

/** The parameters of a Content-Type, by lower-case name, and its type. */
export function contentType(text: string): { type: string; parameters: Map<string, string> } {
  const [type = '', ...rest] = splitOutsideQuotes(text, ';')
  return { type: type.toLowerCase(), parameters: new Map(rest.map(parameter)) }
}

export type ContentCoding = 'gzip' | 'zstd'

/** The coding that is wanted most of those we have (RFC 9110 12.5.3); null: none. At the same weight zstd, which unpacks faster. */
export function codingOf(request: WebRequest): ContentCoding | null {
  const asked = new Map<string, number>()
  for (const part of String(request.headers['accept-encoding'] ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase())
    const quality = parameters
      .map((text) => /^q=([\d.]+)$/.exec(text)?.[1])
      .find((text) => text !== undefined)
    if (name !== '') asked.set(name, quality === undefined ? 1 : Number(quality))
  }
  const weight = (coding: ContentCoding) => asked.get(coding) ?? asked.get('*') ?? 0
  const best = weight('gzip') > weight('zstd') ? 'gzip' : 'zstd'
  return weight(best) > 0 ? best : null
}
