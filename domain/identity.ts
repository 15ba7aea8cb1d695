/** Who is who: person names in three component groups (PS3.5 6.2.1.2), identifiers with issuer. */
import type { NameGroup, NameSaid } from './order-message.ts'

const COMPONENTS = ['family', 'given', 'middle', 'prefix', 'suffix'] as const
const GROUPS = ['alphabetic', 'ideographic', 'phonetic'] as const
/** A prefix or a suffix comes and goes between systems; it is no part of who somebody is. */
const KEY_COMPONENTS = 3

/** A Person Name value (VR PN) as groups; an empty text is an empty name. */
export function parsePersonName(text: string): NameSaid {
  const name: NameSaid = {}
  text.split('=').forEach((group, index) => {
    const key = GROUPS[index]
    const parsed = parseGroup(group)
    if (key !== undefined && Object.keys(parsed).length > 0) name[key] = parsed
  })
  return name
}

/** The Person Name value of a name, without empty components or groups at its end. */
export function formatPersonName(name: NameSaid): string {
  return trimEnd(GROUPS.map((key) => formatGroup(name[key] ?? {})).join('='), '=')
}

/** How a name is found and compared: folded family, given and middle name of each group it has. */
export function nameKey(name: NameSaid): string {
  return nameKeyOfDicom(formatPersonName(name))
}

/** The same key from a Person Name value, as an image or a query carries it. */
export function nameKeyOfDicom(text: string | null | undefined): string {
  const groups = (text ?? '').split('=').slice(0, GROUPS.length)
  const folded = groups.map((group) =>
    trimEnd(group.split('^').slice(0, KEY_COMPONENTS).map(foldName).join('^'), '^'),
  )
  return trimEnd(folded.join('='), '=')
}

/**
 * Upper case, no Latin diacritics, no punctuation, single blanks; letters of any script stay, with the marks that
 * make them (a kana's voicing, an Arabic vowel). A hyphen parts names as a blank does; an apostrophe parts nothing.
 */
export function foldName(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f'’.]/g, '')
    .normalize('NFKC')
    .replace(/ß/g, 'ss')
    .toUpperCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()
}

function parseGroup(text: string): NameGroup {
  const group: NameGroup = {}
  text.split('^').forEach((part, index) => {
    const component = COMPONENTS[index]
    // Blanks at the ends of a component are padding (PS3.5 6.2, PN).
    if (component !== undefined && part.trim() !== '') group[component] = part.trim()
  })
  return group
}

/** A degree has no component of its own in DICOM; it stands with the suffix. */
function formatGroup(group: NameGroup): string {
  const suffix = [group.suffix, group.degree].filter((part) => part !== undefined && part !== '').join(' ')
  const parts = COMPONENTS.map((component) => (component === 'suffix' ? suffix : (group[component] ?? '')))
  return trimEnd(parts.join('^'), '^')
}

function trimEnd(text: string, mark: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === mark) end -= 1
  return text.slice(0, end)
}
