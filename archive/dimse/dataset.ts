/** A data set in memory (PS3.5 section 7): its elements as bytes, read and written as typed values by keyword. */
import { decodeText, encodeText, isRepresentable, statedSets, type TextKind } from './character-set.ts'
import { DicomError } from './dicom-error.ts'
import { type Tag, tagOf, vrOf } from './dictionary.ts'
import { formatPersonName, type PersonNameGroups, parsePersonName } from './person-name.ts'
import { isCharacterSetText, type Vr } from './value-representation.ts'

/** A stretch of the file or buffer that a value was left in. */
export type Stretch = { readonly offset: number; readonly length: number }

/** Value bytes are little endian here, whatever they were on the wire. */
export type Element =
  | { readonly kind: 'value'; readonly tag: Tag; readonly vr: Vr; readonly value: Buffer }
  | { readonly kind: 'sequence'; readonly tag: Tag; readonly vr: Vr; readonly items: readonly Dataset[] }
  /** Encapsulated, the Basic Offset Table first (PS3.5 section A.4). */
  | { readonly kind: 'fragments'; readonly tag: Tag; readonly vr: Vr; readonly fragments: readonly Buffer[] }
  /** Bulk data not read into memory. */
  | { readonly kind: 'located'; readonly tag: Tag; readonly vr: Vr; readonly at: Stretch }
  | {
      readonly kind: 'located-fragments'
      readonly tag: Tag
      readonly vr: Vr
      readonly at: Stretch
      readonly fragments: readonly Stretch[]
    }

export type Value =
  | string
  | number
  | PersonNameGroups
  | Uint8Array
  | Dataset
  | null
  | readonly (string | number | PersonNameGroups | Dataset)[]

/** A keyword of PS3.6, eight hexadecimal digits, or a tag. */
export type Name = string | Tag

export class Dataset {
  readonly elements = new Map<Tag, Element>()
  /** Of the data set an item is in, until the item states its own. */
  private readonly inheritedCharacterSets: readonly string[]
  private stated: readonly string[] = []
  private statedBy: Element | undefined

  constructor(inheritedCharacterSets: readonly string[] = []) {
    this.inheritedCharacterSets = inheritedCharacterSets
  }

  /**
   * A data set of values by keyword, its text in UTF-8 unless it names a SpecificCharacterSet.
   * `null` and `''` make an empty element; `undefined` makes none.
   */
  static of(values: Record<string, Value | undefined>, inherited?: readonly string[]): Dataset {
    const made = new Dataset(inherited ?? [])
    const stated = values.SpecificCharacterSet
    if (stated !== undefined) made.set('SpecificCharacterSet', stated)
    else if (!inherited && hasText(values)) made.set('SpecificCharacterSet', UTF8)
    for (const [keyword, value] of Object.entries(values)) {
      if (value !== undefined && keyword !== 'SpecificCharacterSet') made.set(keyword, value)
    }
    return made
  }

  /** The defined terms in force; an empty first term is the default repertoire. */
  get characterSets(): readonly string[] {
    const own = this.elements.get(SPECIFIC_CHARACTER_SET)
    if (own?.kind !== 'value') return this.inheritedCharacterSets
    // Asked for by every text of the data set.
    if (this.statedBy !== own) {
      this.statedBy = own
      this.stated = statedSets(own.value)
    }
    return this.stated
  }

  has(name: Name): boolean {
    return this.elements.has(tagOf(name))
  }

  element(name: Name): Element | undefined {
    return this.elements.get(tagOf(name))
  }

  /** The value field as it stands, without its padding removed. */
  bytes(name: Name): Buffer | undefined {
    const element = this.element(name)
    return element?.kind === 'value' ? element.value : undefined
  }

  /** The first value as text, trimmed as its VR says; undefined when absent or empty. */
  text(name: Name): string | undefined {
    return this.texts(name).find((value) => value !== '')
  }

  /** Every value as text; an empty element has none. */
  texts(name: Name): string[] {
    const element = this.element(name)
    return element?.kind === 'value' ? textsOf(element, this.characterSets) : []
  }

  /** The first value as a number: binary, DS or IS. */
  number(name: Name): number | undefined {
    return this.numbers(name)[0]
  }

  numbers(name: Name): number[] {
    const element = this.element(name)
    return element?.kind === 'value' ? numbersOf(element, this.characterSets) : []
  }

