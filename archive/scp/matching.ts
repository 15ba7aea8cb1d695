/** Attribute matching of C-FIND (PS3.4 C.2.2.2): single value, list of UID, wildcard, range and sequence. */
import type { Dataset, Element } from '#archive/dimse/dataset.ts'
import { type Tag, vrOf } from '#archive/dimse/dictionary.ts'
import type { PersonNameGroups } from '#archive/dimse/person-name.ts'

/** Not keys: they say how the identifier is to be read, or at which level it asks. */
const NOT_KEYS: readonly Tag[] = [0x00080005, 0x00080052, 0x00080053, 0x00080201]

/** Keys of an identifier: neither group lengths nor what only describes it. */
export function keysOf(identifier: Dataset): Element[] {
  return identifier.inOrder().filter(({ tag }) => !NOT_KEYS.includes(tag) && (tag & 0xffff) !== 0)
}

/**
 * Whether a candidate matches every key that it holds; keys it does not hold at all are not matched on.
 * `matched` are tags that the caller has matched already.
 */
export function matches(candidate: Dataset, identifier: Dataset, matched: readonly Tag[] = []): boolean {
  return keysOf(identifier).every((key) => {
    if (matched.includes(key.tag) || !candidate.has(key.tag)) return true
    if (key.kind === 'sequence') return matchesSequence(candidate, key.tag, key.items, matched)
    return matchesValue(candidate, key.tag, identifier)
  })
}

function matchesSequence(
  candidate: Dataset,
  tag: Tag,
  items: readonly Dataset[],
  matched: readonly Tag[],
): boolean {
  const [wanted] = items
  if (!wanted || isUniversal(wanted)) return true
  return candidate.items(tag).some((item) => matches(item, wanted, matched))
}

/** An item of nothing but empty keys matches also where there is no item at all. */
function isUniversal(item: Dataset): boolean {
  return keysOf(item).every((key) =>
    key.kind === 'sequence'
      ? key.items.every(isUniversal)
      : item.texts(key.tag).every((text) => text === '' || text === '*'),
  )
}

function matchesValue(candidate: Dataset, tag: Tag, identifier: Dataset): boolean {
  const wanted = identifier.texts(tag).filter((text) => text !== '' && text !== '*')
  if (wanted.length === 0) return true
  const vr = vrOf(tag)
  if (vr === 'PN') return wanted.some((one) => matchesPersonName(one, candidate.texts(tag)))
  const values = candidate.texts(tag)
  return wanted.some((one) => values.some((value) => matchesText(vr, one, value)))
}

function matchesText(vr: string, wanted: string, value: string): boolean {
  if (vr === 'UI') return wanted === value
  if (vr === 'DA' || vr === 'TM' || vr === 'DT') return inRange(wanted, value)
  return wildcard(wanted).test(value)
}

/** From-to with either end open; a value of less precision stands for all that begins with it. */
function inRange(wanted: string, value: string): boolean {
  const range = /^([^-]*)-([^-]*)$/.exec(wanted)
  if (!range) return value.startsWith(wanted)
  const [, from = '', to = ''] = range
  return value !== '' && value >= from && (to === '' || value <= to || value.startsWith(to))
}

function wildcard(wanted: string): RegExp {
  const pattern = wanted
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${pattern}$`, 'su')
}

/**
 * Without regard to case and accents, as a whole or component by component: `doe`, `DOE^J*` and `*jane*` all find
 * DOE^JANE. A key of one component group is held against every group of the name, since a console that cannot write
 * ideographs still looks for the patient.
 */
export function matchesPersonName(wanted: string, names: readonly string[]): boolean {
  const groups = wanted.split('=')
  return names.some((name) => {
    const own = name.split('=')
    if (groups.length === 1) return own.some((group) => matchesGroup(wanted, group))
    return groups.every((group, index) => group === '' || matchesGroup(group, own[index] ?? ''))
  })
}

function matchesGroup(wanted: string, group: string): boolean {
  const [key, value] = [folded(wanted).replace(/\^+$/, ''), folded(group)]
  if (key === '') return true
  if (wildcard(key).test(value)) return true
  const components = value.split('^')
  return key.split('^').every((part, index) => part === '' || wildcard(part).test(components[index] ?? ''))
}

function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase().replace(/ +/g, ' ').trim()
}

/** A name's groups as the wire writes them; empty components at the end are left out. */
export function groupsOf(
  name: Partial<Record<keyof PersonNameGroups, readonly (string | undefined)[]>>,
): PersonNameGroups {
  const written = Object.entries(name).map(([group, components]) => [group, joined(components)])
  return Object.fromEntries(written.filter(([, text]) => text !== ''))
}

function joined(components: readonly (string | undefined)[]): string {
  // A caret, an equals sign or a backslash in a name would make another component, group or value of it.
  return components
    .map((component) => (component ?? '').replace(/[\^=\\]/g, ' ').trim())
    .join('^')
    .replace(/\^+$/, '')
}
