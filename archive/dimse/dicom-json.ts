/** The DICOM JSON model (PS3.18 annex F), both ways. */
import { Dataset, type Element, isNumeric, numbersOf, textsOf } from './dataset.ts'
import { DicomError } from './dicom-error.ts'
import { hexOf, type Tag } from './dictionary.ts'
import { formatPersonName, parsePersonName } from './person-name.ts'
import { isVr, type Vr } from './value-representation.ts'

export type JsonPersonName = { Alphabetic?: string; Ideographic?: string; Phonetic?: string }
export type JsonValue = string | number | null | JsonPersonName | DicomJson
export type JsonElement = { vr: string; Value?: JsonValue[]; BulkDataURI?: string; InlineBinary?: string }
/** Elements by eight hexadecimal digits. */
export type DicomJson = { [tag: string]: JsonElement }

export type ToJsonOptions = {
  /**
   * The URI of a value left in its file, or too long to stand inline; undefined leaves its value out.
   * The path is as in WADO-RS bulk data: tags, with item numbers from 1 between those of sequences.
   */
  readonly bulkDataUri?: (path: string, element: Element) => string | undefined
  /** Binary values up to this many bytes stand inline. */
  readonly inlineBytes?: number
}

const INLINE_BYTES = 1024

export function toDicomJson(dataset: Dataset, options: ToJsonOptions = {}): DicomJson {
  return jsonOf(dataset, options, '')
}

function jsonOf(dataset: Dataset, options: ToJsonOptions, path: string): DicomJson {
  const json: DicomJson = {}
  for (const element of dataset.inOrder()) {
    // A sequence that was left unread has no form here: bulk data are values (PS3.18 section F.2.2).
    if (element.kind === 'located' && element.vr === 'SQ') continue
    const tag = hexOf(element.tag)
    json[tag] = elementJson(element, dataset, options, path + tag)
  }
  // Every string here is Unicode, so whatever set it came in, the JSON's is UTF-8 (PS3.18 section F.2).
  if (json['00080005']) json['00080005'] = { vr: 'CS', Value: ['ISO_IR 192'] }
  return json
}

/** One element of a data set; the path is its own. */
export function elementJson(
  element: Element,
  dataset: Dataset,
  options: ToJsonOptions,
  path: string,
): JsonElement {
  const { vr } = element
  if (element.kind === 'sequence') {
    const items = element.items.map((item, index) => jsonOf(item, options, `${path}/${index + 1}/`))
    return withValue('SQ', items)
  }
  if (element.kind !== 'value') return bulk(element, options, path)
  if (isBinary(vr)) return binary(element, options, path)
  if (isNumeric(vr) && vr !== 'AT') return withValue(vr, numbers(element, dataset))
  const texts = textsOf(element, dataset.characterSets)
  if (vr === 'AT')
    return withValue(
      vr,
      numbersOf(element, []).map((tag) => hexOf(tag)),
    )
  if (vr === 'PN')
    return withValue(
      vr,
      texts.map((text) => (text === '' ? null : personNameJson(text))),
    )
  if (vr === 'DS' || vr === 'IS') return withValue(vr, texts.map(decimal))
  return withValue(
    vr,
    texts.map((text) => (text === '' ? null : text)),
  )
}

type ValueElement = Extract<Element, { kind: 'value' }>

function withValue(vr: string, values: JsonValue[]): JsonElement {
  return values.some((value) => value !== null) ? { vr, Value: values } : { vr }
}

// 64-bit integers beyond the safe ones are strings in JSON; so are NaN and infinities, which JSON lacks.
function numbers(element: ValueElement, dataset: Dataset): JsonValue[] {
  if (element.vr === 'SV' || element.vr === 'UV') return bigIntegers(element)
  return numbersOf(element, dataset.characterSets).map((value) =>
    Number.isFinite(value) ? value : String(value),
  )
}

function bigIntegers({ value, vr }: ValueElement): JsonValue[] {
  return Array.from({ length: Math.floor(value.length / 8) }, (_, index) => {
    const whole = vr === 'UV' ? value.readBigUInt64LE(index * 8) : value.readBigInt64LE(index * 8)
    return BigInt(Number(whole)) === whole && Number.isSafeInteger(Number(whole))
      ? Number(whole)
      : String(whole)
  })
}

// A DS or IS that is no number stays the string it is: a reader of the metadata may know what was meant.
function decimal(text: string): JsonValue {
  if (text === '') return null
  const number = Number(text)
  return Number.isFinite(number) ? number : text
}

function personNameJson(text: string): JsonPersonName {
  const { alphabetic, ideographic, phonetic } = parsePersonName(text)
  return {
    ...(alphabetic ? { Alphabetic: alphabetic } : {}),
    ...(ideographic ? { Ideographic: ideographic } : {}),
    ...(phonetic ? { Phonetic: phonetic } : {}),
  }
}

const isBinary = (vr: Vr): boolean => ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'].includes(vr)

function binary(element: ValueElement, options: ToJsonOptions, path: string): JsonElement {
  const { vr, value } = element
  if (value.length === 0) return { vr }
  if (value.length > (options.inlineBytes ?? INLINE_BYTES)) return bulk(element, options, path)
  return { vr, InlineBinary: value.toString('base64') }
}

function bulk(element: Element, options: ToJsonOptions, path: string): JsonElement {
  const uri = options.bulkDataUri?.(path, element)
  return uri === undefined ? { vr: element.vr } : { vr: element.vr, BulkDataURI: uri }
}

/**
 * A data set in UTF-8 from the JSON model.
 * @throws DicomError 'dataset-malformed' for what the model does not have, and for bulk data by reference
 */
export function fromDicomJson(json: DicomJson): Dataset {
  const dataset = Dataset.of({ SpecificCharacterSet: 'ISO_IR 192' })
  for (const [name, element] of Object.entries(json)) {
    const tag = tagFrom(name)
    if (tag !== 0x00080005) putJson(dataset, tag, element)
  }
  return dataset
}

function tagFrom(name: string): Tag {
  if (!/^[0-9A-Fa-f]{8}$/.test(name)) throw new DicomError('dataset-malformed', { wanted: 'a tag' })
  return Number.parseInt(name, 16)
}

function putJson(dataset: Dataset, tag: Tag, { vr, Value, InlineBinary, BulkDataURI }: JsonElement) {
  if (!isVr(vr) || BulkDataURI !== undefined) throw new DicomError('dataset-malformed', { tag: hexOf(tag) })
  if (InlineBinary !== undefined) {
    dataset.set(tag, Buffer.from(InlineBinary, 'base64'), vr)
    return
  }
  const values = (Value ?? []).map((value) => fromJsonValue(value, vr))
  dataset.set(tag, values, vr)
}

function fromJsonValue(value: JsonValue, vr: Vr): string | number | Dataset {
  if (value === null) return vr === 'SQ' ? new Dataset() : ''
  if (typeof value !== 'object') return vr === 'AT' ? Number.parseInt(String(value), 16) : value
  if (vr === 'SQ') return fromDicomJson(value as DicomJson)
  const { Alphabetic, Ideographic, Phonetic } = value as JsonPersonName
  return formatPersonName({ alphabetic: Alphabetic, ideographic: Ideographic, phonetic: Phonetic })
}
