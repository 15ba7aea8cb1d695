/** People who could be taken for one another: one family name, and a given name or a birth date that is close. */
import { foldName } from './identity.ts'
import type { NameGroup, NameSaid } from './order-message.ts'

export interface NamedPerson {
  name: NameSaid
  /** YYYY-MM-DD, or as much of it as is known. */
  birthDate: string | null
}

const SIMILAR_EDITS = 2
const SIMILAR_DIGITS = 2
/** Two that share less than the first letters of a name aren't compared at all. */
const START = 2
const GROUPS = ['alphabetic', 'ideographic', 'phonetic'] as const

/** In any script: given names close under one family name, family names close before one given name, or both swapped. */
export function similarPeople(one: NamedPerson, other: NamedPerson): boolean {
  return alike(folded(one), folded(other))
}

/** Everybody of a list who has somebody like them on it. */
export function similarAmong(people: readonly (NamedPerson & { id: string })[]): Set<string> {
  const distinct = [...new Map(people.map((person) => [person.id, folded(person)])).entries()]
  const near = new Map<string, [string, Folded][]>()
  for (const entry of distinct)
    for (const start of startsOf(entry[1])) near.set(start, [...(near.get(start) ?? []), entry])
  const found = new Set<string>()
  for (const neighbours of near.values())
    for (const [index, [id, person]] of neighbours.entries())
      for (const [otherId, other] of neighbours.slice(index + 1)) {
        if (found.has(id) && found.has(otherId)) continue
        if (alike(person, other)) found.add(id).add(otherId)
      }
  return found
}

/** How the name key (`nameKey`) of anybody begins who is like this person: what a query narrows by. */
export function similarKeyStarts(name: NameSaid): string[] {
  const [alphabetic, ideographic] = folded({ name, birthDate: null }).groups
  const group = alphabetic ?? ideographic
  if (!group) return []
  const mark = alphabetic ? '' : '='
  const starts = [group.family, group.given].filter(Boolean).map((part) => mark + part.slice(0, START))
  return [...new Set(starts)]
}

interface Folded {
  groups: ({ family: string; given: string } | null)[]
  birthDate: string | null
}

function folded({ name, birthDate }: NamedPerson): Folded {
  return { groups: GROUPS.map((key) => foldedGroup(name[key])), birthDate }
}

function foldedGroup(group: NameGroup | undefined): { family: string; given: string } | null {
  const [family, given] = [foldName(group?.family ?? ''), foldName(group?.given ?? '')]
  return family || given ? { family, given } : null
}

function startsOf({ groups }: Folded): Set<string> {
  const parts = groups.flatMap((group) => (group ? [group.family, group.given] : []))
  return new Set(parts.filter(Boolean).map((part) => part.slice(0, START)))
}

function alike(one: Folded, other: Folded): boolean {
  return one.groups.some((a, index) => {
    const b = other.groups[index]
    if (!a || !b) return false
    if (a.family === b.given && a.given === b.family) return true
    if (a.family !== b.family) return a.given !== '' && a.given === b.given && close(a.family, b.family)
    return close(a.given, b.given) || closeDates(one.birthDate, other.birthDate)
  })
}

/** Equal, or at most two edits apart and still alike in more than half: AN and BO are two short names, no slip. */
function close(a: string, b: string): boolean {
  if (a === '' || b === '') return false
  if (a === b) return true
  const half = Math.ceil(Math.max(a.length, b.length) / 2) - 1
  return withinEdits(a, b, Math.min(SIMILAR_EDITS, half))
}

/** Two digits apart, or day and month swapped. */
function closeDates(a: string | null, b: string | null): boolean {
  if (a?.length !== 10 || b?.length !== 10) return false
  const [year, month, day] = a.split('-')
  if (`${year}-${day}-${month}` === b) return true
  return [...a].filter((digit, index) => digit !== b[index]).length <= SIMILAR_DIGITS
}

/** Levenshtein distance at most `limit`, by rows that are given up as soon as none of them can stay within it. */
function withinEdits(a: string, b: string, limit: number): boolean {
  if (Math.abs(a.length - b.length) > limit) return false
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    if (Math.min(...row) > limit) return false
    previous = row
  }
  return (previous[b.length] ?? 0) <= limit
}
