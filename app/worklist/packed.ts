/** A long list on its way to a screen as one text: fifty screens ask at once, and walking every field is dear. */
import { useMemo } from 'react'

/** Carries its type along; it is nothing but JSON. */
export type Packed<T> = string & { readonly holds?: T }

export function pack<T>(value: T): Packed<T> {
  return JSON.stringify(value)
}

/** The same list again for the same text, so that nothing is drawn anew that didn't change. */
export function usePacked<T>(text: Packed<T>): T {
  return useMemo(() => JSON.parse(text) as T, [text])
}
