/** Headers in the DICOM JSON model as the index keeps them; what repeats from image to image of a series is written once. */
import type { Dataset, Element } from './dataset.ts'
import { type DicomJson, elementJson, type JsonElement, type ToJsonOptions } from './dicom-json.ts'
import { hexOf, type Tag } from './dictionary.ts'
import { isCharacterSetText } from './value-representation.ts'

export type HeaderJson = {
  readonly json: DicomJson
  /** The same as text. */
  readonly text: string
}

type Written = { readonly json: JsonElement; readonly text: string }

/** Longer values hardly repeat. */
const REMEMBERED_BYTES = 64
/** Then it begins anew: of each image some values, its UID for one, are its own. */
const MOST_REMEMBERED = 4096

const SPECIFIC_CHARACTER_SET = 0x00080005
// Every string here is Unicode, so whatever set it came in, the JSON's is UTF-8 (PS3.18 section F.2).
const UTF8: JsonElement = { vr: 'CS', Value: ['ISO_IR 192'] }

let remembered = new Map<string, Written>()

/** `toDicomJson` without these tags and without what Postgres keeps in no JSON. Nothing of it may be altered. */
export function headerJson(
  dataset: Dataset,
  { without, ...options }: ToJsonOptions & { without: ReadonlySet<Tag> },
): HeaderJson {
  const json: DicomJson = {}
  const texts: string[] = []
  const repertoire = dataset.characterSets.join('\\')
  for (const element of dataset.inOrder()) {
    const { tag } = element
    // A sequence that was left unread has no form here: bulk data are values (PS3.18 section F.2.2).
    if (without.has(tag) || (element.kind === 'located' && element.vr === 'SQ')) continue
    const written =
      known(element, repertoire) ?? remember(element, repertoire, write(element, dataset, options))
    json[hexOf(tag)] = written.json
    texts.push(written.text)
  }
  return { json, text: `{${texts.join(',')}}` }
}

function known(element: Element, repertoire: string): Written | undefined {
  return isRemembered(element) ? remembered.get(keyOf(element, repertoire)) : undefined
}

function remember(element: Element, repertoire: string, written: Written): Written {
  if (!isRemembered(element)) return written
  if (remembered.size >= MOST_REMEMBERED) remembered = new Map()
  remembered.set(keyOf(element, repertoire), written)
  return written
}

type ValueElement = Extract<Element, { kind: 'value' }>

const isRemembered = (element: Element): element is ValueElement =>
  element.kind === 'value' && element.value.length <= REMEMBERED_BYTES

/** All that its JSON is made from. */
function keyOf({ tag, vr, value }: ValueElement, repertoire: string): string {
  const bytes = value.toString('latin1')
  return isCharacterSetText(vr) || vr === 'UN' ? `${tag}${vr}${repertoire}\0${bytes}` : `${tag}${vr}${bytes}`
}

function write(element: Element, dataset: Dataset, options: ToJsonOptions): Written {
  const tag = hexOf(element.tag)
  const json = element.tag === SPECIFIC_CHARACTER_SET ? UTF8 : elementJson(element, dataset, options, tag)
  const text = JSON.stringify(json)
  if (!UNSTORABLE.test(text)) return { json, text: `"${tag}":${text}` }
  const mended = JSON.parse(text, mend) as JsonElement
  return { json: mended, text: `"${tag}":${JSON.stringify(mended)}` }
}

// Postgres keeps neither U+0000 nor half a surrogate pair in its JSON; sloppy senders do, in private elements.
const UNSTORABLE = /\\u0000|\\ud[89a-f]/

const mend = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value
