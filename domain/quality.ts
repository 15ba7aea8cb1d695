/** The quality gate of a study: which cycle it stands in, and whether that cycle let it on to the readers. */
import type { QualityDecisionFact, StudyFact } from './facts.ts'

/**
 * Cycle of the quality check a study now needs, from 1.
 * Whatever changes the pictures a reader would see (a rejection, an answered return, more images, images moved, a
 * verdict taken back) asks for another look; an acceptance does not.
 */
export function qualityCycle(study: StudyFact): number {
  const rejections = study.qualityDecisions.filter(asksForAnother).length
  const answered = study.returns.filter((asked) => asked.answeredAt !== null).length
  return 1 + rejections + answered + study.appendedBatches + study.verdictsTakenBack + study.moves.length
}

/** Is the present cycle accepted? */
export function studyAccepted(study: StudyFact): boolean {
  const cycle = qualityCycle(study)
  return study.qualityDecisions.some((decision) => decision.cycle === cycle && letsOn(study, decision))
}

/** Has somebody looked in the present cycle, and let it on? What the clock let on still waits for that. */
export function studyChecked(study: StudyFact): boolean {
  const cycle = qualityCycle(study)
  return study.qualityDecisions.some(
    (decision) => decision.cycle === cycle && !decision.unchecked && letsOn(study, decision),
  )
}

/** Was any cycle ever accepted? Reading opens at the first and stays open. */
export function everAccepted(study: StudyFact): boolean {
  return firstAcceptance(study) !== null
}

export function firstAcceptance(study: StudyFact): QualityDecisionFact | null {
  const since = emptiedAt(study)
  return (
    study.qualityDecisions.find((decision) => letOn(decision) && (since === null || decision.at > since)) ??
    null
  )
}

/** When its last image was moved away: what was decided before was about another's images. */
function emptiedAt(study: StudyFact): Date | null {
  return study.moves.findLast((move) => move.emptied)?.at ?? null
}

/** Has nobody looked yet at what came of a repeat that a reader asked for? */
export function retakeUnchecked(study: StudyFact): boolean {
  const answeredAt = study.returns.findLast((asked) => asked.kind === 'retake')?.answeredAt ?? null
  if (answeredAt === null) return false
  return !study.qualityDecisions.some(
    (decision) => !decision.unchecked && letsOn(study, decision) && decision.at > answeredAt,
  )
}

/** Were images moved since it was last let on? */
export function movedUnchecked(study: StudyFact): boolean {
  return study.moves.length > 0 && !studyChecked(study)
}

/** A rejection without a repeat accepts what is left; with nothing left there is nothing to accept. */
function letsOn(study: StudyFact, decision: QualityDecisionFact): boolean {
  return decision.decision === 'accepted' || (letOn(decision) && study.visibleInstances > 0)
}

/** Whatever became of its images since. */
function letOn({ decision, repeated }: QualityDecisionFact): boolean {
  return decision === 'accepted' || !repeated
}

function asksForAnother(decision: QualityDecisionFact): boolean {
  return decision.decision === 'rejected' && decision.repeated
}

/** What a batch of images is to its study: awaited, one more quality cycle, or news after the final report. */
export type BatchKind = 'awaited' | 'appended' | 'late'

/** @see StudyFact.appendedBatches and StudyFact.lateBatches, which count these. */
export function batchKind(study: { settled: boolean; versionStands: boolean }): BatchKind {
  if (study.versionStands) return 'late'
  return study.settled ? 'appended' : 'awaited'
}
