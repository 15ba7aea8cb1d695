/** Specific Character Set (0008,0005): bytes to text and back, with code extensions (PS3.3 C.12.1.1.2, PS3.5 6.1). */
import { ascii, type CodedSet, REPERTOIRES, type Repertoire, reversed } from './coded-set.ts'
import { DicomError } from './dicom-error.ts'

/** Where a call of a code extension ends by itself: at a delimiter of the value (PS3.5 section 6.1.2.5.3). */
export type TextKind = 'person-name' | 'text'

/**
 * Text of an element's whole value field; values are still joined by "\", groups of a name by "=".
 * Bytes of the upper half without a declared set are read as Latin-1, which is what undeclared files mean.
 */
export function decodeText(bytes: Buffer, characterSets: readonly string[], kind: TextKind = 'text'): string {
  const { whole, terms } = parseTerms(characterSets)
  if (terms[0]!.G0 !== ROMAJI && isPlain(bytes)) return bytes.toString('latin1')
  if (whole) return whole.decode(bytes)
  return new ExtendedDecoder(terms, kind).decode(bytes)
}

/**
 * Bytes of a text, changing between the sets of the list as it needs to.
 * @throws DicomError 'not-representable' when no set of the list holds a character
 */
export function encodeText(text: string, characterSets: readonly string[]): Buffer {
  const { whole, terms, extended } = parseTerms(characterSets)
  if (terms[0]!.G0 !== ROMAJI && PLAIN.test(text)) return Buffer.from(text, 'latin1')
  if (whole) return whole.encode(text)
  return new ExtendedEncoder(terms, extended).encode(text)
}

export function isRepresentable(text: string, characterSets: readonly string[]): boolean {
  try {
    encodeText(text, characterSets)
    return true
  } catch {
    return false
  }
}

const ESC = 0x1b
const ROMAJI = REPERTOIRES[13]!.G0

// Nearly all values are ASCII without escapes, whatever their set.
// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is what is looked for
const PLAIN = /^[\x00-\x1a\x1c-\x7f]*$/

/** Sixteen terms of sixteen letters; whatever follows names no set that a text could need. */
const CHARACTER_SETS_BYTES = 272

/** The terms that a Specific Character Set states, (0008,0005). */
export function statedSets(value: Buffer): string[] {
  return value
    .subarray(0, CHARACTER_SETS_BYTES)
    .toString('latin1')
    .replace(/\0/g, '')
    .split('\\')
    .map((term) => term.trim())
}

function isPlain(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte >= 0x80 || byte === ESC) return false
  return true
}

/** Sets without code extensions, which take the whole value. */
type WholeSet = { decode(bytes: Buffer): string; encode(text: string): Buffer }
type Terms = { whole?: WholeSet; terms: Repertoire[]; extended: boolean }

const parsed = new Map<string, Terms>()

function parseTerms(characterSets: readonly string[]): Terms {
  const key = characterSets.join('\\')
  const known = parsed.get(key)
  if (known) return known
  const terms = characterSets.length === 0 ? [''] : characterSets.map((term) => term.trim().toUpperCase())
  const result: Terms = {
    whole: WHOLE[terms[0]!],
    terms: terms.map(repertoireOf),
    extended: terms.length > 1 || terms[0]!.includes('2022'),
  }
  // The list comes from the wire: remember the usual ones only.
  if (parsed.size < 1000) parsed.set(key, result)
  return result
}

function repertoireOf(term: string): Repertoire {
  const number = /^ISO(?:[ _-]2022)?[ _-]IR[ _-](\d+)$/.exec(term)?.[1]
  return REPERTOIRES[Number(number ?? 6)] ?? REPERTOIRES[6]!
}

class ExtendedDecoder {
  private readonly start: Repertoire
  private readonly kind: TextKind
  private G0: CodedSet
  private G1: CodedSet

  constructor(terms: Repertoire[], kind: TextKind) {
    this.start = terms[0]!
    this.kind = kind
    this.G0 = this.startG0()
    this.G1 = this.startG1()
  }

  decode(bytes: Buffer): string {
    let text = ''
    for (let at = 0; at < bytes.length; ) {
      if (bytes[at] === ESC) {
        at += this.escape(bytes, at + 1)
        continue
      }
      const [run, set] = this.run(bytes, at)
      text += set.decode(run)
      at += run.length
      if (set === this.G0 && set.bytesPerCharacter === 1 && this.isDelimiter(run[run.length - 1]!))
        this.reset()
    }
    return text
  }

  /** How many bytes the escape sequence takes; an unknown one is dropped with its final byte. */
  private escape(bytes: Buffer, at: number): number {
    for (const set of ESCAPABLE) {
      if (!set.escape.every((byte, index) => bytes[at + index] === byte)) continue
      this[set.half] = set
      return 1 + set.escape.length
    }
    let length = 1
    while (at + length - 1 < bytes.length && bytes[at + length - 1]! < 0x30) length++
    return length + 1
  }

  /** The longest stretch from `at` in one set, ending after a delimiter. */
  private run(bytes: Buffer, at: number): [Buffer, CodedSet] {
    const upper = bytes[at]! >= 0x80
    const control = bytes[at]! <= 0x20
    const set = upper ? this.G1 : control && this.G0.bytesPerCharacter === 2 ? ascii : this.G0
    let end = at
    while (end < bytes.length && bytes[end] !== ESC && bytes[end]! >= 0x80 === upper) {
      if (set.bytesPerCharacter === 2 && bytes[end]! <= 0x20) break
      end += set.bytesPerCharacter
      if (control || (set === this.G0 && set.bytesPerCharacter === 1 && this.isDelimiter(bytes[end - 1]!)))
        break
    }
    return [bytes.subarray(at, Math.min(end, bytes.length)), set]
  }

