/** Web fonts as the font files they were made of (WOFF 1.0, WOFF 2.0 by W3C): a PDF embeds only those. */
import { brotliDecompressSync, inflateSync } from 'node:zlib'
import { glyfTables } from './woff2-glyphs.ts'

/** Tables by tag, as in an OpenType file. */
export type Tables = Map<string, Buffer>

/** @throws Error for bytes that are neither WOFF nor WOFF2 */
export function tablesOf(bytes: Buffer): Tables {
  const signature = bytes.toString('latin1', 0, 4)
  if (signature === 'wOFF') return woffTables(bytes)
  if (signature === 'wOF2') return woff2Tables(bytes)
  throw new Error(`found ${JSON.stringify(signature)}, wanted a web font`)
}

function woffTables(bytes: Buffer): Tables {
  const tables: Tables = new Map()
  const count = bytes.readUInt16BE(12)
  for (let at = 44; at < 44 + count * 20; at += 20) {
    const [offset, packed, length] = [4, 8, 12].map((field) => bytes.readUInt32BE(at + field)) as [
      number,
      number,
      number,
    ]
    const stored = bytes.subarray(offset, offset + packed)
    tables.set(bytes.toString('latin1', at, at + 4), packed < length ? inflateSync(stored) : stored)
  }
  return tables
}

const HEADER_BYTES = 48

function woff2Tables(bytes: Buffer): Tables {
  const count = bytes.readUInt16BE(12)
  const compressedBytes = bytes.readUInt32BE(20)
  let at = HEADER_BYTES
  const base128 = (): number => {
    let value = 0
    for (;;) {
      const byte = bytes[at++]!
      value = value * 128 + (byte & 0x7f)
      if ((byte & 0x80) === 0) return value
    }
  }
  const directory: { tag: string; isTransformed: boolean; length: number }[] = []
  for (let index = 0; index < count; index += 1) {
    const flags = bytes[at++]!
    const known = KNOWN_TAGS[flags & 0x3f]
    const tag = known ?? bytes.toString('latin1', at, at + 4)
    if (!known) at += 4
    const version = flags >> 6
    // The tables of outlines are transformed unless they say 3; all others unless they say 0.
    const isTransformed = tag === 'glyf' || tag === 'loca' ? version !== 3 : version !== 0
    const original = base128()
    directory.push({ tag, isTransformed, length: isTransformed ? base128() : original })
  }
  const data = brotliDecompressSync(bytes.subarray(at, at + compressedBytes))
  const tables: Tables = new Map()
  const transformed = new Set<string>()
  let from = 0
  for (const { tag, isTransformed, length } of directory) {
    tables.set(tag, data.subarray(from, from + length))
    if (isTransformed) transformed.add(tag)
    from += length
  }
  return rebuilt(tables, transformed)
}

function rebuilt(tables: Tables, transformed: Set<string>): Tables {
  if (transformed.has('glyf')) {
    const { glyf, loca, leftBearings } = glyfTables(tables.get('glyf')!)
    tables.set('glyf', glyf)
    tables.set('loca', loca)
    const head = Buffer.from(tables.get('head')!)
    head.writeInt16BE(1, 50) // indexToLocFormat: long offsets
    tables.set('head', head)
    if (transformed.has('hmtx')) tables.set('hmtx', hmtx(tables, leftBearings))
  }
  return tables
}

/** Left side bearings that were left out are the glyphs' own left edges (WOFF 2.0 section 5.4). */
function hmtx(tables: Tables, leftBearings: readonly number[]): Buffer {
  const packed = tables.get('hmtx')!
  const widths = tables.get('hhea')!.readUInt16BE(34)
  const flags = packed[0]!
  let at = 1
  const next = () => {
    at += 2
    return packed.readInt16BE(at - 2)
  }
  const advances = Array.from({ length: widths }, next)
  const proportional = Array.from({ length: widths }, (_, glyph) =>
    flags & 1 ? leftBearings[glyph]! : next(),
  )
  const monospaced = leftBearings.slice(widths).map((bearing) => (flags & 2 ? bearing : next()))
  const out = Buffer.alloc(widths * 4 + monospaced.length * 2)
  advances.forEach((advance, glyph) => {
    out.writeInt16BE(advance, glyph * 4)
    out.writeInt16BE(proportional[glyph]!, glyph * 4 + 2)
  })
  for (const [index, bearing] of monospaced.entries()) out.writeInt16BE(bearing, widths * 4 + index * 2)
  return out
}

