/** Data elements by tag and by keyword (PS3.6 section 6), with the repeating groups 50xx and 60xx. */
import { DicomError } from './dicom-error.ts'
import { DICTIONARY } from './dictionary-data.ts'
import type { Vr } from './value-representation.ts'

/** A data element tag: group in the upper sixteen bits, element in the lower. */
export type Tag = number

const byTag = new Map<Tag, { vr: Vr; keyword: string }>()
const byKeyword = new Map<string, Tag>()

for (const line of DICTIONARY.trim().split('\n')) {
  const tag = Number.parseInt(line.slice(0, 8), 16)
  const keyword = line.slice(10)
  byTag.set(tag, { vr: line.slice(8, 10) as Vr, keyword })
  if (!byKeyword.has(keyword)) byKeyword.set(keyword, tag)
}

/** The tag of a keyword or of eight hexadecimal digits. @throws DicomError 'unknown-keyword' */
export function tagOf(name: string | Tag): Tag {
  if (typeof name === 'number') return name
  const tag = byKeyword.get(name) ?? (/^[0-9A-Fa-f]{8}$/.test(name) ? Number.parseInt(name, 16) : undefined)
  if (tag === undefined) throw new DicomError('unknown-keyword', { keyword: name })
  return tag
}

export const isKeyword = (name: string): boolean => byKeyword.has(name)

export function keywordOf(tag: Tag): string | undefined {
  return byTag.get(tag)?.keyword ?? repeating(tag)?.keyword
}

/** The VR that Implicit VR means by a tag: from the dictionary, or by rule for private and length elements. */
export function vrOf(tag: Tag): Vr {
  const known = byTag.get(tag) ?? repeating(tag)
  if (known) return known.vr
  if ((tag & 0xffff) === 0) return 'UL'
  return isPrivateCreator(tag) ? 'LO' : 'UN'
}

// PS3.5 section 7.6: 5000-501E curves and 6000-601E overlays share the definitions of their first group.
function repeating(tag: Tag) {
  const family = (tag >>> 16) & 0xff00
  const first = ((family << 16) | (tag & 0xffff)) >>> 0
  return (family === 0x5000 || family === 0x6000) && (tag & 0x10000) === 0 ? byTag.get(first) : undefined
}

export const isPrivate = (tag: Tag): boolean => ((tag >>> 16) & 1) === 1

/** PS3.5 section 7.8.1: (gggg,0010-00FF) of an odd group reserves a block. */
export function isPrivateCreator(tag: Tag): boolean {
  return isPrivate(tag) && (tag & 0xffff) >= 0x10 && (tag & 0xffff) <= 0xff
}

/** Eight upper-case hexadecimal digits, as in the DICOM JSON model. */
export function hexOf(tag: Tag): string {
  const known = hexadecimal.get(tag)
  if (known) return known
  const made = tag.toString(16).toUpperCase().padStart(8, '0')
  // Which tags there are is the sender's to say: those of usual objects are remembered, and no more.
  if (hexadecimal.size < 10_000) hexadecimal.set(tag, made)
  return made
}

const hexadecimal = new Map<Tag, string>()
