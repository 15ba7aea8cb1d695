/** Why a case is put back or taken from somebody, and why another's report is amended: coded, each with what it brings about. */
import { PAUSE_REASONS } from '#domain/words.ts'
import { t, wordFor } from '../strings/words.ts'
import type { Reason } from '../ui/reason-picker.tsx'

export const SKIP_REASONS: Reason[] = [
  'other-area',
  'waiting-prior',
  'waiting-lab',
  'waiting-referrer',
  'images-poor',
  'too-complex',
  'other',
].map((code) => ({
  code,
  word: wordFor('skip', code),
  consequence: consequenceOf(code),
}))

function consequenceOf(code: string): string | undefined {
  if (code === 'other-area') return t('skip.other-area-consequence')
  return PAUSE_REASONS.some((each) => each === code) ? t('skip.pauses') : undefined
}

export const TAKE_OVER_REASONS: Reason[] = ['asked', 'absent', 'urgent', 'other'].map((code) => ({
  code,
  word: wordFor('take-over', code),
}))

export const AMENDMENT_REASONS: Reason[] = ['information', 'error', 'asked', 'absent', 'other'].map(
  (code) => ({
    code,
    word: wordFor('amend-reason', code),
  }),
)