  personName(name: Name): PersonNameGroups | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : parsePersonName(text)
  }

  items(name: Name): readonly Dataset[] {
    const element = this.element(name)
    return element?.kind === 'sequence' ? element.items : []
  }

  item(name: Name): Dataset | undefined {
    return this.items(name)[0]
  }

  /**
   * Text is written in the character sets in force: set SpecificCharacterSet first.
   * @throws DicomError 'not-representable' when they lack a character
   */
  set(name: Name, value: Value, vr: Vr = vrOf(tagOf(name))): this {
    const tag = tagOf(name)
    this.elements.set(tag, elementFrom(tag, vr, value, this.characterSets))
    return this
  }

  put(element: Element): this {
    this.elements.set(element.tag, element)
    return this
  }

  delete(name: Name): this {
    this.elements.delete(tagOf(name))
    return this
  }

  /** In the order of their tags, as they are written. */
  inOrder(): Element[] {
    return [...this.elements.values()].sort((a, b) => a.tag - b.tag)
  }

  /**
   * The same data set with its text in other character sets.
   * @throws DicomError 'not-representable' when they lack a character
   */
  inCharacterSets(characterSets: readonly string[]): Dataset {
    return this.transcoded(characterSets, true)
  }

  /**
   * The same data set in the sets a requestor named, or in UTF-8 when those cannot hold it: better read
   * in part by an old console than wrong (PS3.4 section C.2.2.2, PS3.5 section 6.1.2.3).
   */
  readableIn(characterSets: readonly string[]): Dataset {
    return this.fitsIn(characterSets) ? this.inCharacterSets(characterSets) : this.inCharacterSets([UTF8])
  }

  /** This data set as a sequence item, its text in the sets of the data set around it. */
  asItemIn(characterSets: readonly string[]): Dataset {
    return this.transcoded(characterSets, false)
  }

  private fitsIn(characterSets: readonly string[]): boolean {
    return [...this.elements.values()].every((element) => {
      if (element.kind === 'sequence') return element.items.every((item) => item.fitsIn(characterSets))
      if (element.kind !== 'value' || !isCharacterSetText(element.vr)) return true
      return isRepresentable(decodeText(element.value, this.characterSets, kindOf(element.vr)), characterSets)
    })
  }

  private transcoded(characterSets: readonly string[], outermost: boolean): Dataset {
    const made = new Dataset(characterSets)
    const states = characterSets.some((term) => term !== '')
    if (outermost && states) made.set('SpecificCharacterSet', [...characterSets])
    for (const element of this.elements.values()) {
      if (element.tag === SPECIFIC_CHARACTER_SET) continue
      made.put(this.elementIn(element, characterSets))
    }
    return made
  }

  private elementIn(element: Element, characterSets: readonly string[]): Element {
    if (element.kind === 'sequence') {
      return { ...element, items: element.items.map((item) => item.transcoded(characterSets, false)) }
    }
    if (element.kind !== 'value' || !isCharacterSetText(element.vr)) return element
    const text = decodeText(element.value, this.characterSets, kindOf(element.vr))
    return { ...element, value: padded(encodeText(unpadded(text), characterSets), element.vr) }
  }
}

// A line's end at the end of a text is the text's; blanks and NULs there are padding (PS3.5 section 6.2).
function unpadded(text: string): string {
  let end = text.length
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\0')) end -= 1
  return text.slice(0, end)
}

const SPECIFIC_CHARACTER_SET = 0x00080005
const UTF8 = 'ISO_IR 192'

/** Values that hold backslashes as text: one value, never split (PS3.5 section 6.2). */
const UNSPLIT: readonly Vr[] = ['LT', 'ST', 'UT', 'UR']
const BINARY: readonly Vr[] = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']

const kindOf = (vr: Vr): TextKind => (vr === 'PN' ? 'person-name' : 'text')

type ValueElement = Extract<Element, { kind: 'value' }>

/** The VR of an element that came as UN, when the dictionary knows better. */
export function effectiveVr(element: { tag: Tag; vr: Vr }): Vr {
  return element.vr === 'UN' ? vrOf(element.tag) : element.vr
}

export function textsOf(element: ValueElement, characterSets: readonly string[]): string[] {
  const vr = effectiveVr(element)
  if (element.value.length === 0) return []
  if (NUMBERS[vr]) return numbersOf(element, characterSets).map(String)
  if (BINARY.includes(vr)) return []
  const text = isCharacterSetText(vr)
    ? decodeText(element.value, characterSets, kindOf(vr))
    : element.value.toString('latin1')
  if (UNSPLIT.includes(vr) || !text.includes('\\')) return [trimmed(text, vr)]
  return text.split('\\').map((value) => trimmed(value, vr))
}

// Leading spaces mean something in running text; a NUL pads a UI and, from sloppy senders, anything.
function trimmed(value: string, vr: Vr): string {
  let end = value.length
  while (end > 0 && isPadding(value.charCodeAt(end - 1))) end -= 1
  let start = 0
  if (!UNSPLIT.includes(vr) && vr !== 'UC') while (start < end && value.charCodeAt(start) === 0x20) start += 1
  return value.slice(start, end)
}

