/** The phase of an order, derived from its procedures, steps, studies and reports: rules P1 to P13 and O1 to O4. */
import type {
  OrderFacts,
  PerformedStepFact,
  ProcedureFact,
  ReportFact,
  StepFact,
  StudyFact,
} from './facts.ts'
import { studyAccepted } from './quality.ts'
import { isReleased, newestStanding, standingVersions } from './report-version.ts'
import type { Phase } from './words.ts'

const RANKED = [
  'ordered',
  'protocolled',
  'scheduled',
  'no-show',
  'arrived',
  'acquiring',
  'acquired',
  'quality-check',
  'reading',
  'preliminary',
  'final',
  'delivered',
] as const satisfies readonly Phase[]

/** Place of a live phase on the order's way, 0 first; -1 for ended and closed, which have no place on it. */
export function rank(phase: Phase): number {
  return (RANKED as readonly Phase[]).indexOf(phase)
}

/** O1 to O4: ended procedures are ignored beside live ones; a patient who is here is here. */
export function orderPhase(facts: OrderFacts): Phase {
  const live = facts.procedures.filter((procedure) => procedure.ended === null)
  if (live.length === 0 && facts.procedures.length > 0) return endedPhase(facts.procedures)
  if (facts.order.closedAt !== null) return 'closed'

  const phases = live.map((procedure) => procedurePhase(facts, procedure))
  const acquired = rank('acquired')
  const beforeImages = phases.filter((phase) => rank(phase) < acquired)
  return beforeImages.length > 0 ? highest(beforeImages) : (lowest(phases) ?? 'ordered')
}

/** P1 to P13, first match wins. */
export function procedurePhase(facts: OrderFacts, procedure: ProcedureFact): Phase {
  if (procedure.ended !== null) return procedure.ended
  return (
    reportedPhase(reportsOf(facts, procedure)) ??
    patientPhase(facts, procedure) ??
    readingPhase(facts, procedure)
  )
}

/** P2 and P3: a version stands; delivered once every required destination has the newest one. */
function reportedPhase(reports: readonly ReportFact[]): Phase | null {
  const standing = reports.filter((report) => standingVersions(report).length > 0)
  if (standing.length === 0) return null
  return standing.every(newestIsDelivered) ? 'delivered' : 'final'
}

/** P4 to P9: somebody is on the table, in the waiting room, in the calendar or not yet planned. */
function patientPhase(facts: OrderFacts, procedure: ProcedureFact): Phase | null {
  const live = liveSteps(procedure)
  const pending = pendingSteps(procedure)
  if (isAcquiring(facts, procedure)) return 'acquiring'
  if (pending.some((step) => step.status === 'arrived' || step.status === 'ready')) return 'arrived'
  if (pending.some((step) => step.status === 'no-show')) return 'no-show'
  if (pending.length > 0 && pending.every((step) => step.status === 'scheduled')) return 'scheduled'
  const nothingToWaitFor = live.length === 0 && !hasVisibleImages(facts, procedure)
  if (pending.length > 0 || nothingToWaitFor) return protocolChosen(procedure) ? 'protocolled' : 'ordered'
  return null
}

/** P10 to P13: images are there, or were promised. */
function readingPhase(facts: OrderFacts, procedure: ProcedureFact): Phase {
  const studies = studiesOf(facts, procedure)
  if (studies.length === 0 || studies.some((study) => !completenessSettled(study))) return 'acquired'
  if (studies.some((study) => !studyAccepted(study) || clarifyOpen(study))) return 'quality-check'
  return reportsOf(facts, procedure).some(firstWordIsOut) ? 'preliminary' : 'reading'
}

/** A step counts unless it was cancelled, stopped for good, or all its images were rejected. */
export function isLive(step: StepFact): boolean {
  return step.status !== 'cancelled' && step.status !== 'discontinued' && !step.voided
}

export function liveSteps(procedure: ProcedureFact): StepFact[] {
  return procedure.steps.filter(isLive)
}

/** Live steps whose exam is not over. */
export function pendingSteps(procedure: ProcedureFact): StepFact[] {
  return liveSteps(procedure).filter((step) => step.status !== 'departed')
}

/** A rule's choice is made as soon as the code is known; a reader's is a fact somebody writes. */
export function protocolChosen(procedure: ProcedureFact): boolean {
  return procedure.protocolChosenBy !== null || (procedure.protocolling === 'rule' && procedure.codeKnown)
}

/** Complete, inferred, or accepted incomplete by a person. */
export function completenessSettled(study: StudyFact): boolean {
  const verdict = study.completeness?.verdict ?? 'waiting'
  if (verdict === 'waiting') return false
  return verdict !== 'incomplete' || study.incompleteAcceptedAt !== null
}

export function studiesOf(facts: OrderFacts, procedure: ProcedureFact): StudyFact[] {
  return facts.studies.filter((study) => study.procedureIds.includes(procedure.id))
}

export function reportsOf(facts: OrderFacts, procedure: ProcedureFact): ReportFact[] {
  return facts.reports.filter((report) => report.procedureIds.includes(procedure.id))
}

/**
 * Performed steps of a procedure: through its scheduled steps or, when unscheduled, through its study.
 * Two grouped procedures share a study, so a step that names a scheduled step belongs to that one alone.
 */
export function performedStepsOf(facts: OrderFacts, procedure: ProcedureFact): PerformedStepFact[] {
  const stepIds = new Set(procedure.steps.map((step) => step.id))
  const studyIds = new Set(studiesOf(facts, procedure).map((study) => study.id))
  return facts.performedSteps.filter((performed) =>
    performed.stepIds.length > 0
      ? performed.stepIds.some((id) => stepIds.has(id))
      : performed.studyId !== null && studyIds.has(performed.studyId),
  )
}

function isAcquiring(facts: OrderFacts, procedure: ProcedureFact): boolean {
  const onTable = performedStepsOf(facts, procedure).some((performed) => performed.status === 'IN PROGRESS')
  return onTable || liveSteps(procedure).some((step) => step.status === 'started')
}

function hasVisibleImages(facts: OrderFacts, procedure: ProcedureFact): boolean {
  return studiesOf(facts, procedure).some((study) => study.visibleInstances > 0)
}

function clarifyOpen(study: StudyFact): boolean {
  return study.returns.some((asked) => asked.kind === 'clarify' && asked.answeredAt === null)
}

function firstWordIsOut(report: ReportFact): boolean {
  if (report.state === 'CANCELLED') return false
  return report.versions.some(
    (version) => (version.kind === 'wet-read' || version.kind === 'preliminary') && isReleased(version),
  )
}

function newestIsDelivered(report: ReportFact): boolean {
  const newest = newestStanding(report)
  if (newest === null || newest.releasedAt === null) return false
  return newest.deliveries.every((delivery) => !delivery.required || delivery.acknowledgedAt !== null)
}

function endedPhase(procedures: readonly ProcedureFact[]): Phase {
  return procedures.some((procedure) => procedure.ended === 'discontinued') ? 'discontinued' : 'cancelled'
}

function highest(phases: readonly Phase[]): Phase {
  return phases.reduce((found, phase) => (rank(phase) > rank(found) ? phase : found))
}

function lowest(phases: readonly Phase[]): Phase | null {
  if (phases.length === 0) return null
  return phases.reduce((found, phase) => (rank(phase) < rank(found) ? phase : found))
}
