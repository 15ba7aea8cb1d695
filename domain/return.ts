/** What a reader asks of a technologist, why, and what may come of it. */

export const RETURN_KINDS = ['clarify', 'retake'] as const
export type ReturnKind = (typeof RETURN_KINDS)[number]

export const RETURN_REASONS = [
  'positioning',
  'motion',
  'coverage',
  'contrast-phase',
  'side',
  'history',
  'other',
] as const
export type ReturnReason = (typeof RETURN_REASONS)[number]

/** `answered` in words · `retaken`: the repeat was made · `not-possible`: it will not be · `moved`: the images were another's. */
export type ReturnAnswer = 'answered' | 'retaken' | 'not-possible' | 'moved'
