/** The sections of a report, in the order in which they are written and read. */
export const SECTION_KEYS = ['technique', 'comparison', 'findings', 'impression'] as const
export type SectionKey = (typeof SECTION_KEYS)[number]

export interface Section {
  key: string
  text: string
}

/** Every section once, in order: what a draft left out is empty, what it has beyond ours is kept at the end. */
export function wholeReport(sections: readonly Section[]): Section[] {
  const own = SECTION_KEYS.map((key) => ({
    key,
    text: sections.find((section) => section.key === key)?.text ?? '',
  }))
  return [...own, ...sections.filter(({ key }) => !(SECTION_KEYS as readonly string[]).includes(key))]
}

/** Fills what is still empty; a word that somebody wrote is never written over. */
export function filled(sections: readonly Section[], with_: Partial<Record<string, string>>): Section[] {
  return sections.map((section) =>
    section.text.trim() === '' ? { ...section, text: with_[section.key] ?? section.text } : section,
  )
}

export function sameSections(one: readonly Section[], other: readonly Section[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
