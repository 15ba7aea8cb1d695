/** Every word a person sees, by key: one lookup, so that a second language is a second catalogue and nothing else. */
import { en } from './en.ts'

export type WordKey = keyof typeof en
export type WordValues = Readonly<Record<string, string | number>>
/** A phrase, or its plural forms as the language counts (CLDR categories), chosen by the value `n`. */
export type Phrase = string | { readonly one: string; readonly other: string; readonly few?: string }

/** One catalogue, one language; a second one is chosen per person by its own file beside `en.ts`. */
const LOCALE = 'en-GB'
const plural = new Intl.PluralRules(LOCALE)

/** The phrase for `key`, its `{places}` filled. A place without a value stays visible: better odd than silent. */
export function t(key: WordKey, values: WordValues = {}): string {
  const phrase: Phrase = en[key]
  return fill(typeof phrase === 'string' ? phrase : pluralForm(phrase, values.n), values)
}

/** For words that arrive as codes (reasons, event types): the catalogue's word, or the code itself. */
export function wordFor(prefix: string, code: string): string {
  const key = `${prefix}.${code}`
  return Object.hasOwn(en, key) ? t(key as WordKey) : code
}

export function hasWord(key: string): key is WordKey {
  return Object.hasOwn(en, key)
}

function pluralForm(forms: Exclude<Phrase, string>, n: string | number | undefined): string {
  const category = plural.select(Number(n ?? 0))
  return (category in forms ? forms[category as keyof typeof forms] : undefined) ?? forms.other
}

function fill(phrase: string, values: WordValues): string {
  return phrase.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name]
    if (value === undefined) return place
    return typeof value === 'number' ? value.toLocaleString(LOCALE) : value
  })
}
