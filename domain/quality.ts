/** The quality gate of a study: which cycle it stands in, and whether that cycle let it on to the readers. */
import type { QualityDecisionFact, StudyFact } from './facts.ts'

/**
 * Cycle of the quality check a study now needs, from 1.
 * Whatever changes the pictures a reader would see (a rejection, an answered return, more images, a verdict taken
 * back) asks for another look; an acceptance does not.
 */
export function qualityCycle(study: StudyFact): number {
  const rejections = study.qualityDecisions.filter(asksForAnother).length
  const answered = study.returns.filter((asked) => asked.answeredAt !== null).length
  return 1 + rejections + answered + study.appendedBatches + study.verdictsTakenBack
}

/** Is the present cycle accepted? */
export function studyAccepted(study: StudyFact): boolean {
  const cycle = qualityCycle(study)
  return study.qualityDecisions.some((decision) => decision.cycle === cycle && letsOn(study, decision))
}

/** Was any cycle ever accepted? Reading opens at the first and stays open. */
export function everAccepted(study: StudyFact): boolean {
  return firstAcceptance(study) !== null
}

export function firstAcceptance(study: StudyFact): QualityDecisionFact | null {
  return study.qualityDecisions.find((decision) => letsOn(study, decision)) ?? null
}

/** A rejection without a repeat accepts what is left; with nothing left there is nothing to accept. */
function letsOn(study: StudyFact, decision: QualityDecisionFact): boolean {
  return decision.decision === 'accepted' || (!decision.repeated && study.visibleInstances > 0)
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
