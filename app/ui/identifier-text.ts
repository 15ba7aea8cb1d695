/** A patient's numbers as they stand beside the name. */
import { NONE } from './format.ts'

/** One number stands alone; several say whose they are. */
export function identifierText(identifiers: { value: string; issuer: string }[]): string {
  if (identifiers.length === 0) return NONE
  if (identifiers.length === 1) return identifiers[0]?.value ?? NONE
  return identifiers.map(({ value, issuer }) => `${value} (${issuer})`).join(', ')
}
