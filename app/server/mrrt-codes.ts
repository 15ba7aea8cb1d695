/** What the elements of a report template mean: its coded content (IHE RAD MRRT 8.3), and the addresses of RadElement beside them. */
import type { DefaultTreeAdapterTypes } from 'parse5'
import type { Code } from '#domain/report-object.ts'
import { LONGEST_CODE } from '#domain/report-text.ts'

type Element = DefaultTreeAdapterTypes.Element

/** By element id. Read by its marks, since the XML in the script element is seldom well-formed. */
export function codedContent(scripts: readonly string[]): ReadonlyMap<string, Code[]> {
  const whole = scripts.join('\n')
  const declared = new Map(
    [...whole.matchAll(/<coding_scheme\b([^>]*)>/gi)].map(([, head = '']) => [
      xmlAttribute(head, 'name').toLowerCase(),
      xmlAttribute(head, 'designator'),
    ]),
  )
  const entries = whole.split(/<\/entry>/i).slice(0, -1)
  return new Map(
    entries.flatMap((upToEnd) => {
      const entry = upToEnd.slice(Math.max(upToEnd.toLowerCase().lastIndexOf('<entry'), 0))
      const id = xmlAttribute(/^<entry\b[^>]*/i.exec(entry)?.[0] ?? '', 'ORIGTXT')
      const codes = [...entry.matchAll(/<code\b([^>]*)>/gi)].flatMap(([, code = '']) =>
        codeOf(code, declared),
      )
      return id ? [[id, codes] as const] : []
    }),
  )
}

function codeOf(head: string, declared: ReadonlyMap<string, string>): Code[] {
  const value = lastSegment(xmlAttribute(head, 'value'))
  const named = xmlAttribute(head, 'scheme')
  const scheme = designator(declared.get(named.toLowerCase()) ?? '') ?? designator(named) ?? own(named)
  // A code that is cut short is another code.
  if (!value || value.length > LONGEST_CODE.value || !scheme) return []
  return [{ scheme, value, meaning: (xmlAttribute(head, 'meaning') || value).slice(0, LONGEST_CODE.meaning) }]
}

/** Some write `http://radlex.org/RID/RID58` for RID58. */
const lastSegment = (value: string) => (/^https?:/i.test(value) ? (value.split(/[/#]/).at(-1) ?? '') : value)

/** As DICOM names them (PS3.16 section 8), by the names and OIDs that templates have. */
const DESIGNATORS: readonly [RegExp, string][] = [
  [/^(radlex|2\.16\.840\.1\.113883\.6\.256)$/i, 'RADLEX'],
  [/^(loinc|ln|2\.16\.840\.1\.113883\.6\.1)$/i, 'LN'],
  [/^(snomed[ -]?ct|sct|2\.16\.840\.1\.113883\.6\.96)$/i, 'SCT'],
  [/^(radelement|rsna[ -]?cde|acr[ -]?cde)$/i, 'RADELEMENT'],
  [/^(dcm|dicom|1\.2\.840\.10008\.2\.16\.4)$/i, 'DCM'],
]

const designator = (name: string) => DESIGNATORS.find(([pattern]) => pattern.test(name.trim()))?.[1] ?? null
/** Any other begins with 99 (PS3.3 section 8.2). */
const own = (name: string) => (name.trim() ? `99${name.trim()}`.slice(0, 16).trimEnd() : null)

/** Editors put the data element's address into the title of its line. */
export function radElementOf(element: Element, label: string): Code[] {
  for (let at: Element | null = element; at && at.tagName !== 'section'; at = parentOf(at)) {
    const title = at.attrs.find(({ name }) => name === 'title')?.value ?? ''
    const value = /radelement\.org\/\S*?\b(RDES?\d{1,32})\b/i.exec(title)?.[1]
    const meaning = (label || value || '').slice(0, LONGEST_CODE.meaning)
    if (value) return [{ scheme: 'RADELEMENT', value: value.toUpperCase(), meaning }]
  }
  return []
}

function parentOf({ parentNode }: Element): Element | null {
  return parentNode && 'tagName' in parentNode ? (parentNode as Element) : null
}

/** What its head says about the whole, and a report can't. */
export function unkept(scripts: readonly string[]): string[] {
  const whole = scripts.join('\n')
  const said = (name: string) => new RegExp(`<${name}>\\s*([^<\\s]+)`, 'i').exec(whole)?.[1] ?? ''
  const [status, topLevel] = [said('status'), said('top-level-flag')]
  return [
    ...(status && !/^active$/i.test(status) ? [`status: ${status}`] : []),
    ...(/^(false|0)$/i.test(topLevel) ? [`top-level-flag: ${topLevel}`] : []),
  ]
}

function xmlAttribute(head: string, name: string): string {
  const found = new RegExp(`(?<![\\w-])${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'i').exec(head)
  return (found?.[1] ?? found?.[2] ?? '')
    .replace(/&(amp|lt|gt|quot|apos);/g, (_, one: string) => XML[one] ?? '')
    .trim()
}

const XML: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
