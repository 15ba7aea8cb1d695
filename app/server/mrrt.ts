/** Reads a report template of others: HTML5 as IHE RAD Management of Radiology Report Templates (MRRT) has it, 8.1 to 8.3. */
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { RadiologyError } from '#domain/errors.ts'
import type { Code } from '#domain/report-object.ts'
import type {
  ReportTemplate,
  TemplateField,
  TemplatePart,
  TemplateSectionKey,
} from '#domain/report-template.ts'
import { MOST_CODES } from '#domain/report-text.ts'
import { codedContent, radElementOf, unkept } from './mrrt-codes.ts'

type Node = DefaultTreeAdapterTypes.ChildNode
type Element = DefaultTreeAdapterTypes.Element

export interface ReadTemplate {
  template: ReportTemplate
  /** What it holds and a report of ours has no place for, in the template's own words. */
  leftOut: string[]
}

/**
 * A real parser of HTML, since templates in the field are rarely well-formed; nothing of them is ever run or shown as HTML.
 * @throws RadiologyError 'invalid-message' naming what is missing: an identifier, a section with words or fields
 */
export function readTemplate(source: string): ReadTemplate {
  const document = parse(source)
  const all = elementsIn(document)
  const meta = (name: string) =>
    all
      .filter((element) => element.tagName === 'meta' && attribute(element, 'name').toLowerCase() === name)
      .map((element) => attribute(element, 'content'))
      .filter(Boolean)
      .join(' · ')
  const identifier = meta('dcterms.identifier')
  if (!identifier) throw new RadiologyError('invalid-message', { problem: 'no dcterms.identifier' })
  const scripts = all.filter(({ tagName }) => tagName === 'script')
  const attributes = scripts.filter(isAttributes).map(rawText)
  const reader = new SectionReader(all, codedContent(attributes))
  const sections = topSections(all).flatMap((section) => reader.read(section))
  if (sections.length === 0) throw new RadiologyError('invalid-message', { problem: 'no section' })
  const title = all.find(({ tagName }) => tagName === 'title')
  return {
    template: {
      identifier,
      title: meta('dcterms.title') || (title ? wordsOf(title) : '') || identifier,
      language: meta('dcterms.language'),
      publisher: meta('dcterms.publisher'),
      rights: [meta('dcterms.rights'), meta('dcterms.license')].filter(Boolean).join(' · '),
      sections: inOrder(sections),
    },
    leftOut: [
      ...new Set([
        ...unkept(attributes),
        ...reader.leftOut,
        ...outsideSections(document),
        ...(scripts.every(isAttributes) ? [] : ['<script>']),
      ]),
    ].slice(0, MOST_LEFT_OUT),
  }
}

/** The attributes of a template are XML in a script element; whatever else one holds would run, and doesn't. */
const isAttributes = (script: Element) => /xml/i.test(attribute(script, 'type'))

