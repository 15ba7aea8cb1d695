/** First values of a header in DICOM JSON, as the index keeps them. */
import type { DicomJson } from './studies.ts'

export function text(header: DicomJson, tag: string): string {
  const value = header[tag]?.Value?.[0]
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? personName(value) : String(value)
}

/** As YYYYMMDD, also where an object writes it as ACR-NEMA did, with stops (PS3.5 table 6.2-1): ranges are of text. */
export const date = (header: DicomJson, tag: string): string =>
  text(header, tag).replace(/^(\d{4})\.(\d{2})\.(\d{2})$/, '$1$2$3')

/** As HHMMSS, also where an object writes it as ACR-NEMA did, with colons. */
export const time = (header: DicomJson, tag: string): string => text(header, tag).replaceAll(':', '')

/** A Person Name value with all its component groups (PS3.5 section 6.2.1.2): who cannot type one types another. */
function personName(groups: { Alphabetic?: string; Ideographic?: string; Phonetic?: string }): string {
  return [groups.Alphabetic, groups.Ideographic, groups.Phonetic].join('=').replace(/=+$/, '')
}

/** Null for what is no integer of the database. */
export function integer(header: DicomJson, tag: string): number | null {
  const value = Number(header[tag]?.Value?.[0])
  return Number.isSafeInteger(value) && Math.abs(value) < 2 ** 31 ? value : null
}