  private isDelimiter(byte: number): boolean {
    // Tab, line feed, form feed, carriage return, backslash; in names also caret and equals.
    if (byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d || byte === 0x5c) return true
    return this.kind === 'person-name' && (byte === 0x5e || byte === 0x3d)
  }

  private reset() {
    this.G0 = this.startG0()
    this.G1 = this.startG1()
  }

  private startG0(): CodedSet {
    return this.start.G0?.bytesPerCharacter === 1 ? this.start.G0 : ascii
  }

  private startG1(): CodedSet {
    return this.start.G1 ?? REPERTOIRES[100]!.G1!
  }
}

class ExtendedEncoder {
  private readonly start: Repertoire
  private readonly callable: CodedSet[]
  private readonly out: Buffer[] = []
  private G0: CodedSet
  private G1: CodedSet | undefined

  constructor(terms: Repertoire[], extended: boolean) {
    this.start = terms[0]!
    this.callable = extended ? terms.flatMap(({ G0, G1 }) => [G0, G1].filter((set) => set !== undefined)) : []
    this.G0 = this.startG0()
    this.G1 = this.start.G1
  }

  encode(text: string): Buffer {
    for (const character of text) this.put(character)
    this.backToStart()
    return Buffer.concat(this.out)
  }

  private put(character: string) {
    // Delimiters, controls and the space belong to the set at the start, so that whoever splits bytes finds them.
    if (character < '\x80' && /[\0-\x20\\^=]/.test(character)) {
      this.backToStart()
      this.out.push(Buffer.from(character))
      this.G1 = this.start.G1
      return
    }
    for (const set of [this.G0, this.G1]) {
      const bytes = set?.encode(character)
      if (bytes) return void this.out.push(bytes)
    }
    if (this.startG0().encode(character)) {
      this.backToStart()
      return void this.out.push(this.startG0().encode(character)!)
    }
    for (const set of this.callable) {
      const bytes = set.encode(character)
      if (!bytes) continue
      this[set.half] = set
      return void this.out.push(Buffer.of(ESC, ...set.escape), bytes)
    }
    throw new DicomError('not-representable')
  }

  private backToStart() {
    if (this.G0 === this.startG0()) return
    this.G0 = this.startG0()
    this.out.push(Buffer.of(ESC, ...this.G0.escape))
  }

  private startG0(): CodedSet {
    return this.start.G0?.bytesPerCharacter === 1 ? this.start.G0 : ascii
  }
}

// Longest first: JIS X 0212's 24 28 44 must not be taken for something shorter.
const ESCAPABLE: readonly CodedSet[] = [
  ...new Set(Object.values(REPERTOIRES).flatMap(({ G0, G1 }) => [G0, G1])),
]
  .filter((set) => set !== undefined)
  .sort((a, b) => b.escape.length - a.escape.length)

const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const utf8: WholeSet = {
  decode: (bytes) => utf8Decoder.decode(bytes),
  encode: (text) => Buffer.from(text, 'utf8'),
}

const WHOLE: Readonly<Record<string, WholeSet>> = {
  'ISO_IR 192': utf8,
  'ISO 2022 IR 192': utf8,
  'UTF-8': utf8,
  GB18030: chinese('gb18030', { more: fourByteCodes, beyond: supplementary }),
  GBK: chinese('gbk', { more: () => [], beyond: () => undefined }),
}

type Beyond = (character: string) => Buffer | undefined

function chinese(
  label: string,
  { more, beyond }: { more: () => Iterable<Buffer>; beyond: Beyond },
): WholeSet {
  const decoder = new TextDecoder(label)
  let table: Map<string, Buffer> | undefined
  const decode = (bytes: Buffer) => decoder.decode(bytes)
  const encode = (text: string) => {
    table ??= reversed(decode, [...twoByteCodes(), ...more()])
    return Buffer.concat(
      Array.from(text, (character) => beyond(character) ?? chineseBytes(character, table!)),
    )
  }
  return { decode, encode }
}

function chineseBytes(character: string, table: Map<string, Buffer>): Buffer {
  if (character < '\x80') return Buffer.from(character)
  const bytes = table.get(character)
  if (!bytes) throw new DicomError('not-representable')
  return bytes
}

// Beyond the basic plane GB 18030 counts on from 90308130, code point by code point; GBK ends with it.
function supplementary(character: string): Buffer | undefined {
  const codePoint = character.codePointAt(0)!
  return codePoint > 0xffff ? fourBytes(codePoint - 0x10000 + 189_000) : undefined
}

function fourBytes(linear: number): Buffer {
  const [high, rest] = [Math.floor(linear / 12_600), linear % 12_600]
  const [second, third] = [Math.floor(rest / 1260), Math.floor((rest % 1260) / 10)]
  return Buffer.of(0x81 + high, 0x30 + second, 0x81 + third, 0x30 + (rest % 10))
}

function* twoByteCodes(): Generator<Buffer> {
  for (let lead = 0x81; lead <= 0xfe; lead++)
    for (let trail = 0x40; trail <= 0xfe; trail++) yield Buffer.of(lead, trail)
}

// The four-byte codes of the basic plane, 81308130 to 8431A439.
function* fourByteCodes(): Generator<Buffer> {
  for (let linear = 0; linear < 39_420; linear++) yield fourBytes(linear)
}
