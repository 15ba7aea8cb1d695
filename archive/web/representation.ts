/** Which form of objects and frames a user agent gets: as stored, uncompressed, or none (PS3.18 8.7). */
import { EXPLICIT_LITTLE } from '../dimse/transfer-syntax.ts'
import { acceptable, type MediaRange, takes } from './accept.ts'
import { WebError, type WebRequest } from './exchange.ts'
import { multipartRelated } from './multipart.ts'
import { type JsonModel, nativeModel } from './native-model.ts'
import { frameMediaType, frameTransferSyntax } from './transfer-syntax.ts'

export interface Chosen {
  /** `usual`: what PS3.18 8.7.3 hands out when no transfer syntax is named. */
  form: 'stored' | 'native' | 'usual'
  /** One part alone, or multipart/related. */
  multipart: boolean
}

export interface Offered {
  transferSyntaxUid: string
  /** How many there are to be sent: several only go as parts. */
  count: number
  /** Whether it can be decoded; asked only when a user agent wants that. */
  canBeNative(): Promise<boolean>
}

const OCTETS = 'application/octet-stream'

/**
 * Frames. `transfer-syntax=*` takes what is stored, whatever type stands before it; application/octet-stream without
 * a transfer syntax means uncompressed pixels, and a compressed type means that of the stored frames.
 * @throws WebError 406
 */
export async function frameForm(request: WebRequest, offered: Offered): Promise<Chosen> {
  const mediaType = frameMediaType(offered.transferSyntaxUid)
  const syntax = frameTransferSyntax(offered.transferSyntaxUid)
  for (const range of acceptable(request)) {
    const { type, transferSyntax } = range
    const multipart = range.multipart || type === '*/*'
    if (!multipart && offered.count > 1) continue
    if (isStoredFrame(range, mediaType, syntax)) return { form: 'stored', multipart }
    const isNativeWanted =
      takes(range, OCTETS) && (transferSyntax === null || transferSyntax === EXPLICIT_LITTLE)
    if (isNativeWanted && (await offered.canBeNative())) return { form: 'native', multipart }
  }
  throw new WebError(406, `the frames are stored as ${mediaType}; transfer-syntax=${syntax}`)
}

function isStoredFrame(range: MediaRange, mediaType: string, syntax: string): boolean {
  const { type, transferSyntax } = range
  const isAnyType = type === '*/*' || type === OCTETS || takes(range, mediaType)
  if (transferSyntax === '*') return isAnyType || type === 'image/*'
  // A transfer syntax says it all; which media type belongs to it is often got wrong.
  if (transferSyntax !== null) return transferSyntax === syntax && isAnyType
  return takes(range, mediaType) && (type !== OCTETS || syntax === EXPLICIT_LITTLE)
}

/**
 * Whole objects, application/dicom. `transfer-syntax=*` takes what is stored; without a transfer syntax each object goes
 * in its usual form.
 * @throws WebError 406
 */
export async function objectForm(
  request: WebRequest,
  {
    transferSyntaxUids,
    count,
    canBeNative,
  }: Omit<Offered, 'transferSyntaxUid'> & {
    transferSyntaxUids: readonly string[]
  },
): Promise<Chosen> {
  for (const range of acceptable(request)) {
    if (!takes(range, 'application/dicom')) continue
    const multipart = range.multipart || range.type !== 'application/dicom'
    if (!multipart && count > 1) continue
    const { transferSyntax } = range
    if (transferSyntax === null) return { form: 'usual', multipart }
    const isStored = transferSyntax === '*' || transferSyntaxUids.every((uid) => uid === transferSyntax)
    if (isStored) return { form: 'stored', multipart }
    if (transferSyntax === EXPLICIT_LITTLE && (await canBeNative())) return { form: 'native', multipart }
  }
  throw new WebError(
    406,
    count > 1
      ? 'several objects are to be had as multipart/related; type="application/dicom"'
      : 'the object is to be had as application/dicom, in its own transfer syntax or in Explicit VR Little Endian',
  )
}

export const JSON_MODEL = 'application/dicom+json'
export const XML_MODEL = 'application/dicom+xml'

export type Model = typeof JSON_MODEL | typeof XML_MODEL

/**
 * Data sets without pixels: one array in JSON, or XML (PS3.19), which goes as a part for each of several.
 * @throws WebError 406
 */
export function modelForm(request: WebRequest, { isAlone }: { isAlone: boolean }): Model {
  for (const range of acceptable(request)) {
    if (takes(range, JSON_MODEL) || range.type === 'application/json') return JSON_MODEL
    if (range.type === XML_MODEL && (isAlone || range.multipart)) return XML_MODEL
  }
  const xml = isAlone ? XML_MODEL : `multipart/related; type="${XML_MODEL}"`
  throw new WebError(406, `this is to be had as ${JSON_MODEL} or ${xml}`)
}

/** A body with each data set as a part in XML. */
export function inXml(datasets: readonly JsonModel[], { seed }: { seed?: string } = {}) {
  const parts = datasets.map((dataset) => ({
    contentType: XML_MODEL,
    body: [Buffer.from(nativeModel(dataset))],
  }))
  return multipartRelated(XML_MODEL, parts, seed === undefined ? {} : { seed })
}
