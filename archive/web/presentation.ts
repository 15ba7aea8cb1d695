/** How the pixels of one frame are to be shown: Modality LUT, VOI LUT or window, palette (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5). */
import { type Header, itemsOf, numberOf, numbersOf, textOf } from './header.ts'
import type { PixelShape } from './pixel-shape.ts'

export interface LookUpTable {
  /** The first value mapped; values below take the first entry, values beyond the last one. */
  first: number
  /** Bits of an entry. */
  bits: number
  entries: Uint16Array
}

export type Window = {
  centre: number
  width: number
  shape: 'linear' | 'linear_exact' | 'sigmoid'
}

export interface Presentation {
  slope: number
  intercept: number
  modalityLut: LookUpTable | null
  /** Null: from the least to the greatest value of the frame. */
  voi: Window | LookUpTable | null
  palette: readonly LookUpTable[] | null
  inverse: boolean
}

/** Reads a value that stands in the file because it is too long for the header; its path is that of its BulkDataURI. */
export type ReadBulk = (uri: string) => Promise<Buffer>

export interface Presenting {
  header: Header
  shape: PixelShape
  /** Counted from one. */
  frame: number
  readBulk: ReadBulk
  /** The window asked for, in place of the image's own. */
  window: Window | null
}

export async function presentationOf(asked: Presenting): Promise<Presentation> {
  const { header, shape, window } = asked
  const transformation = macroOf(asked, '00289145') ?? header
  const isForMeasuring = MEASURED_BY_TABLE.includes(textOf(header, '00080016') ?? '')
  const [modality] = isForMeasuring ? [] : itemsOf(header, '00283000')
  return {
    slope: numberOf(transformation, '00281053') ?? 1,
    intercept: numberOf(transformation, '00281052') ?? 0,
    modalityLut: modality ? await lutOf(asked, modality) : null,
    voi: window ?? (await voiOf(asked)),
    palette: shape.photometric === 'PALETTE COLOR' ? await paletteOf(asked) : null,
    // X-Ray images say both and mean one turn (C.8.11.3.1.2).
    inverse: shape.photometric === 'MONOCHROME1' || textOf(header, '20500020') === 'INVERSE',
  }
}

/** Of X-Ray angiography and radiofluoroscopy: their Modality LUT is for measuring, not for looking (C.8.7.1.1.2). */
const MEASURED_BY_TABLE = ['1.2.840.10008.5.1.4.1.1.12.1', '1.2.840.10008.5.1.4.1.1.12.2']

/** An item of the functional groups: of the frame itself, else shared (PS3.3 C.7.6.16.1). */
function macroOf({ header, frame }: Presenting, tag: string): Header | undefined {
  const own = itemsOf(header, '52009230')[frame - 1]
  const [shared] = itemsOf(header, '52009229')
  return itemsOf(own, tag)[0] ?? itemsOf(shared, tag)[0]
}

async function voiOf(asked: Presenting): Promise<Window | LookUpTable | null> {
  const from = macroOf(asked, '00289132') ?? asked.header
  const centre = numberOf(from, '00281050')
  const width = numberOf(from, '00281051')
  // A width below one is not allowed, and a window of nothing shows nothing (C.11.2.1.2.1).
  if (centre !== undefined && width !== undefined && width >= 1)
    return { centre, width, shape: windowShape(textOf(from, '00281056')) }
  const [lut] = itemsOf(asked.header, '00283010')
  return lut ? lutOf(asked, lut) : null
}

export function windowShape(text: string | undefined): Window['shape'] {
  const shape = (text ?? '').toLowerCase().replace('-', '_')
  return shape === 'sigmoid' || shape === 'linear_exact' ? shape : 'linear'
}

async function lutOf(asked: Presenting, item: Header): Promise<LookUpTable | null> {
  const descriptor = descriptorOf(item, '00283002', asked.shape)
  const entries = await entriesOf(asked, item, '00283006')
  return entries === null ? null : tableFrom(descriptor, entries)
}

