/** Generators for the property tests of this folder; nothing else imports them. */
import fc from 'fast-check'
import type { Delimiters } from './delimiters.ts'

/** Any different characters that may be delimiters; a full stop is part of escape sequences and serves nobody. */
export const anyDelimiters: fc.Arbitrary<Delimiters> = fc
  .uniqueArray(fc.constantFrom(..."|^~\\&#@!$%*()-_=+[]{};:'<>,?/`"), { minLength: 6, maxLength: 6 })
  .map(([field, component, repetition, escaping, subcomponent, truncation]) => ({
    field: field!,
    component: component!,
    repetition: repetition!,
    escape: escaping!,
    subcomponent: subcomponent!,
    truncation: truncation!,
  }))

/** All of Unicode less control characters, with line feeds. */
export const anyText = fc
  .string({ unit: 'binary', maxLength: 40 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters have no escape and are left out
  .map((text) => text.replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ''))