/** One face of it: what varies is left out, so that the outlines stand at their default weight. */
export function fontFile(tables: Tables): Buffer {
  const kept = [...tables].filter(([tag]) => !VARIATION.has(tag)).sort(([a], [b]) => (a < b ? -1 : 1))
  const head = Buffer.alloc(12 + kept.length * 16)
  const isCff = tables.has('CFF ')
  head.writeUInt32BE(isCff ? 0x4f54544f : 0x00010000, 0)
  head.writeUInt16BE(kept.length, 4)
  const parts: Buffer[] = [head]
  let offset = head.length
  kept.forEach(([tag, table], index) => {
    const at = 12 + index * 16
    head.write(tag, at, 'latin1')
    head.writeUInt32BE(offset, at + 8)
    head.writeUInt32BE(table.length, at + 12)
    const padding = (4 - (table.length % 4)) % 4
    parts.push(table, Buffer.alloc(padding))
    offset += table.length + padding
  })
  return Buffer.concat(parts)
}

const VARIATION = new Set(['fvar', 'gvar', 'avar', 'HVAR', 'MVAR', 'VVAR', 'cvar', 'STAT'])

/** Which characters have a glyph: the cmap of all Unicode, or of its first plane (OpenType cmap, formats 12 and 4). */
export function charactersOf(tables: Tables): (codePoint: number) => boolean {
  const cmap = tables.get('cmap')!
  const subtables = Array.from({ length: cmap.readUInt16BE(2) }, (_, index) =>
    cmap.subarray(cmap.readUInt32BE(4 + index * 8 + 4)),
  )
  const whole = subtables.find((table) => table.readUInt16BE(0) === 12)
  if (whole) return inGroups(whole)
  const plane = subtables.find((table) => table.readUInt16BE(0) === 4)
  return plane ? inSegments(plane) : () => false
}

function inGroups(table: Buffer): (codePoint: number) => boolean {
  const groups = Array.from({ length: table.readUInt32BE(12) }, (_, index) => {
    const at = 16 + index * 12
    return [table.readUInt32BE(at), table.readUInt32BE(at + 4)] as const
  })
  return (codePoint) => groups.some(([from, to]) => codePoint >= from && codePoint <= to)
}

function inSegments(table: Buffer): (codePoint: number) => boolean {
  const bytes = table.readUInt16BE(6)
  const segments = Array.from({ length: bytes / 2 }, (_, index) => {
    const end = 14 + index * 2
    const start = end + bytes + 2
    return { to: table.readUInt16BE(end), from: table.readUInt16BE(start) }
  })
  return (codePoint) =>
    codePoint !== 0xffff && segments.some(({ from, to }) => codePoint >= from && codePoint <= to)
}

/** WOFF 2.0 section 4.1, by their flag. */
const KNOWN_TAGS = (
  'cmap head hhea hmtx maxp name OS/2 post cvt  fpgm glyf loca prep CFF  VORG EBDT EBLC gasp hdmx kern LTSH PCLT VDMX ' +
  'vhea vmtx BASE GDEF GPOS GSUB EBSC JSTF MATH CBDT CBLC COLR CPAL SVG  sbix acnt avar bdat bloc bsln cvar fdsc feat ' +
  'fmtx fvar gvar hsty just lcar mort morx opbd prop trak Zapf Silf Glat Gloc Feat Sill'
).match(/.{4}(?= |$)/g)!
