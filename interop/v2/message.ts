/** A message as a tree of still-escaped strings (HL7 2.5.1 section 2.6), read and written by path: `PID-3[2].4.1`. */
import { isUtf8 } from 'node:buffer'
import { type Charset, type CharsetPolicy, charsetNamed, chooseCharset, utf8 } from './charset.ts'
import { type Delimiters, encodingCharacters, readDelimiters, usualDelimiters } from './delimiters.ts'
import { escapeText, unescapeText } from './escape.ts'
import type { Finding, Warning } from './finding.ts'
import { type RawSegment, splitSegments } from './segments.ts'

/**
 * Four things a place in a message can hold: text, `''` (empty: says nothing), `null` (`""`: delete what you have),
 * `undefined` (the place isn't there).
 */
export type Value = string | null | undefined

const maxSegments = 20_000
const maxFields = 1_000
const maxRepetitions = 10_000
const nothing = new Uint8Array()

/** Never throws on content: what is wrong stands in `fault` (nothing can be read) and `warnings`. */
export function parseMessage(bytes: Uint8Array, policy: CharsetPolicy = {}): Message {
  const { prefix, utf8Bom, segments, warnings } = splitSegments(bytes)
  const first = segments[0]?.content
  const header = first && String.fromCharCode(...first.subarray(0, 3)) === 'MSH' ? first : undefined
  const read = header && readDelimiters(header)
  if (!read) return new Message({ delimiters: usualDelimiters, charset: utf8, warnings, fault: noHeader })
  const declared = declaredCharsets(header, read.delimiters)
  const choice = chooseCharset(bytes, utf8Bom ? ['UNICODE UTF-8'] : declared, policy)
  const message = new Message({ delimiters: read.delimiters, charset: choice.charset, warnings, prefix })
  if (read.odd) message.warn('encoding-characters', 'MSH-2')
  for (const code of choice.warnings) message.warn(code, 'MSH-18')
  if (choice.unusable) message.unusableCharset = choice.unusable
  if (segments.length > maxSegments) message.warn('too-many-segments', 'MSH')
  for (const segment of segments) message.append(segment)
  return message
}

const noHeader: Finding = {
  code0357: '100',
  location: { segment: 'MSH', occurrence: 1 },
  ourCode: 'invalid-message',
  sentence: 'No readable MSH segment was found.',
}

/** MSH-18 must be known before its own segment can be decoded; its values are ASCII in every set we accept. */
function declaredCharsets(header: Uint8Array, d: Delimiters): string[] {
  const fields = Buffer.from(header).toString('latin1').split(d.field)
  return (fields[17] ?? '').split(d.repetition).map((name) => name.trim())
}

type MessageParts = {
  delimiters: Delimiters
  charset: Charset
  warnings?: Warning[]
  prefix?: Uint8Array
  fault?: Finding
}

export class Message {
  readonly delimiters: Delimiters
  charset: Charset
  readonly warnings: Warning[]
  /** Set when not even MSH could be read; there are no segments then. */
  readonly fault: Finding | undefined
  /** A declared character set that cannot be read on this wire (AE 102). */
  unusableCharset: string | undefined
  readonly segments: Segment[] = []
  readonly #prefix: Uint8Array

  constructor(parts: MessageParts) {
    this.delimiters = parts.delimiters
    this.charset = parts.charset
    this.warnings = parts.warnings ?? []
    this.#prefix = parts.prefix ?? nothing
    this.fault = parts.fault
  }

  /** An empty message of ours, with MSH-1 and MSH-2 in place. */
  static create(delimiters: Delimiters = usualDelimiters): Message {
    const message = new Message({ delimiters, charset: utf8 })
    const header = message.add('MSH')
    header.fields.push(delimiters.field, encodingCharacters(delimiters))
    return message
  }

  /** Warns once for each code and place. */
  warn(code: string, location: string): void {
    if (!this.warnings.some((w) => w.code === code && w.location === location))
      this.warnings.push({ code, location })
  }

  append(raw: RawSegment): void {
    const text = this.charset.decode(raw.content)
    const name = text.slice(0, 3)
    this.segments.push(new Segment(this, { name, occurrence: this.all(name).length + 1, text, raw }))
  }

  add(name: string): Segment {
    const segment = new Segment(this, { name, occurrence: this.all(name).length + 1, text: name })
    this.segments.push(segment)
    return segment
  }

  all(name: string): Segment[] {
    return this.#byName.get(name) ?? []
  }

