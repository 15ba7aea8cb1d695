/** The delimiters a message declares for itself (HL7 2.5.1 section 2.5.4, MSH-1 and MSH-2). */

export type Delimiters = {
  field: string
  component: string
  repetition: string
  /** Absent when MSH-2 leaves them out: such a message can hold neither escapes nor subcomponents. */
  escape?: string
  subcomponent?: string
  /** The fifth character of MSH-2, from 2.7 on. */
  truncation?: string
}

export const usualDelimiters: Delimiters = {
  field: '|',
  component: '^',
  repetition: '~',
  escape: '\\',
  subcomponent: '&',
}

/** What MSH-2 says, as text. */
export function encodingCharacters(d: Delimiters): string {
  return d.component + d.repetition + (d.escape ?? '') + (d.subcomponent ?? '') + (d.truncation ?? '')
}

/**
 * Reads MSH-1 and MSH-2 from the first line of a message (also FHS and BHS, which are built alike).
 * @returns undefined when the line declares nothing usable: too short, a letter, digit, control or a duplicate
 */
export function readDelimiters(line: Uint8Array): { delimiters: Delimiters; odd: boolean } | undefined {
  const field = line[3]
  if (field === undefined) return undefined
  const end = line.indexOf(field, 4)
  if (end < 0 && line.length <= 'MSH|^~'.length) return undefined
  const declared = line.subarray(3, end < 0 ? line.length : end)
  const characters = [...declared].map((byte) => String.fromCharCode(byte))
  if (characters.length < 3 || characters.length > 6) return undefined
  if (characters.some((c) => !usable(c)) || new Set(characters).size !== characters.length) return undefined
  return { delimiters: meaningOf(characters), odd: characters.length < 5 }
}

function usable(character: string): boolean {
  return character > ' ' && character < '\x7f' && !/[A-Za-z0-9".]/.test(character)
}

function meaningOf([field, component, repetition, third, fourth, fifth]: string[]): Delimiters {
  const read: Delimiters = { field: field!, component: component!, repetition: repetition! }
  // Systems that send `^~&` mean: no escape, `&` between subcomponents.
  if (third !== undefined && fourth === undefined && third === '&') return { ...read, subcomponent: third }
  if (third !== undefined) read.escape = third
  if (fourth !== undefined) read.subcomponent = fourth
  if (fifth !== undefined) read.truncation = fifth
  return read
}
