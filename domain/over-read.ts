/** The over-read: who signs another's words only with a grade, and when whoever got the first word must hear that it changed. */
import type { Agreement, ReportVersionKind, Role } from './words.ts'

/** What was handed on by somebody who may not sign is graded by whoever signs it. */
export function gradeIsDue(
  report: { authorId: string | null; authorRole: Role; submissions: number },
  signerId: string,
): boolean {
  return report.authorRole === 'resident' && report.submissions > 0 && report.authorId !== signerId
}

export const SEND_BACK_REASONS = ['incomplete', 'wrong', 'missed', 'question', 'wording', 'other'] as const
/** Why a submitted report goes back to its author; `other` says it in words. */
export type SendBackReason = (typeof SEND_BACK_REASONS)[number]

export function isSendBackReason(reason: string): reason is SendBackReason {
  return (SEND_BACK_REASONS as readonly string[]).includes(reason)
}

interface Sections {
  sections: readonly { key: string; text: string }[]
}

export interface FirstWord extends Sections {
  kind: Extract<ReportVersionKind, 'wet-read' | 'preliminary'>
  /** A receiver has it, or may have it: somebody may have acted on it. */
  actedOn: boolean
}

/**
 * Must the area that got a first word hear that the final one is another? A major disagreement with any word that is
 * out is told; after a wet read that somebody may have acted on, any change of what it said is.
 * @param firstWords the released ones, oldest first
 */
export function firstWordChanged(
  firstWords: readonly FirstWord[],
  final: Sections & { agreement: Agreement | null },
): boolean {
  if (final.agreement === 'major' && firstWords.length > 0) return true
  const wetRead = firstWords.findLast(({ kind }) => kind === 'wet-read')
  if (!wetRead?.actedOn) return false
  return wetRead.sections.some(({ key, text }) => said(text) !== said(textOf(final, key)))
}

/** A wet read is the impression alone: one short word, before there are findings. */
export function wetReadOf<T extends { key: string; text: string }>(sections: readonly T[]): T[] {
  return sections.filter(({ key, text }) => key === 'impression' && text.trim() !== '')
}

const textOf = ({ sections }: Sections, key: string): string =>
  sections.find((section) => section.key === key)?.text ?? ''

// Another line break, capital or full stop is no other word.
function said(text: string): string {
  const words = text.toLowerCase().replace(/[.,;:!?]+(?=\s|$)/gu, '')
  return words.trim().split(/\s+/u).join(' ')
}
