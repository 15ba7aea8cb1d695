/** Bytes to segments (HL7 2.5.1 section 2.5): CR, LF or CRLF, before any character set is known. */
import type { Warning } from './finding.ts'

export type RawSegment = {
  /** Everything between this segment's first byte and the next one's: terminators, blank lines, continuations. */
  raw: Uint8Array
  /** The segment without terminator; a continuation is joined by LF. */
  content: Uint8Array
  /** What stood behind the content, as it goes out again. */
  terminator: Uint8Array
}

export type SplitMessage = {
  prefix: Uint8Array
  utf8Bom: boolean
  segments: RawSegment[]
  warnings: Warning[]
}

const CR = 0x0d
const LF = 0x0a
const maxPrefixBytes = 1024

/**
 * Splits one message. A line that doesn't begin like a segment continues the field before it, because senders
 * let raw line feeds slip into OBX-5 and NTE-3. Linear in the length of the message.
 */
export function splitSegments(bytes: Uint8Array): SplitMessage {
  const { start, utf8Bom } = findStart(bytes)
  const separator = bytes[start + 3]
  const segments: RawSegment[] = []
  const warnings: Warning[] = []
  for (const line of lines(bytes, start)) {
    const text = bytes.subarray(line.start, line.end)
    if (isBlank(text) || !(segments.length === 0 || beginsSegment(text, separator))) {
      const last = segments.at(-1)
      if (last) extend(last, bytes, line, isBlank(text) ? undefined : warnings)
      continue
    }
    segments.push({
      raw: bytes.subarray(line.start, line.next),
      content: text,
      terminator: bytes.subarray(line.end, line.next),
    })
  }
  for (const segment of segments) join(segment)
  return { prefix: bytes.subarray(0, start), utf8Bom, segments, warnings }
}

/** A byte-order mark and up to 1 KB of white space and NULs may stand before MSH. */
function findStart(bytes: Uint8Array): { start: number; utf8Bom: boolean } {
  let at = 0
  let utf8Bom = false
  while (at < bytes.length && at < maxPrefixBytes) {
    const byte = bytes[at]!
    if (byte === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) {
      utf8Bom = true
      at += 3
    } else if (byte === 0x20 || byte === 0x09 || byte === CR || byte === LF || byte === 0x00) at += 1
    else break
  }
  return { start: at, utf8Bom }
}

type Line = { start: number; end: number; next: number }

function* lines(bytes: Uint8Array, from: number): Generator<Line> {
  let start = from
  while (start < bytes.length) {
    let end = start
    while (end < bytes.length && bytes[end] !== CR && bytes[end] !== LF) end += 1
    const next = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : Math.min(end + 1, bytes.length)
    yield { start, end, next }
    start = next
  }
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x00)
}

/** Three characters [A-Z][A-Z0-9]{2}, then the field separator or the end of the line. */
export function beginsSegment(line: Uint8Array, separator: number | undefined): boolean {
  const [a, b, c] = line
  if (a === undefined || b === undefined || c === undefined) return false
  return isUpper(a) && isUpperOrDigit(b) && isUpperOrDigit(c) && (line.length === 3 || line[3] === separator)
}

const isUpper = (byte: number) => byte >= 0x41 && byte <= 0x5a
const isUpperOrDigit = (byte: number) => isUpper(byte) || (byte >= 0x30 && byte <= 0x39)

const continuations = new WeakMap<RawSegment, Uint8Array[]>()

function extend(last: RawSegment, bytes: Uint8Array, line: Line, warnings: Warning[] | undefined): void {
  const from = last.raw.byteOffset - bytes.byteOffset
  last.raw = bytes.subarray(from, line.next)
  if (!warnings) return
  const parts = continuations.get(last) ?? [last.content]
  parts.push(bytes.subarray(line.start, line.end))
  continuations.set(last, parts)
  last.terminator = bytes.subarray(line.end, line.next)
  warnings.push({ code: 'line-continued', location: String.fromCharCode(...last.content.subarray(0, 3)) })
}

/** Joined once at the end, so that a message of a million stray lines stays linear. */
function join(segment: RawSegment): void {
  const parts = continuations.get(segment)
  if (!parts) return
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length + 1, -1))
  let at = 0
  for (const [index, part] of parts.entries()) {
    if (index > 0) joined[at++] = LF
    joined.set(part, at)
    at += part.length
  }
  segment.content = joined
}
