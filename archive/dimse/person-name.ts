/** Person names as the three component groups of PS3.5 section 6.2.1. */

/** Each group is "family^given^middle^prefix^suffix", trailing carets left out. */
export type PersonNameGroups = {
  readonly alphabetic?: string
  readonly ideographic?: string
  readonly phonetic?: string
}

export function parsePersonName(text: string): PersonNameGroups {
  const [alphabetic, ideographic, phonetic] = text.split('=').map((group) => group.replace(/[\^ ]+$/, ''))
  return {
    ...(alphabetic ? { alphabetic } : {}),
    ...(ideographic ? { ideographic } : {}),
    ...(phonetic ? { phonetic } : {}),
  }
}

export function formatPersonName({ alphabetic, ideographic, phonetic }: PersonNameGroups): string {
  return [alphabetic ?? '', ideographic ?? '', phonetic ?? ''].join('=').replace(/=+$/, '')
}
