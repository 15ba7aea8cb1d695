/** Transfer syntaxes as web media types (PS3.18 tables 8.7.3-3 to -5). */
import { DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'

/** Uncompressed pixels; deflated ones too, once the data set is inflated. */
export const NATIVE_SYNTAXES: readonly string[] = [
  IMPLICIT_LITTLE,
  EXPLICIT_LITTLE,
  EXPLICIT_BIG,
  DEFLATED_LITTLE,
]

export const isNative = (transferSyntaxUid: string): boolean => NATIVE_SYNTAXES.includes(transferSyntaxUid)

/** Syntaxes that keep every value of every pixel; the others may have lost some, or have. */
const LOSSLESS: ReadonlySet<string> = new Set([
  ...NATIVE_SYNTAXES,
  '1.2.840.10008.1.2.1.98',
  '1.2.840.10008.1.2.4.57',
  '1.2.840.10008.1.2.4.70',
  '1.2.840.10008.1.2.4.80',
  '1.2.840.10008.1.2.4.90',
  '1.2.840.10008.1.2.4.92',
  '1.2.840.10008.1.2.4.110',
  '1.2.840.10008.1.2.4.201',
  '1.2.840.10008.1.2.4.202',
  '1.2.840.10008.1.2.5',
  '1.2.840.10008.1.2.8.1',
])

export const isLossless = (transferSyntaxUid: string): boolean => LOSSLESS.has(transferSyntaxUid)

const MEDIA_TYPES: Record<string, string> = {
  '1.2.840.10008.1.2.4.50': 'image/jpeg',
  '1.2.840.10008.1.2.4.51': 'image/jpeg',
  '1.2.840.10008.1.2.4.53': 'image/jpeg',
  '1.2.840.10008.1.2.4.55': 'image/jpeg',
  '1.2.840.10008.1.2.4.57': 'image/jpeg',
  '1.2.840.10008.1.2.4.70': 'image/jpeg',
  '1.2.840.10008.1.2.4.80': 'image/jls',
  '1.2.840.10008.1.2.4.81': 'image/jls',
  '1.2.840.10008.1.2.4.90': 'image/jp2',
  '1.2.840.10008.1.2.4.91': 'image/jp2',
  '1.2.840.10008.1.2.4.92': 'image/jpx',
  '1.2.840.10008.1.2.4.93': 'image/jpx',
  '1.2.840.10008.1.2.4.100': 'video/mpeg',
  '1.2.840.10008.1.2.4.101': 'video/mpeg',
  '1.2.840.10008.1.2.4.102': 'video/mp4',
  '1.2.840.10008.1.2.4.103': 'video/mp4',
  '1.2.840.10008.1.2.4.104': 'video/mp4',
  '1.2.840.10008.1.2.4.105': 'video/mp4',
  '1.2.840.10008.1.2.4.106': 'video/mp4',
  '1.2.840.10008.1.2.4.107': 'video/mp4',
  '1.2.840.10008.1.2.4.108': 'video/mp4',
  '1.2.840.10008.1.2.4.110': 'image/jxl',
  '1.2.840.10008.1.2.4.111': 'image/jxl',
  '1.2.840.10008.1.2.4.112': 'image/jxl',
  '1.2.840.10008.1.2.4.201': 'image/jphc',
  '1.2.840.10008.1.2.4.202': 'image/jphc',
  '1.2.840.10008.1.2.4.203': 'image/jphc',
  '1.2.840.10008.1.2.5': 'image/dicom-rle',
}

/** The media type of a compressed frame; application/octet-stream for native and unknown ones. */
export function frameMediaType(transferSyntaxUid: string): string {
  return MEDIA_TYPES[transferSyntaxUid] ?? 'application/octet-stream'
}

/** The media type of a stored video, whose pixel data are one stream; null for everything else. */
export function videoType(transferSyntaxUid: string): string | null {
  const type = frameMediaType(transferSyntaxUid)
  return type.startsWith('video/') ? type : null
}

/** As frames are handed out: native ones always in little endian, whatever they were stored in. */
export function frameTransferSyntax(transferSyntaxUid: string): string {
  return isNative(transferSyntaxUid) ? EXPLICIT_LITTLE : transferSyntaxUid
}
