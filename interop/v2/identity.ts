/** Which message this is, and whether it says the same as another (MSH-3, MSH-4, MSH-10 and a content hash). */
import { createHash } from 'node:crypto'
import type { Connection } from './connection.ts'
import type { Delimiters } from './delimiters.ts'
import type { Message, Segment } from './message.ts'

export type MessageKey = {
  sendingApplication: string
  sendingFacility: string
  controlId: string
  /** Part of the key only where control ids start again: the day of MSH-7, or the content hash. */
  scope?: string
}

export function messageKey(message: Message, scope: Connection['controlIdScope'] = 'ever'): MessageKey {
  const header = message.first('MSH')
  const key: MessageKey = {
    sendingApplication: header?.fields[3] ?? '',
    sendingFacility: header?.fields[4] ?? '',
    controlId: header?.value(10) ?? '',
  }
  if (scope === 'day') key.scope = (header?.value(7) ?? '').slice(0, 8)
  if (scope === 'none') key.scope = contentHash(message)
  return key
}

/** MSH-7, MSH-8 and MSH-13 are left out: engines stamp them anew when they send a message again. */
const restamped = new Set([7, 8, 13])

/** SHA-256 (hex) of the decoded content; trailing delimiters carry no meaning and do not count. */
export function contentHash(message: Message): string {
  const hash = createHash('sha256')
  for (const segment of message.segments) {
    hash.update(canonical(segment, message.delimiters))
    hash.update('\r')
  }
  return hash.digest('hex')
}

function canonical(segment: Segment, d: Delimiters): string {
  const fields = segment.fields.map((field, position) => {
    if (segment.name === 'MSH' && position <= 2) return field
    if (segment.name === 'MSH' && restamped.has(position)) return ''
    return trimmed(field, [d.repetition, d.component, d.subcomponent])
  })
  while (fields.length > 1 && fields.at(-1) === '') fields.pop()
  return fields.join(d.field)
}

/** Cuts trailing delimiters at this level and each level below. */
function trimmed(text: string, [delimiter, ...below]: (string | undefined)[]): string {
  if (delimiter === undefined) return below.length > 0 ? trimmed(text, below) : text
  if (!text.includes(delimiter)) return trimmed(text, below)
  const parts = text.split(delimiter).map((part) => (below.length > 0 ? trimmed(part, below) : part))
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts.join(delimiter)
}
