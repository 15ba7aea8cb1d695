/** Reading the DICOM JSON of a header as the index keeps it (PS3.18 annex F). */
export interface HeaderElement {
  vr: string
  Value?: unknown[]
  BulkDataURI?: string
  InlineBinary?: string
}

/** Elements by eight hexadecimal digits. */
export type Header = Record<string, HeaderElement>

export function numbersOf(header: Header | undefined, tag: string): number[] {
  return (header?.[tag]?.Value ?? []).map((value) =>
    value === null || value === '' ? Number.NaN : Number(value),
  )
}

export function numberOf(header: Header | undefined, tag: string): number | undefined {
  const [number] = numbersOf(header, tag)
  return number !== undefined && Number.isFinite(number) ? number : undefined
}

export function textOf(header: Header | undefined, tag: string): string | undefined {
  const value = header?.[tag]?.Value?.[0]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function itemsOf(header: Header | undefined, tag: string): Header[] {
  return (header?.[tag]?.Value ?? []).filter(
    (item): item is Header => typeof item === 'object' && item !== null,
  )
}
