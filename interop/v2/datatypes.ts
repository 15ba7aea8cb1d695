/** Composite data types to the department's words (HL7 2.5.1 chapter 2A: CX, EI, XPN, XCN, CWE, PL). */
import type {
  CodeSaid,
  IdentifierSaid,
  NameGroup,
  NameSaid,
  OrderNumberSaid,
  ProviderSaid,
} from '#domain/order-message.ts'
import type { Segment } from './message.ts'

/** A namespace or a universal id names one authority; the namespace is the one people know. */
function authorityAt(segment: Segment, namespace: string, universal: string): string | undefined {
  return segment.value(namespace) ?? segment.value(universal)
}

/** CX, every repetition that has a value. */
export function readIdentifiers(segment: Segment, field: number, authority: string): IdentifierSaid[] {
  return eachRepetition(segment, field, (at) => {
    const value = segment.value(`${at}.1`)
    if (!value) return undefined
    const issuer = authorityAt(segment, `${at}.4.1`, `${at}.4.2`) ?? authority
    const type = segment.value(`${at}.5`)
    return type ? { value, issuer, type } : { value, issuer }
  })
}

export function eachRepetition<T>(segment: Segment, field: number, read: (at: string) => T | undefined): T[] {
  return Array.from({ length: segment.repetitions(field) }, (_, index) =>
    read(`${field}[${index + 1}]`),
  ).filter((found) => found !== undefined)
}

/** EI. Without its own authority a number belongs to the connection's. */
export function readOrderNumber(
  segment: Segment | undefined,
  field: number,
  authority: string,
): OrderNumberSaid | undefined {
  const value = segment?.value(`${field}.1`)
  if (!segment || !value) return undefined
  return { value, authority: authorityAt(segment, `${field}.2`, `${field}.3`) ?? authority }
}

/** CX as a number of its own, such as a visit number: the authority is its fourth component. */
export function readNumber(
  segment: Segment | undefined,
  field: number,
  authority: string,
): OrderNumberSaid | undefined {
  const value = segment?.value(`${field}.1`)
  if (!segment || !value) return undefined
  return { value, authority: authorityAt(segment, `${field}.4.1`, `${field}.4.2`) ?? authority }
}

/** CE, CWE: `first` is 1 for the code, 4 for its alternate. */
export function readCode(segment: Segment, at: string | number, first: 1 | 4 = 1): CodeSaid | undefined {
  const [code, text, scheme] = [0, 1, 2].map((step) => segment.value(`${at}.${first + step}`))
  if (!code && !text) return undefined
  return dropUndefined({ code, scheme, text })
}

/** XCN. */
export function readProvider(segment: Segment, at: string | number): ProviderSaid | undefined {
  const id = segment.value(`${at}.1`)
  const name = nameGroup(segment, `${at}`, 2)
  if (!id && Object.keys(name).length === 0) return undefined
  return dropUndefined({ id, authority: authorityAt(segment, `${at}.9.1`, `${at}.9.2`), name })
}

/** FN is a type of its own: its first subcomponent is the surname. */
function nameGroup(segment: Segment, at: string, first: 1 | 2): NameGroup {
  const part = (offset: number) => segment.value(`${at}.${first + offset}`)
  return dropUndefined({
    family: segment.value(`${at}.${first}.1`),
    given: part(1),
    middle: part(2),
    suffix: part(3),
    prefix: part(4),
    degree: part(5),
  })
}

type Group = keyof NameSaid

/**
 * XPN repetitions to names in three component groups: XPN-8 says which (A, I, P), and without it the script does.
 * Repetitions of another name type (maiden, alias) become names of their own.
 */
export function readNames(segment: Segment, field: number): NameSaid[] {
  const names: { type: string; name: NameSaid }[] = []
  eachRepetition(segment, field, (at) => {
    const group = nameGroup(segment, at, 1)
    if (Object.keys(group).length === 0) return undefined
    const type = segment.value(`${at}.7`) ?? 'L'
    const kind = groupOf(segment.value(`${at}.8`), group)
    const open = names.find((known) => known.type === type && known.name[kind] === undefined)
    if (open) open.name[kind] = group
    else names.push({ type, name: { [kind]: group } })
    return undefined
  })
  return names.map(({ name }) => name)
}

const representation: Record<string, Group> = { A: 'alphabetic', I: 'ideographic', P: 'phonetic' }

function groupOf(code: string | undefined, group: NameGroup): Group {
  const text = `${group.family ?? ''}${group.given ?? ''}`
  const byScript = /\p{Script=Han}/u.test(text)
    ? 'ideographic'
    : /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(text)
      ? 'phonetic'
      : 'alphabetic'
  return representation[code ?? ''] ?? byScript
}

export function dropUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T
}