const PALETTE_DESCRIPTORS = ['00281101', '00281102', '00281103'] as const
const PALETTE_DATA = ['00281201', '00281202', '00281203'] as const
const SEGMENTED_DATA = ['00281221', '00281222', '00281223'] as const

async function paletteOf(asked: Presenting): Promise<LookUpTable[] | null> {
  const tables: LookUpTable[] = []
  for (const [n, tag] of PALETTE_DESCRIPTORS.entries()) {
    const descriptor = descriptorOf(asked.header, tag, asked.shape)
    const entries = await entriesOf(asked, asked.header, PALETTE_DATA[n]!)
    const segments = entries === null ? await entriesOf(asked, asked.header, SEGMENTED_DATA[n]!) : null
    const data = entries ?? (segments && unfolded(words(segments), descriptor.count))
    if (data === null) return null
    tables.push(tableFrom(descriptor, data))
  }
  return tables
}

interface Descriptor {
  count: number
  first: number
  bits: number
}

/** Number of entries (0 means 65,536), first value mapped, bits of an entry. */
function descriptorOf(item: Header, tag: string, { signed }: PixelShape): Descriptor {
  const [count = 0, first = 0, bits = 16] = numbersOf(item, tag)
  // Whether it is US or SS follows the pixels; the header may have been read as the other.
  return {
    count: count === 0 ? 65_536 : count & 0xffff,
    first: signed && first > 0x7fff ? first - 0x10000 : first,
    bits: bits || 16,
  }
}

/** Bytes as they stand, or values that were read as numbers. */
type Entries = Buffer | number[]

async function entriesOf(asked: Presenting, item: Header, tag: string): Promise<Entries | null> {
  const element = item[tag]
  if (!element) return null
  if (element.InlineBinary !== undefined) return Buffer.from(element.InlineBinary, 'base64')
  if (element.BulkDataURI !== undefined) return asked.readBulk(element.BulkDataURI)
  return element.Value ? numbersOf(item, tag) : null
}

/** Entries of eight bits may stand one or two to a word (PS3.3 C.7.6.3.1.6). */
function tableFrom({ count, first, bits }: Descriptor, entries: Entries): LookUpTable {
  const isPacked = Buffer.isBuffer(entries) && entries.length < count * 2
  const values = isPacked ? Uint16Array.from(entries as Buffer) : words(entries)
  // Some writers say 16 bits and give entries of eight, in a word each.
  const isNarrow = bits > 8 && values.every((value) => value < 256)
  return { first, bits: isPacked || isNarrow ? 8 : bits, entries: values.subarray(0, count) }
}

function words(entries: Entries): Uint16Array {
  if (!Buffer.isBuffer(entries)) return Uint16Array.from(entries, (value) => value & 0xffff)
  return Uint16Array.from({ length: entries.length >> 1 }, (_, n) => entries.readUInt16LE(n * 2))
}

const DISCRETE = 0
const LINEAR = 1
const INDIRECT = 2

/** A segmented palette written out (PS3.3 C.7.9.2). */
function unfolded(segments: Uint16Array, count: number): number[] {
  const values: number[] = []
  let at = 0
  const one = (from: number): number => {
    const [opcode = 0, length = 0] = [segments[from], segments[from + 1]]
    if (opcode === DISCRETE) {
      values.push(...segments.subarray(from + 2, from + 2 + length))
      return from + 2 + length
    }
    if (opcode === LINEAR) {
      const [start, end] = [values.at(-1) ?? 0, segments[from + 2] ?? 0]
      for (let n = 1; n <= length; n++) values.push(Math.round(start + ((end - start) * n) / length))
      return from + 3
    }
    if (opcode !== INDIRECT) return segments.length
    let back = (segments[from + 2] ?? 0) + ((segments[from + 3] ?? 0) << 16)
    // An indirect segment repeats earlier ones, which may not be indirect themselves.
    for (let n = 0; n < length && segments[back] !== INDIRECT && values.length < count; n++) back = one(back)
    return from + 4
  }
  while (at < segments.length && values.length < count) at = one(at)
  return values.slice(0, count)
}
