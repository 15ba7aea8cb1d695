/** Escape sequences (HL7 2.5.1 section 2.7): read in one pass from left to right, written in one pass over characters. */
import type { Delimiters } from './delimiters.ts'

/** Reads the bytes of `\X..\` in the message's own character set. */
export type HexDecoder = (bytes: Uint8Array) => string

/**
 * Text as people read it. Line breaks are LF. What isn't an escape stays as it is: `C:\temp\new` is a path.
 * `odd` is called once for every sequence kept or guessed.
 */
export function unescapeText(
  text: string,
  d: Delimiters,
  decode: HexDecoder,
  odd: () => void = () => {},
): string {
  const mark = d.escape
  if (mark === undefined || !text.includes(mark)) return text
  const out: string[] = []
  let hex: number[] = []
  const flush = () => {
    if (hex.length > 0) out.push(hexText(hex, decode))
    hex = []
  }
  let at = 0
  while (at < text.length) {
    const open = text.indexOf(mark, at)
    if (open !== at) {
      flush()
      out.push(text.slice(at, open < 0 ? text.length : open))
      if (open < 0) break
    }
    const close = text.indexOf(mark, open + 1)
    const body = close < 0 ? undefined : text.slice(open + 1, close)
    if (body !== undefined && /^X[0-9A-Fa-f]{2,}$/.test(body)) {
      hex.push(...hexBytes(body.slice(1), odd))
      at = close + 1
      continue
    }
    flush()
    const meaning = body === undefined ? undefined : meaningOf(body, d)
    if (meaning !== undefined) {
      // Old senders write `^\.sp\` for one line break; the component separator is part of it.
      if (body === '.sp' && out.at(-1)?.endsWith(d.component)) out.push(out.pop()!.slice(0, -1))
      out.push(meaning)
      at = close + 1
      continue
    }
    odd()
    const whole = body !== undefined && /^[A-Za-z0-9.+-]{1,64}$/.test(body)
    out.push(whole ? mark + body + mark : mark)
    at = whole ? close + 1 : open + 1
  }
  flush()
  return out.join('')
}

function meaningOf(body: string, d: Delimiters): string | undefined {
  switch (body) {
    case 'F':
      return d.field
    case 'S':
      return d.component
    case 'T':
      // A message without subcomponents has no delimiter to stand for; senders mean the usual one.
      return d.subcomponent ?? '&'
    case 'R':
      return d.repetition
    case 'E':
      return d.escape
    case 'P':
      return d.truncation ?? '#'
    case '.br':
    case '.ce':
      return '\n'
    case '.fi':
    case '.nf':
    case 'H':
    case 'N':
      return ''
  }
  const format = /^\.(sp|in|ti|sk)([+-]?\d{0,4})$/.exec(body)
  if (!format) return undefined
  const count = Math.min(Math.abs(Number(format[2] || (format[1] === 'sp' ? 1 : 0))), 1000)
  if (format[1] === 'sp') return '\n'.repeat(count)
  return format[1] === 'sk' ? ' '.repeat(count || 1) : ' '.repeat(count)
}

/** An odd count has lost nothing but a leading zero: `00D` is 0D. */
function hexBytes(digits: string, odd: () => void): Buffer {
  if (digits.length % 2 === 0) return Buffer.from(digits, 'hex')
  odd()
  return Buffer.from(digits.startsWith('0') ? digits.slice(1) : digits.slice(0, -1), 'hex')
}

/** CR, LF and CRLF are one line break; other controls carry nothing a reader can use. */
function hexText(hex: number[], decode: HexDecoder): string {
  const kept = hex.filter((byte) => byte >= 0x20 || byte === 0x0d || byte === 0x0a)
  return decode(Uint8Array.from(kept)).replace(/\r\n|\r/g, '\n')
}

/**
 * The text as it may stand in a field under these delimiters; LF becomes `\.br\`.
 * @throws Error when the text holds a delimiter and the message has no escape character to say so
 */
export function escapeText(text: string, d: Delimiters): string {
  const letters: Record<string, string> = {
    [d.field]: 'F',
    [d.component]: 'S',
    [d.repetition]: 'R',
    '\n': '.br',
  }
  if (d.subcomponent) letters[d.subcomponent] = 'T'
  if (d.escape) letters[d.escape] = 'E'
  if (d.truncation) letters[d.truncation] = 'P'
  let out = ''
  for (const character of text.replace(/\r\n?/g, '\n')) {
    const letter = letters[character]
    if (letter === undefined) out += character
    else if (d.escape === undefined) throw new Error('a delimiter stands in the text and MSH-2 has no escape')
    else out += d.escape + letter + d.escape
  }
  return out
}
