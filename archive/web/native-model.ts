/** Data sets as XML: the Native DICOM Model (PS3.19 A.1), made of the JSON model that they are kept in. */
import { keywordOf } from '../dimse/dictionary.ts'

interface Attribute {
  vr: string
  Value?: readonly unknown[]
  BulkDataURI?: string
  InlineBinary?: string
}

export type JsonModel = Readonly<Record<string, Attribute>>

const NAMESPACE = 'http://dicom.nema.org/PS3.19/models/NativeDICOM'

export function nativeModel(dataset: JsonModel): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<NativeDicomModel xmlns="${NAMESPACE}" xml:space="preserve">${attributes(dataset)}</NativeDicomModel>
`
}

function attributes(dataset: JsonModel): string {
  return Object.keys(dataset)
    .sort()
    .map((tag) => attribute(dataset, tag))
    .join('')
}

function attribute(dataset: JsonModel, tag: string): string {
  const { vr, Value = [], BulkDataURI, InlineBinary } = dataset[tag]!
  const keyword = keywordOf(Number.parseInt(tag, 16))
  const creator = creatorOf(dataset, tag)
  const named = `${keyword ? ` keyword="${keyword}"` : ''}${creator ? ` privateCreator="${escaped(creator)}"` : ''}`
  const content =
    BulkDataURI !== undefined
      ? `<BulkData uri="${escaped(BulkDataURI)}"/>`
      : InlineBinary !== undefined
        ? `<InlineBinary>${InlineBinary}</InlineBinary>`
        : Value.map((value, n) => written(vr, value, n + 1)).join('')
  // A private element is named by its creator, in whichever block it lies.
  const place = creator ? `${tag.slice(0, 4)}00${tag.slice(6)}` : tag
  return `<DicomAttribute tag="${place}" vr="${vr}"${named}>${content}</DicomAttribute>`
}

/** Who reserved the block of a private element (PS3.5 7.8.1). */
function creatorOf(dataset: JsonModel, tag: string): string | undefined {
  const isPrivate = Number.parseInt(tag[3]!, 16) % 2 === 1
  const [creator] = (isPrivate && dataset[`${tag.slice(0, 4)}00${tag.slice(4, 6)}`]?.Value) || []
  return typeof creator === 'string' ? creator : undefined
}

function written(vr: string, value: unknown, number: number): string {
  if (vr === 'SQ') return `<Item number="${number}">${attributes((value ?? {}) as JsonModel)}</Item>`
  if (vr === 'PN') return `<PersonName number="${number}">${groups(value as Groups | null)}</PersonName>`
  return `<Value number="${number}">${escaped(String(value ?? ''))}</Value>`
}

const GROUPS = ['Alphabetic', 'Ideographic', 'Phonetic'] as const
const COMPONENTS = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'] as const

type Groups = Partial<Record<(typeof GROUPS)[number], string>>

function groups(name: Groups | null): string {
  return GROUPS.filter((group) => name?.[group])
    .map((group) => `<${group}>${components(name![group]!)}</${group}>`)
    .join('')
}

function components(group: string): string {
  const parts = group.split('^')
  return COMPONENTS.map((component, n) =>
    parts[n] ? `<${component}>${escaped(parts[n])}</${component}>` : '',
  ).join('')
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}
// XML 1.0 has no way to write them.
const UNWRITABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

const escaped = (text: string): string =>
  text.replace(UNWRITABLE, '\ufffd').replace(/[&<>"\r]/g, (char) => ENTITIES[char]!)
