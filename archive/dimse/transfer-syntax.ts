/** Transfer syntaxes by UID (PS3.6 annex A) and what reading them takes (PS3.5 annex A). */

export const IMPLICIT_LITTLE = '1.2.840.10008.1.2'
export const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1'
export const DEFLATED_LITTLE = '1.2.840.10008.1.2.1.99'
export const EXPLICIT_BIG = '1.2.840.10008.1.2.2'
export const JPEG_LOSSLESS = '1.2.840.10008.1.2.4.70'
export const JPEG_LS_LOSSLESS = '1.2.840.10008.1.2.4.80'
export const JPEG_2000_LOSSLESS = '1.2.840.10008.1.2.4.90'
export const RLE_LOSSLESS = '1.2.840.10008.1.2.5'

export type Encoding = { readonly explicit: boolean; readonly little: boolean; readonly deflated: boolean }

const ENCODINGS: Record<string, Encoding> = {
  [IMPLICIT_LITTLE]: { explicit: false, little: true, deflated: false },
  [EXPLICIT_BIG]: { explicit: true, little: false, deflated: false },
  [DEFLATED_LITTLE]: { explicit: true, little: true, deflated: true },
  // JPIP Referenced Deflate
  '1.2.840.10008.1.2.4.95': { explicit: true, little: true, deflated: true },
  '1.2.840.10008.1.2.4.205': { explicit: true, little: true, deflated: true },
  // Papyrus 3 and GE private, the two implicit ones in circulation
  '1.2.840.10008.1.20': { explicit: false, little: true, deflated: false },
  '1.2.840.113619.5.2': { explicit: false, little: true, deflated: false },
}

/** Every transfer syntax not in the table, the encapsulated and the unknown, is Explicit VR Little Endian. */
export function encodingOf(transferSyntaxUid: string): Encoding {
  return ENCODINGS[transferSyntaxUid] ?? { explicit: true, little: true, deflated: false }
}
