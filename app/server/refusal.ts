/** What an action answers when the department refuses: a code to branch on and a sentence to show. */
import { ulid } from '#db/ulid.ts'
import { RadiologyError, type RefusalCode, refusalCode } from '#domain/errors.ts'
import { hasWord, t } from '../strings/words.ts'

export interface Refused {
  ok: false
  code: RefusalCode | 'unknown'
  sentence: string
}

/** @throws whatever is no refusal of the department's: that is a fault, and the page says so */
export function refusedOf(error: unknown): Refused {
  const code = refusalCode(error)
  if (code === null) throw error
  const by = error instanceof RadiologyError ? `refusal.${code}.${error.refs.by}` : ''
  const key = hasWord(by) ? by : `refusal.${code}`
  if (hasWord(key)) return { ok: false, code, sentence: t(key) }
  return { ok: false, code, sentence: t('refusal.unknown', { reference: ulid() }) }
}

/** Runs an act; a refusal becomes the answer. */
export async function answer<T extends object>(act: () => Promise<T>): Promise<(T & { ok: true }) | Refused> {
  try {
    return { ...(await act()), ok: true }
  } catch (error) {
    return refusedOf(error)
  }
}