  readonly #byName = new Map<string, Segment[]>()

  /** @internal keeps the index by name, so that twenty thousand OBX stay linear */
  register(segment: Segment): void {
    const known = this.#byName.get(segment.name)
    if (known) known.push(segment)
    else this.#byName.set(segment.name, [segment])
  }

  first(name: string): Segment | undefined {
    return this.#byName.get(name)?.[0]
  }

  /** `PID-5.1`, `PID-3[2].4.1`, `OBX(3)-5`: occurrence, repetition, component and subcomponent count from 1. */
  get(path: string): Value {
    const at = readPath(path)
    return this.all(at.segment)[at.occurrence - 1]?.getAt(at)
  }

  /** @throws Error when the message has no such segment */
  set(path: string, value: Value): void {
    const at = readPath(path)
    const segment = this.all(at.segment)[at.occurrence - 1]
    if (!segment) throw new Error(`there is no segment ${at.segment} to set`)
    segment.setAt(at, value)
  }

  /** Untouched segments go out byte for byte as they came. */
  toBytes(): Buffer {
    return Buffer.concat([this.#prefix, ...this.segments.map((segment) => segment.toBytes())])
  }

  /** Writes the message in this set and says so in MSH-18, unless ASCII suffices (IHE ITI TF-2x C.2.2). */
  encodeAs(name: string): Buffer {
    const charset = charsetNamed(name)
    if (!charset) throw new Error(`no encoder for character set ${name}`)
    this.charset = charset
    const pureAscii = this.segments.every((segment) => /^\p{ASCII}*$/u.test(segment.encoded))
    if (!pureAscii) this.set('MSH-18', charset.name)
    return this.toBytes()
  }
}

type Place = { field: number; repetition: number; component: number; subcomponent: number; depth: number }
type Path = Place & { segment: string; occurrence: number }

const pathShape = /^([A-Z][A-Z0-9]{2})(?:\((\d+)\))?-(.+)$/
const placeShape = /^(\d+)(?:\[(\d+)\])?(?:\.(\d+))?(?:\.(\d+))?$/

function readPath(path: string): Path {
  const match = pathShape.exec(path)
  if (!match) throw new Error(`not a path: ${path}`)
  return { segment: match[1]!, occurrence: Number(match[2] ?? 1), ...readPlace(match[3]!) }
}

function readPlace(place: string | number): Place {
  const match = placeShape.exec(String(place))
  if (!match) throw new Error(`not a place in a segment: ${place}`)
  const [, field, repetition, component, subcomponent] = match
  return {
    field: Number(field),
    repetition: Number(repetition ?? 1),
    component: Number(component ?? 1),
    subcomponent: Number(subcomponent ?? 1),
    depth: subcomponent ? 4 : component ? 3 : repetition ? 2 : 1,
  }
}

type SegmentParts = { name: string; occurrence: number; text: string; raw?: RawSegment }

export class Segment {
  readonly name: string
  /** Which of its name in the message, from 1 (ERL.2). */
  readonly occurrence: number
  /** Still escaped; `fields[n]` is field n, and in MSH field 1 is the separator itself. */
  readonly fields: string[]
  readonly #message: Message
  readonly #raw: RawSegment | undefined
  #touched: boolean

  constructor(message: Message, parts: SegmentParts) {
    this.#message = message
    this.name = parts.name
    this.occurrence = parts.occurrence
    this.#raw = parts.raw
    this.#touched = parts.raw === undefined
    this.fields = parts.text.split(message.delimiters.field)
    if (isHeader(this.name) && this.fields.length > 1) this.fields.splice(1, 0, message.delimiters.field)
    if (this.fields.length > maxFields) message.warn('too-many-fields', this.name)
    message.register(this)
  }

  /** The segment's location for an ERR segment. */
  at(field?: number, repetition?: number, component?: number) {
    return { segment: this.name, occurrence: this.occurrence, field, repetition, component }
  }

  /** A place in this segment: `5.1`, `3[2].4.1`, or just 5. */
  get(place: string | number): Value {
    return this.getAt(readPlace(place))
  }

  /** The text of a place, with nothing, null and empty all told as undefined: for maps that don't care which. */
  value(place: string | number): string | undefined {
    return this.get(place)?.trim() || undefined
  }

  getAt({ field, repetition, component, subcomponent }: Place): Value {
    const whole = this.fields[field]
    if (whole === undefined) return undefined
    if (isHeader(this.name) && field <= 2) return whole
    if (whole === '""') return null
    const d = this.#message.delimiters
    const one = whole.split(d.repetition)[repetition - 1]
    if (one === undefined) return undefined
    if (one === '""') return null
    const part = one.split(d.component)[component - 1]
    if (part === undefined) return undefined
    if (part === '""') return null
    const leaf = d.subcomponent === undefined ? [part] : part.split(d.subcomponent)
    const text = leaf[subcomponent - 1]
    if (text === undefined || text === '') return text
    return text === '""' ? null : this.#unescape(text)
  }

  /** How many repetitions a field has; an empty or absent field has none. */
  repetitions(field: number): number {
    const whole = this.fields[field]
    if (whole === undefined || whole === '' || whole === '""') return 0
    const count = whole.split(this.#message.delimiters.repetition).length
    if (count > maxRepetitions) this.#message.warn('too-many-repetitions', `${this.name}-${field}`)
    return count
  }

  /** Whether `""` stands in the whole field: the sender deletes the value. */
  isNull(field: number): boolean {
    return this.fields[field] === '""'
  }

  /**
   * Running text (TX, FT, NTE-3): repetitions are paragraphs, and delimiters somebody forgot to escape are put back,
   * so that nothing after an `&` is lost.
   */
  text(field: number): string {
    const whole = this.fields[field]
    if (whole === undefined || whole === '""') return ''
    return whole
      .split(this.#message.delimiters.repetition)
      .map((paragraph) => this.#unescape(paragraph))
      .join('\n')
  }

  #unescape(text: string): string {
    const { charset, delimiters } = this.#message
    const decode = (bytes: Uint8Array) =>
      charset.name === utf8.name && !isUtf8(bytes)
        ? Buffer.from(bytes).toString('latin1')
        : charset.decode(bytes)
    return unescapeText(text, delimiters, decode, () => this.#message.warn('escape-unknown', this.name))
  }

  set(place: string | number, value: Value): void {
    this.setAt(readPlace(place), value)
  }

  /** Sets the deepest place the path names: `5` replaces the whole field, `5.1` only its first component. */
  setAt(place: Place, value: Value): void {
    const d = this.#message.delimiters
    if (isHeader(this.name) && place.field <= 2)
      throw new Error('MSH-1 and MSH-2 are what the whole message is read by')
    const leaf = value === null ? '""' : value === undefined ? '' : escapeText(value, d)
    const old = this.fields[place.field] ?? ''
    while (this.fields.length <= place.field) this.fields.push('')
    this.fields[place.field] = replaced(old, leaf, place, d)
    this.#touched = true
  }

  /** Puts in a whole field that is already escaped: a field carried over from another message of the same delimiters. */
  setEscaped(field: number, escaped: string): void {
    while (this.fields.length <= field) this.fields.push('')
    this.fields[field] = escaped
    this.#touched = true
  }

  /** The segment as characters, still escaped, without terminator. */
  get encoded(): string {
    const d = this.#message.delimiters
    const fields = isHeader(this.name) ? [this.name, ...this.fields.slice(2)] : this.fields
    // A joined line break has no place in a segment; it goes out as the escape it should have been.
    return fields.join(d.field).replaceAll('\n', d.escape ? `${d.escape}.br${d.escape}` : ' ')
  }

  toBytes(): Uint8Array {
    if (!this.#touched && this.#raw) return this.#raw.raw
    const terminator = this.#raw && this.#raw.terminator.length > 0 ? this.#raw.terminator : Buffer.from('\r')
    return Buffer.concat([this.#message.charset.encode(this.encoded), terminator])
  }
}

function isHeader(name: string): boolean {
  return name === 'MSH' || name === 'FHS' || name === 'BHS'
}

function replaced(
  old: string,
  leaf: string,
  { repetition, component, subcomponent, depth }: Place,
  d: Delimiters,
): string {
  if (depth === 1) return leaf
  return within(old, d.repetition, repetition, (one) => {
    if (depth === 2) return leaf
    return within(one, d.component, component, (part) => {
      if (depth === 3) return leaf
      if (d.subcomponent === undefined) throw new Error('MSH-2 has no subcomponent separator')
      return within(part, d.subcomponent, subcomponent, () => leaf)
    })
  })
}

function within(text: string, delimiter: string, position: number, change: (part: string) => string): string {
  const parts = text === '""' ? [] : text.split(delimiter)
  while (parts.length < position) parts.push('')
  parts[position - 1] = change(parts[position - 1]!)
  return parts.join(delimiter)
}