const isPadding = (code: number): boolean => code === 0x20 || code === 0

type NumberFormat = {
  readonly bytes: number
  read(value: Buffer, at: number): number
  write(value: Buffer, n: number): void
}

const NUMBERS: Partial<Record<Vr, NumberFormat>> = {
  AT: {
    bytes: 4,
    read: (b, at) => ((b.readUInt16LE(at) << 16) | b.readUInt16LE(at + 2)) >>> 0,
    write: writeAt,
  },
  FD: { bytes: 8, read: (b, at) => b.readDoubleLE(at), write: (b, n) => b.writeDoubleLE(n) },
  FL: { bytes: 4, read: (b, at) => b.readFloatLE(at), write: (b, n) => b.writeFloatLE(n) },
  SL: { bytes: 4, read: (b, at) => b.readInt32LE(at), write: (b, n) => b.writeInt32LE(n) },
  SS: { bytes: 2, read: (b, at) => b.readInt16LE(at), write: (b, n) => b.writeInt16LE(n) },
  SV: {
    bytes: 8,
    read: (b, at) => Number(b.readBigInt64LE(at)),
    write: (b, n) => b.writeBigInt64LE(BigInt(n)),
  },
  UL: { bytes: 4, read: (b, at) => b.readUInt32LE(at), write: (b, n) => b.writeUInt32LE(n) },
  US: { bytes: 2, read: (b, at) => b.readUInt16LE(at), write: (b, n) => b.writeUInt16LE(n) },
  UV: {
    bytes: 8,
    read: (b, at) => Number(b.readBigUInt64LE(at)),
    write: (b, n) => b.writeBigUInt64LE(BigInt(n)),
  },
}

export const isNumeric = (vr: Vr): boolean => NUMBERS[vr] !== undefined

function writeAt(value: Buffer, tag: number) {
  value.writeUInt16LE(tag >>> 16)
  value.writeUInt16LE(tag & 0xffff, 2)
}

export function numbersOf(element: ValueElement, characterSets: readonly string[]): number[] {
  const vr = effectiveVr(element)
  const format = NUMBERS[vr]
  if (!format) {
    if (vr !== 'DS' && vr !== 'IS') return []
    const texts = textsOf(element, characterSets).filter((text) => text !== '')
    return texts.map(Number).filter(Number.isFinite)
  }
  const count = Math.floor(element.value.length / format.bytes)
  return Array.from({ length: count }, (_, index) => format.read(element.value, index * format.bytes))
}

function elementFrom(tag: Tag, vr: Vr, value: Value, characterSets: readonly string[]): Element {
  const values = value === null || value === '' ? [] : Array.isArray(value) ? value : [value]
  if (vr === 'SQ')
    return { kind: 'sequence', tag, vr, items: values.map((item) => asItem(item, characterSets)) }
  if (value instanceof Uint8Array) return { kind: 'value', tag, vr, value: padded(Buffer.from(value), vr) }
  return { kind: 'value', tag, vr, value: padded(encoded(vr, values, characterSets), vr) }
}

// An item needs no Specific Character Set of its own inside a data set that states one.
function asItem(value: Value, characterSets: readonly string[]): Dataset {
  if (value instanceof Dataset) return value.asItemIn(characterSets)
  throw new DicomError('dataset-malformed', { found: 'a value', wanted: 'an item' })
}

function encoded(vr: Vr, values: readonly Value[], characterSets: readonly string[]): Buffer {
  const format = NUMBERS[vr]
  if (format) return Buffer.concat(values.map((value) => binaryNumber(format, Number(value))))
  const text = values.map((value) => asText(value)).join('\\')
  return isCharacterSetText(vr) ? encodeText(text, characterSets) : encodeText(text, [])
}

function binaryNumber(format: NumberFormat, value: number): Buffer {
  const bytes = Buffer.alloc(format.bytes)
  format.write(bytes, value)
  return bytes
}

function asText(value: Value): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return value === null ? '' : formatPersonName(value as PersonNameGroups)
}

/** Even length: a NUL for UI and bytes, else a space (PS3.5 section 6.2). */
export function padded(value: Buffer, vr: Vr): Buffer {
  if (value.length % 2 === 0) return value
  return Buffer.concat([value, Buffer.of(vr === 'UI' || BINARY.includes(vr) ? 0 : 0x20)])
}

function hasText(values: Record<string, Value | undefined>): boolean {
  return Object.entries(values).some(([keyword, value]) => {
    const vr = vrOf(tagOf(keyword))
    return value !== undefined && (vr === 'SQ' || isCharacterSetText(vr))
  })
}
