/** A person name's component groups, and how a list writes them. */
import type { NameGroup, NameSaid } from '#domain/order-message.ts'

export type PersonName = NameSaid

export interface WrittenName {
  family: string
  given: string
  native: string
  nativeLanguage: string | undefined
}

/**
 * FAMILY and Given, and the name in its own script. Without an alphabetic group (an Arabic or Hebrew name may come
 * alone) the native name is all there is, and stands as it came.
 */
export function nameParts({ alphabetic = {}, ideographic = {} }: PersonName): WrittenName {
  const native = joined(ideographic)
  return {
    family: upperCase(alphabetic.family ?? ''),
    given: [alphabetic.given, alphabetic.middle].filter(Boolean).join(' '),
    native,
    nativeLanguage: languageOf(native),
  }
}

/** `FAMILY, Given` as one string, for dialogs and accessible names. */
export function writtenName(name: PersonName): string {
  const { family, given, native } = nameParts(name)
  return [family, given].filter(Boolean).join(', ') || native
}

// A capital dotted I cannot be told from a name alone; what has Turkish letters is written the Turkish way.
function upperCase(family: string): string {
  return family.toLocaleUpperCase(/[ğışİ]/u.test(family) ? 'tr' : 'en')
}

// East Asian names stand family first; one-character family names (most Chinese and Korean ones) take no space.
function joined({ family = '', given = '' }: NameGroup): string {
  const together = /^[\p{Script=Han}\p{Script=Hangul}]$/u.test(family)
  return [family, given].filter(Boolean).join(together ? '' : ' ')
}

/** Only what the script alone tells; Han may be Chinese or Japanese, and a wrong guess would choose wrong shapes. */
function languageOf(text: string): string | undefined {
  if (/\p{Script=Hiragana}|\p{Script=Katakana}/u.test(text)) return 'ja'
  if (/\p{Script=Hangul}/u.test(text)) return 'ko'
  if (/\p{Script=Arabic}/u.test(text)) return 'ar'
  if (/\p{Script=Hebrew}/u.test(text)) return 'he'
  if (/\p{Script=Thai}/u.test(text)) return 'th'
  return undefined
}
