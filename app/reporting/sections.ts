/** The sections of a report, in the order in which they are written and read. */
import { type DraftSection, joined, type MarkedText } from '#domain/report-text.ts'

export const SECTION_KEYS = ['technique', 'comparison', 'findings', 'impression'] as const
export type SectionKey = (typeof SECTION_KEYS)[number]

export type Section = DraftSection

/** Every section once, in order: what a draft left out is empty, what it has beyond ours is kept at the end. */
export function wholeReport(sections: readonly Section[]): Section[] {
  const own = SECTION_KEYS.map((key) => sections.find((section) => section.key === key) ?? { key, text: '' })
  return [...own, ...sections.filter(({ key }) => !(SECTION_KEYS as readonly string[]).includes(key))]
}

/**
 * Fills what is still empty; a word that somebody wrote is never written over. What was measured and nothing else stands
 * behind the words that come.
 */
export function filled(
  sections: readonly Section[],
  with_: Readonly<Partial<Record<string, MarkedText>>>,
): Section[] {
  return sections.map((section) => {
    const words = with_[section.key]
    if (!words || words.text === '') return section
    if (section.text.trim() === '') return { key: section.key, ...words }
    const before = { text: section.text, marks: section.marks ?? [] }
    return onlyMeasured(before) ? { key: section.key, ...joined([words, before], '\n') } : section
  })
}

function onlyMeasured({ text, marks }: MarkedText): boolean {
  const rest = marks
    .filter(({ kind }) => kind === 'measurement')
    .reduce((left, { from, to }) => left.slice(0, from) + ' '.repeat(to - from) + left.slice(to), text)
  return !/[\p{L}\p{N}]/u.test(rest)
}

export function sameSections(one: readonly Section[], other: readonly Section[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
