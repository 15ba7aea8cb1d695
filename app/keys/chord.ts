/** One key combination: how it is written, shown and recognised on any keyboard layout. */

/** `Alt+Enter`, `Alt+N`, `Ctrl+K`, `N`, `/`, `?`, `Escape`, `ArrowDown`, `F2`: modifiers first, letters in capitals. */
export type Chord = string

export interface KeyStroke {
  key: string
  code: string
  altKey: boolean
  ctrlKey: boolean
  metaKey: boolean
  shiftKey: boolean
}

const SHOWN: Record<string, string> = {
  Enter: '↵',
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
  ' ': 'Space',
}

export function chordMatches(chord: Chord, stroke: KeyStroke): boolean {
  const parts = chord.split('+')
  const key = parts.at(-1) as string
  const alt = parts.includes('Alt')
  const control = parts.includes('Ctrl')
  // Ctrl with Alt is AltGr, which types characters on most European layouts.
  if (stroke.ctrlKey && stroke.altKey) return false
  if (stroke.altKey !== alt) return false
  if (control ? !(stroke.ctrlKey || stroke.metaKey) : stroke.ctrlKey || stroke.metaKey) return false
  if (/^[A-Z]$/.test(key)) return !stroke.shiftKey && isLetter(key, stroke)
  return stroke.key === key
}

/** As it stands in a key cap: `['Alt', '↵']`. */
export function shownKeys(chord: Chord): string[] {
  return chord.split('+').map((part) => SHOWN[part] ?? part)
}

/** As `aria-keyshortcuts` wants it. */
export function ariaKeys(chord: Chord): string {
  return chord.replace('Ctrl', 'Control').replaceAll(' ', 'Space')
}

// A Cyrillic or Greek layout has no Latin letters, and Option types other ones on macOS: the key's place decides then.
function isLetter(letter: string, { key, code, altKey }: KeyStroke): boolean {
  const typed = key.toUpperCase()
  if (typed === letter) return true
  const typesLatin = /^[A-Z]$/.test(typed)
  return (!typesLatin || (altKey && key.length !== 1)) && code === `Key${letter}`
}
