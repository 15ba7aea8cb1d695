/** Characters: MSH-18 (HL7 table 0211) to text and back, with the deviations real senders show. */
import { isUtf8 } from 'node:buffer'
import { decodeIso2022, looksLikeIso2022 } from './iso-2022.ts'

export type Charset = {
  /** The set actually used, as table 0211 spells it. */
  name: string
  decode(bytes: Uint8Array): string
  /** @throws UnencodableText when the set lacks a character: a question mark in a name is worse than no message */
  encode(text: string): Uint8Array
}

export class UnencodableText extends Error {
  readonly code = 'unencodable'
  readonly charset: string
  constructor(charset: string) {
    super(`a character of this message does not exist in ${charset}`)
    this.charset = charset
  }
}

export type CharsetChoice = {
  charset: Charset
  warnings: ('charset-undeclared' | 'charset-mismatch' | 'charset-fallback' | 'charset-unknown')[]
  /** Set when the declared set cannot travel on MLLP or has no decoder: the message is answered AE 102. */
  unusable?: string
}

const singleByte: Record<string, string> = {
  '8859/1': 'windows-1252',
  '8859/2': 'iso-8859-2',
  '8859/3': 'iso-8859-3',
  '8859/4': 'iso-8859-4',
  '8859/5': 'iso-8859-5',
  '8859/6': 'iso-8859-6',
  '8859/7': 'iso-8859-7',
  '8859/8': 'iso-8859-8',
  '8859/9': 'windows-1254',
  '8859/15': 'iso-8859-15',
}
const multiByte: Record<string, string> = {
  'GB 18030-2000': 'gb18030',
  'BIG-5': 'big5',
  'KS X 1001': 'euc-kr',
}
const utf8Names = ['UNICODE UTF-8', 'UTF-8', 'UTF8']
const asciiNames = ['', 'ASCII', 'ISO IR6', 'ISO IR 6']
const wide = ['UNICODE', 'UNICODE UTF-16', 'UNICODE UTF-32']

export type CharsetPolicy = {
  /** Used where MSH-18 is silent and the bytes don't say otherwise. */
  defaultCharset?: string
  /** `bytes` (default): valid UTF-8 beats a declared single-byte set; `declared`: MSH-18 is believed. */
  charsetTrust?: 'bytes' | 'declared'
}

/** Chooses the set of a whole message from its bytes and its MSH-18 repetitions. */
export function chooseCharset(
  bytes: Uint8Array,
  declared: string[],
  policy: CharsetPolicy = {},
): CharsetChoice {
  const name = (declared[0] ?? '').trim().toUpperCase()
  const trustBytes = policy.charsetTrust !== 'declared'
  if (wide.includes(name)) return { charset: utf8, warnings: [], unusable: name }
  if (name.startsWith('ISO IR14') || name.startsWith('ISO IR 14') || (name === '' && looksLikeIso2022(bytes)))
    return { charset: iso2022, warnings: [] }
  if (asciiNames.includes(name)) return undeclared(bytes, policy)
  if (utf8Names.includes(name)) {
    return isUtf8(bytes)
      ? { charset: utf8, warnings: [] }
      : { charset: latin1, warnings: ['charset-fallback'] }
  }
  const label = singleByte[name]
  if (label) {
    if (trustBytes && !isAscii(bytes) && isUtf8(bytes))
      return { charset: utf8, warnings: ['charset-mismatch'] }
    return { charset: tableCharset(name, label), warnings: [] }
  }
  if (multiByte[name]) return { charset: tableCharset(name, multiByte[name]), warnings: [] }
  if (isAscii(bytes)) return { charset: utf8, warnings: [] }
  if (name === 'CNS 11643-1992') return { charset: utf8, warnings: [], unusable: name }
  return { charset: isUtf8(bytes) ? utf8 : latin1, warnings: ['charset-unknown'] }
}

function undeclared(bytes: Uint8Array, policy: CharsetPolicy): CharsetChoice {
  if (isAscii(bytes)) return { charset: utf8, warnings: [] }
  if (isUtf8(bytes)) return { charset: utf8, warnings: ['charset-undeclared'] }
  return {
    charset: charsetNamed(policy.defaultCharset ?? '8859/1') ?? latin1,
    warnings: ['charset-undeclared'],
  }
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80)
}

/** A set by its name in table 0211, for messages we write; undefined when we cannot write it. */
export function charsetNamed(name: string): Charset | undefined {
  if (asciiNames.includes(name)) return ascii
  if (utf8Names.includes(name)) return utf8
  const label = singleByte[name] ?? multiByte[name]
  return label ? tableCharset(name, label) : undefined
}

const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export const utf8: Charset = {
  name: 'UNICODE UTF-8',
  decode: (bytes) => utf8Decoder.decode(bytes),
  encode: (text) => Buffer.from(text, 'utf8'),
}

export const ascii: Charset = {
  name: 'ASCII',
  decode: (bytes) => utf8Decoder.decode(bytes),
  encode(text) {
    const bytes = Buffer.from(text, 'utf8')
    if (!isAscii(bytes)) throw new UnencodableText('ASCII')
    return bytes
  },
}

const iso2022: Charset = {
  name: 'ISO IR87',
  decode: decodeIso2022,
  encode(text) {
    const bytes = Buffer.from(text, 'utf8')
    if (!isAscii(bytes)) throw new UnencodableText('ISO IR87')
    return bytes
  },
}

const tables = new Map<string, Map<string, number[]>>()

function tableCharset(name: string, label: string): Charset {
  const decoder = new TextDecoder(label)
  return {
    name,
    decode: (bytes) => decoder.decode(bytes),
    encode(text) {
      const table = tables.get(label) ?? reverse(label, label in twoByteLabels)
      tables.set(label, table)
      return Buffer.from([...text].flatMap((character) => bytesOf(character, table, name)))
    },
  }
}

const twoByteLabels: Record<string, true> = { gb18030: true, big5: true, 'euc-kr': true }

function bytesOf(character: string, table: Map<string, number[]>, name: string): number[] {
  if (character <= '\x7f') return [character.charCodeAt(0)]
  const bytes = table.get(character)
  if (!bytes) throw new UnencodableText(name)
  return bytes
}

/** TextEncoder writes UTF-8 only, so the way back is the decoder's table turned round. */
function reverse(label: string, twoBytes: boolean): Map<string, number[]> {
  const decoder = new TextDecoder(label)
  const table = new Map<string, number[]>()
  for (let lead = 0x80; lead <= 0xff; lead++) {
    for (let trail = twoBytes ? 0x40 : 0; trail <= (twoBytes ? 0xfe : 0); trail++) {
      const bytes = twoBytes ? [lead, trail] : [lead]
      const text = decoder.decode(Uint8Array.from(bytes))
      if ([...text].length === 1 && text !== '\ufffd' && !table.has(text)) table.set(text, bytes)
    }
  }
  return table
}

const latin1 = tableCharset('8859/1', 'windows-1252')