/** As its bytes say that they are written; without a word of that as UTF-8, or as browsers read what is none. */
export function decodeTemplate(bytes: Uint8Array): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1024))
  const said = /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(start)?.[1]
  try {
    return new TextDecoder(said ?? 'utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** Only sections are a report's (MRRT 8.1); the first words of what lies beside them. */
function outsideSections(node: DefaultTreeAdapterTypes.ParentNode): string[] {
  return node.childNodes.flatMap((child): string[] => {
    if (child.nodeName === '#text') {
      const words = (child as DefaultTreeAdapterTypes.TextNode).value.replace(/\s+/g, ' ').trim()
      return words ? [words.length > 60 ? `${words.slice(0, 59)}…` : words] : []
    }
    if (!('tagName' in child) || ['head', 'section', ...UNSEEN].includes(child.tagName)) return []
    if (CONTROLS.includes(child.tagName) || MEDIA.includes(child.tagName)) return [`<${child.tagName}>`]
    return outsideSections(child)
  })
}

/** More of them say no more. */
const MOST_LEFT_OUT = 60
const UNSEEN = ['script', 'style', 'link', 'datalist', 'template', 'noscript']
const MEDIA = ['img', 'object', 'embed', 'iframe', 'canvas', 'audio', 'video', 'svg', 'math']
const CONTROLS = ['input', 'select', 'textarea']

/** Names as templates have them. A section that is none of these is about findings. */
const SORTED: readonly [RegExp, TemplateSectionKey | null][] = [
  // The order says it already, in the words of whoever asked.
  [/^(clinical|indication|history|reason|patient information|klinische|fragestellung)/i, null],
  [/^(procedure|technique|exam|protocol|imaging|method|technik|untersuchung)/i, 'technique'],
  [/^(compar|prior|vergleich|voraufnahme)/i, 'comparison'],
  [/^(impression|conclusion|summary|assessment|beurteilung|zusammenfassung)/i, 'impression'],
]

function keyOf(name: string): TemplateSectionKey | null {
  const found = SORTED.find(([pattern]) => pattern.test(name))
  return found ? found[1] : 'findings'
}

const isFindings = (name: string) => /^(finding|observation|befund)/i.test(name)

interface ReadSection {
  key: TemplateSectionKey
  parts: TemplatePart[]
}

function inOrder(sections: readonly ReadSection[]): ReadSection[] {
  const keys: readonly TemplateSectionKey[] = ['technique', 'comparison', 'findings', 'impression']
  return keys.flatMap((key) => sections.filter((section) => section.key === key))
}

/** A line of the text, as parts. */
type Line = TemplatePart[]

class SectionReader {
  readonly leftOut: string[] = []
  private readonly labels: ReadonlyMap<string, string>
  private readonly codes: ReadonlyMap<string, readonly Code[]>
  private readonly lists: ReadonlyMap<string, Option[]>
  private readonly members = new Set<string>()
  private lines: Line[] = []
  /** A unit that the text after its field may say itself. */
  private unit = ''
  private unnamed = 0

  constructor(all: readonly Element[], codes: ReadonlyMap<string, readonly Code[]>) {
    this.codes = codes
    this.labels = new Map(
      all
        .filter((element) => element.tagName === 'label' && attribute(element, 'for') !== '')
        .map((label): [string, string] => [attribute(label, 'for'), wordsOf(label)])
        // The first says what it is, a second one its unit or its normal range.
        .reverse(),
    )
    this.lists = new Map(
      all
        .filter(({ tagName }) => tagName === 'datalist')
        .map((list) => [attribute(list, 'id'), optionsOf(list)]),
    )
    for (const input of all.filter(isChoiceInput)) this.members.add(attribute(input, 'id'))
  }

  read(section: Element): ReadSection[] {
    const name = nameOf(section)
    const key = keyOf(name)
    if (key === null) {
      this.leftOut.push(name)
      return []
    }
    this.lines = [[]]
    // Its own heading is ours; one that has no place of its own keeps it as its first line.
    if (key === 'findings' && !isFindings(name)) this.say(name)
    for (const child of section.childNodes) if (!isHeadingOf(section, child)) this.walk(child, section)
    this.breakLine()
    const parts = joinedLines(this.lines.filter((line) => line.length > 0))
    return [{ key, parts: isOnlyPaper(parts) ? [] : parts }]
  }

  private walk(node: Node, section: Element): void {
    if (node.nodeName === '#text') this.say((node as DefaultTreeAdapterTypes.TextNode).value)
    if (!('tagName' in node)) return
    const { tagName } = node
    if (UNSEEN.includes(tagName)) return
    if (tagName === 'label' && this.members.has(attribute(node, 'for')) && !hasControl(node)) return
    if (MEDIA.includes(tagName)) {
      this.leftOut.push(`<${tagName}>`)
      return
    }
    const field = this.fieldOf(node, section)
    if (field) this.put(field, attribute(node, 'data-field-units'))
    if (field || tagName === 'button' || CONTROLS.includes(tagName)) return
    const isLine = BLOCKS.has(tagName)
    if (isLine) this.breakLine()
    for (const child of node.childNodes) if (!isWordOfChoice(node, child)) this.walk(child, section)
    if (tagName === 'td' || tagName === 'th') this.say(' ')
    if (isLine) this.breakLine()
  }

  private say(words: string): void {
    let text = words.replace(/\s+/g, ' ')
    if (this.unit && text.trim()) {
      const says = text.trim().toLowerCase().startsWith(this.unit.toLowerCase())
      if (!says) text = ` ${this.unit} ${text.trimStart()}`
      this.unit = ''
    }
    const line = this.lines.at(-1)!
    const last = line.at(-1)
    if (!last) {
      if (text.trimStart()) line.push({ text: text.trimStart() })
    } else if ('field' in last) line.push({ text: /^[\p{L}\p{N}(]/u.test(text) ? ` ${text}` : text })
    else last.text = (last.text + text).replace(/ {2,}/g, ' ')
  }

  private put(field: TemplateField, unit: string): void {
    const line = this.lines.at(-1)!
    const last = line.at(-1)
    if (last && 'field' in last) line.push({ text: ' ' })
    else if (last && !/[\s(]$/.test(last.text)) last.text += ' '
    line.push({ field })
    this.unit = unit.trim()
  }

  private breakLine(): void {
    if (this.unit) {
      this.lines.at(-1)!.push({ text: ` ${this.unit}` })
      this.unit = ''
    }
    if (this.lines.at(-1)!.length > 0) this.lines.push([])
  }

  private fieldOf(element: Element, section: Element): TemplateField | null {
    if (/^true$/i.test(attribute(element, 'data-field-merge-flag')))
      this.leftOut.push('data-field-merge-flag')
    if (element.tagName === 'textarea')
      return this.made(element, { kind: 'text', value: rawText(element).trim(), options: [] })
    if (element.tagName === 'select') return this.made(element, chosenIn(element))
    if (element.tagName !== 'input') return null
    const type = attribute(element, 'type').toLowerCase() || 'text'
    if (type === 'radio' || type === 'checkbox') return this.choiceOf(element, section, type)
    if (!TYPED.has(type)) {
      if (!['hidden', 'submit', 'button', 'reset', 'image'].includes(type))
        this.leftOut.push(`<input type="${type}">`)
      return null
    }
    const kind = type === 'number' ? 'number' : type.startsWith('date') ? 'date' : 'text'
    const options = this.lists.get(attribute(element, 'list')) ?? []
    return this.made(element, { kind, value: attribute(element, 'value').trim(), options })
  }

  /** `group`: what several boxes share, its label and its codes. */
  private made(element: Element, said: Said, group = ''): TemplateField {
    const id = attribute(element, 'id')
    const named =
      this.labels.get(group) ?? this.labels.get(id) ?? labelAround(element) ?? attribute(element, 'name')
    const label = named.replace(/:$/, '').trim()
    const range = rangeOf(element)
    const field: TemplateField = {
      id: (this.labels.has(group) || this.codes.has(group) ? group : id) || `field-${++this.unnamed}`,
      label: [label, range].filter(Boolean).join(' · '),
      kind: said.kind,
      value: said.value,
      options: [...new Set(said.options.map(({ word }) => word))].filter(Boolean),
    }
    const all = [...(this.codes.get(field.id) ?? []), ...radElementOf(element, label)]
    const codes = all.slice(0, MOST_CODES)
    const options = Object.fromEntries(
      said.options.flatMap(({ id: option, word }) => {
        const code = this.codes.get(option)?.[0]
        return word && code ? [[word, code]] : []
      }),
    )
    const isCoded = codes.length > 0 || Object.keys(options).length > 0
    return isCoded ? { ...field, coding: { codes, options } } : field
  }

  /** All boxes of one name are one field; the first stands for them. */
  private choiceOf(element: Element, section: Element, type: string): TemplateField | null {
    const name = attribute(element, 'name')
    const boxes = elementsIn(section).filter(
      (box) => isChoiceInput(box) && (name ? attribute(box, 'name') === name : box === element),
    )
    if (boxes[0] !== element) return null
    const options = boxes.map((box) => {
      const id = attribute(box, 'id')
      return { id, word: this.labels.get(id) || wordBeside(box), isSelected: hasAttribute(box, 'checked') }
    })
    return this.made(element, { ...chosen(options, type === 'checkbox'), options }, name)
  }
}

type Said = Pick<TemplateField, 'kind' | 'value'> & { options: readonly Pick<Option, 'id' | 'word'>[] }

interface Option {
  id: string
  word: string
  isSelected: boolean
}

/** Of several where one is to be chosen, the last, as HTML has it. */
function chosen(options: readonly Option[], several: boolean): Pick<TemplateField, 'kind' | 'value'> {
  const words = options.filter(({ isSelected }) => isSelected).map(({ word }) => word)
  return several
    ? { kind: 'choices', value: [...new Set(words)].join(', ') }
    : { kind: 'choice', value: words.at(-1) ?? '' }
}

/** Between what a number should lie: said with its field's name. */
function rangeOf(element: Element): string {
  const [min, max] = [attribute(element, 'min').trim(), attribute(element, 'max').trim()]
  if (min && max) return `${min}–${max}`
  if (min) return `≥ ${min}`
  return max ? `≤ ${max}` : ''
}

function labelAround(element: Element): string | null {
  for (let at = element.parentNode; at && 'tagName' in at && at.tagName !== 'section'; at = at.parentNode)
    if (at.tagName === 'label') return ownWordsOf(at)
  return null
}

const TYPED = new Set([
  'text',
  'number',
  'date',
  'time',
  'datetime',
  'datetime-local',
  'month',
  'search',
  'tel',
  'url',
])
const BLOCKS = new Set(
  'address article aside blockquote br dd div dl dt fieldset footer h1 h2 h3 h4 h5 h6 header hr li main ol p section table tr ul'.split(
    ' ',
  ),
)

/** Sections of the body that lie in no other. */
function topSections(all: readonly Element[]): Element[] {
  const sections = all.filter(({ tagName }) => tagName === 'section')
  const inner = new Set(sections.flatMap((section) => elementsIn(section)))
  return sections.filter((section) => !inner.has(section))
}

/** In English where the template has it in both, or as it comes. */
function nameOf(section: Element): string {
  const heading = section.childNodes.find((child) => isHeadingOf(section, child)) as Element | undefined
  const english = heading && attribute(heading, 'data-english')
  return english || attribute(section, 'data-section-name') || (heading ? wordsOf(heading) : '')
}

function isHeadingOf(section: Element, child: Node): boolean {
  const first = section.childNodes.find((one) => 'tagName' in one)
  return child === first && 'tagName' in child && child.tagName === 'header'
}

/** One empty sheet to write on is no field to go through. */
function isOnlyPaper(parts: readonly TemplatePart[]): boolean {
  const [only] = parts
  return parts.length === 1 && only !== undefined && 'field' in only && only.field.value === ''
}

function joinedLines(lines: readonly Line[]): TemplatePart[] {
  const parts = lines.flatMap((line, n): TemplatePart[] => [...(n > 0 ? [{ text: '\n' }] : []), ...line])
  const joined = parts.reduce<TemplatePart[]>((before, part) => {
    const last = before.at(-1)
    if (last && 'text' in last && 'text' in part) last.text += part.text
    else before.push({ ...part })
    return before
  }, [])
  for (const part of joined) if ('text' in part) part.text = part.text.replace(/ *\n */g, '\n')
  const last = joined.at(-1)
  if (last && 'text' in last) last.text = last.text.trimEnd()
  return joined.filter((part) => !('text' in part) || part.text !== '')
}

/**
 * What a browser would show as chosen is chosen only where the template says so: the first of a list that stands there
 * because something has to is nobody's finding.
 */
function chosenIn(select: Element): Said {
  const said = attribute(select, 'value')
  const options = optionsOf(select).map((option) => ({
    ...option,
    isSelected: option.isSelected || (said !== '' && option.value === said),
  }))
  return { ...chosen(options, hasAttribute(select, 'multiple')), options }
}

function optionsOf(list: Element): (Option & { value: string })[] {
  return elementsIn(list)
    .filter(({ tagName }) => tagName === 'option')
    .map((option) => ({
      id: attribute(option, 'id'),
      word: wordsOf(option) || attribute(option, 'value').trim(),
      value: attribute(option, 'value'),
      isSelected: hasAttribute(option, 'selected'),
    }))
}

const isChoiceInput = (element: Element) =>
  element.tagName === 'input' && /^(radio|checkbox)$/i.test(attribute(element, 'type'))
const hasControl = (element: Element) => elementsIn(element).some(({ tagName }) => CONTROLS.includes(tagName))

/** The words of a box stand behind it, or in its value. */
function wordBeside(box: Element): string {
  const value = attribute(box, 'value').trim()
  if (value && value !== 'on') return value
  const after = textAfter(box)
  return after ? after.value.replace(/\s+/g, ' ').trim() : ''
}

function textAfter(box: Element): DefaultTreeAdapterTypes.TextNode | null {
  const siblings = box.parentNode?.childNodes ?? []
  const next = siblings[siblings.indexOf(box) + 1]
  return next?.nodeName === '#text' ? (next as DefaultTreeAdapterTypes.TextNode) : null
}

/** Said by the field already. */
function isWordOfChoice(parent: Element, child: Node): boolean {
  if (child.nodeName !== '#text') return false
  const before = parent.childNodes[parent.childNodes.indexOf(child) - 1]
  return before !== undefined && 'tagName' in before && isChoiceInput(before)
}

function elementsIn(node: DefaultTreeAdapterTypes.ParentNode): Element[] {
  return node.childNodes.flatMap((child) => ('tagName' in child ? [child, ...elementsIn(child)] : []))
}

const wordsOf = (element: Element) => rawText(element).replace(/\s+/g, ' ').trim()

/** Without what a list within it offers. */
const ownWordsOf = (element: Element) =>
  element.childNodes
    .flatMap((child) =>
      child.nodeName === '#text' ? [(child as DefaultTreeAdapterTypes.TextNode).value] : [],
    )
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()

function rawText(node: DefaultTreeAdapterTypes.ParentNode): string {
  return node.childNodes
    .map((child) => {
      if (child.nodeName === '#text') return (child as DefaultTreeAdapterTypes.TextNode).value
      return 'childNodes' in child ? rawText(child) : ''
    })
    .join('')
}

const attribute = (element: Element, name: string) =>
  element.attrs.find((one) => one.name === name)?.value ?? ''
const hasAttribute = (element: Element, name: string) => element.attrs.some((one) => one.name === name)
