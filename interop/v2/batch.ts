/** Batches (HL7 2.5.1 section 2.10.3): FHS, BHS … BTS, FTS in a frame or a file; each MSH is a message of its own. */
import { beginsSegment } from './segments.ts'

export type Batch = {
  messages: Buffer[]
  /** True when the counts of BTS-1 or FTS-1 don't match what came: everything is processed, and somebody is told. */
  countsDisagree: boolean
  /** True when batch or file segments stood around the messages. */
  wrapped: boolean
}

/** Splits what one frame holds. Several bare MSH in a frame are read the same way. */
export function splitBatch(bytes: Buffer): Batch {
  const starts: { at: number; name: string }[] = []
  let separator: number | undefined
  for (let at = lineStart(bytes, 0, true); at < bytes.length; at = lineStart(bytes, at, false)) {
    const head = bytes.subarray(at, at + 4)
    const name = head.subarray(0, 3).toString('latin1')
    if (name === 'MSH' || name === 'FHS' || name === 'BHS') separator = head[3]
    if (!wrappers.has(name) && name !== 'MSH') continue
    if (beginsSegment(head, separator) && !isWord(head[3])) starts.push({ at, name })
  }
  const parts = starts.map(({ at, name }, i) => ({
    name,
    bytes: bytes.subarray(at, starts[i + 1]?.at ?? bytes.length),
  }))
  const messages = parts.filter(({ name }) => name === 'MSH').map((part) => part.bytes)
  const wrapped = parts.some(({ name }) => name !== 'MSH')
  // A single message keeps whatever stood before it, and so does something that is no message at all.
  if (!wrapped && messages.length <= 1) return { messages: [bytes], countsDisagree: false, wrapped }
  return { messages, countsDisagree: disagree(parts), wrapped }
}

const wrappers = new Set(['FHS', 'BHS', 'BTS', 'FTS'])

/** The start of the next line, or of the first after white space and a byte-order mark. */
function lineStart(bytes: Buffer, from: number, first: boolean): number {
  let at = from
  if (!first) while (at < bytes.length && bytes[at] !== 0x0d && bytes[at] !== 0x0a) at += 1
  while (at < bytes.length && skipped.has(bytes[at]!)) at += 1
  return at
}

const skipped = new Set([0x0d, 0x0a, 0x20, 0x09, 0x00, 0xef, 0xbb, 0xbf])

/** `MSHA` begins a line of text, not a message. */
function isWord(byte: number | undefined): boolean {
  return byte !== undefined && /[A-Za-z0-9\s]/.test(String.fromCharCode(byte))
}

/** BTS-1 counts messages, FTS-1 counts batches. */
function disagree(parts: { name: string; bytes: Buffer }[]): boolean {
  let messages = 0
  let batches = 0
  let wrong = false
  for (const { name, bytes } of parts) {
    if (name === 'MSH') messages += 1
    if (name === 'BHS') batches += 1
    if (name !== 'BTS' && name !== 'FTS') continue
    const said = /^...[^A-Za-z0-9](\d+)/.exec(bytes.toString('latin1'))?.[1]
    if (said !== undefined && Number(said) !== (name === 'BTS' ? messages : batches)) wrong = true
    if (name === 'BTS') messages = 0
  }
  return wrong
}
