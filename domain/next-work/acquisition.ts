/** Rows 6 to 11 of the next-work table: performing, stopped exams, completeness, the quality gate and questions. */
import { localDate, startOfDay } from '../calendar.ts'
import type { OrderFacts, PerformedStepFact, ProcedureFact, StepFact, StudyFact } from '../facts.ts'
import { stoppedBranch, takenByRule } from '../performed-step.ts'
import { completenessSettled, pendingSteps } from '../phase.ts'
import type { Policy } from '../policy.ts'
import { everAccepted, qualityCycle, studyChecked } from '../quality.ts'
import { isReleased, standingVersions } from '../report-version.ts'
import { AT_ONCE, audience, type Candidate } from '../work-item-wanted.ts'

export function acquisitionRules(facts: OrderFacts, policy: Policy): Candidate[] {
  const live = facts.procedures.filter((procedure) => procedure.ended === null)
  const studies = facts.studies.filter((study) => isUnread(facts, study, live))
  return [
    ...live.flatMap((procedure) => performing(facts, procedure, policy)),
    ...facts.performedSteps.flatMap((performed) => deciding(facts, performed, policy)),
    ...studies.flatMap((study) => completing(facts, study, policy)),
    ...unseenSilence(facts, policy),
    ...studies.flatMap((study) => checking(facts, study, policy)),
    ...studies.flatMap((study) => clarifying(facts, study, policy)),
  ]
}

/** A study still on its way to its first report: what comes after a final version is row 16's. */
function isUnread(facts: OrderFacts, study: StudyFact, live: readonly ProcedureFact[]): boolean {
  return live.some((procedure) => study.procedureIds.includes(procedure.id) && !isReported(facts, procedure))
}

// A signature that may still be taken back ends no check: taken back, it would find one that never opens again.
function isReported(facts: OrderFacts, procedure: ProcedureFact): boolean {
  return facts.reports.some(
    (report) => report.procedureIds.includes(procedure.id) && standingVersions(report).some(isReleased),
  )
}

/** Rows 6 and 10: a booked patient on the day, a present one at once, a repeat within half an hour. */
function performing(facts: OrderFacts, procedure: ProcedureFact, policy: Policy): Candidate[] {
  return pendingSteps(procedure).flatMap((step) => {
    const from = performFrom(facts, step)
    if (from === null) return []
    const due = performDue(step, from, policy)
    return [
      {
        kind: 'perform',
        subjectType: 'step',
        subjectId: step.id,
        // A moved booking is another day's work, and so is who comes after all: what was over can't be opened again.
        cycle: Math.max(1, step.bookings) + step.noShows + step.undoneArrivals + step.undoneBegins,
        audience: audience(['technologist'], { roomId: step.roomId }),
        wantedFrom: step.status === 'scheduled' ? from : AT_ONCE,
        ...due,
        owner: step.status === 'scheduled' ? 'patient' : 'technologist',
        blockedBy: null,
      } satisfies Candidate,
    ]
  })
}

function performFrom(facts: OrderFacts, step: StepFact): Date | null {
  const { zone } = facts.calendar
  if (step.status === 'scheduled' && step.slotStart !== null) {
    return startOfDay(zone, localDate(zone, step.slotStart))
  }
  const present = step.status === 'arrived' || step.status === 'ready' || step.status === 'started'
  return present ? (step.arrivedAt ?? step.slotStart ?? step.plannedSince) : null
}

function performDue(
  step: StepFact,
  from: Date,
  policy: Policy,
): Pick<Candidate, 'dueFrom' | 'dueAt' | 'allowance'> {
  if (step.fromRetake !== null && step.slotStart === null) {
    return { dueFrom: step.fromRetake.askedAt, allowance: policy.allowances.retake }
  }
  const start = step.slotStart ?? from
  const dueFrom = from < start ? from : start
  return { dueFrom, dueAt: start, allowance: { ms: start.getTime() - dueFrom.getTime(), business: false } }
}

/** Row 7: a stopped exam that no rule takes, unless another performed step already ended its steps well. */
function deciding(facts: OrderFacts, performed: PerformedStepFact, policy: Policy): Candidate[] {
  const stopped = performed.status === 'DISCONTINUED' && performed.decided === null
  const answered = stoppedBranch(performed.reasonCode) === 'reconcile' || takenByRule(performed)
  if (!stopped || answered || performed.endedAt === null || stepsOver(facts, performed)) return []
  return [
    {
      kind: 'decide',
      subjectType: 'performed-step',
      subjectId: performed.id,
      cycle: 1 + performed.moves,
      audience: audience(['technologist'], { roomId: roomOf(facts, performed.stepIds) }),
      wantedFrom: AT_ONCE,
      dueFrom: performed.endedAt,
      allowance: policy.allowances.decide,
      owner: 'technologist',
      blockedBy: null,
    },
  ]
}

function stepsOver(facts: OrderFacts, performed: PerformedStepFact): boolean {
  const steps = facts.procedures
    .flatMap((procedure) => procedure.steps)
    .filter((step) => performed.stepIds.includes(step.id))
  const over = (step: StepFact) => ['departed', 'discontinued', 'cancelled'].includes(step.status)
  return steps.length > 0 && steps.every(over)
}

/** Row 8: images are missing, or the device fell silent with the exam still running. */
function completing(facts: OrderFacts, study: StudyFact, policy: Policy): Candidate[] {
  const { completeness } = study
  const incomplete = completeness?.verdict === 'incomplete' && study.incompleteAcceptedAt === null
  const silent = facts.performedSteps
    .filter((performed) => performed.studyId === study.id)
    .flatMap((performed) => silentFrom(performed, policy))
  const since = incomplete && completeness !== null ? completeness.decidedAt : earliest(silent)
  if (since === null) return []
  return [
    {
      kind: 'complete',
      subjectType: 'study',
      subjectId: study.id,
      // A resend puts the verdict back to waiting, so resends and verdicts that changed count as one.
      cycle: 1 + study.earlierIncompletes,
      audience: audience(['technologist'], { roomId: roomOfStudy(facts, study) }),
      wantedFrom: incomplete ? AT_ONCE : since,
      dueFrom: since,
      allowance: policy.allowances.complete,
      owner: incomplete ? 'technologist' : 'device',
      blockedBy: null,
    },
  ]
}

/** Row 8 before any image: a step that was begun and never heard of again has no study to hang the item on. */
function unseenSilence(facts: OrderFacts, policy: Policy): Candidate[] {
  return facts.performedSteps
    .filter((performed) => performed.studyId === null)
    .flatMap((performed) =>
      silentFrom(performed, policy).map((since) => ({
        kind: 'complete' as const,
        subjectType: 'performed-step' as const,
        subjectId: performed.id,
        cycle: 1,
        audience: audience(['technologist'], { roomId: roomOf(facts, performed.stepIds) }),
        wantedFrom: since,
        dueFrom: since,
        allowance: policy.allowances.complete,
        owner: 'device' as const,
        blockedBy: null,
      })),
    )
}

function silentFrom(performed: PerformedStepFact, policy: Policy): Date[] {
  if (performed.status !== 'IN PROGRESS') return []
  return [new Date(performed.lastSignOfLifeAt.getTime() + policy.completeness.mppsSilenceMs)]
}

/** Row 9: somebody looks before a reader does. A repeat that is still to be made is looked at when it is there. */
function checking(facts: OrderFacts, study: StudyFact, policy: Policy): Candidate[] {
  const ready = completenessSettled(study) && study.storedInstances > 0
  if (!ready || studyChecked(study) || repeatPending(facts, study)) return []
  const dueFrom = endOf(facts, study)
  return [
    {
      kind: 'quality',
      subjectType: 'study',
      subjectId: study.id,
      cycle: qualityCycle(study),
      audience: audience(['technologist', 'lead']),
      wantedFrom: AT_ONCE,
      dueFrom,
      allowance: policy.quality.allowance[facts.order.priority],
      owner: 'technologist',
      // Blocked and not taken away: its key never opens again. With every image withdrawn there is nothing to look at,
      // until one is given back or another comes; with images of somebody else among them, until they are where they belong.
      blockedBy: study.moveOpen ? 'move' : study.visibleInstances === 0 ? 'retake' : null,
    },
  ]
}

/**
 * May the clock let this study on, unlooked at (QA-01)? Only what was never let on, and of which nobody doubts anything:
 * no image of another's, none being made again.
 */
export function mayGoUnchecked(facts: OrderFacts, study: StudyFact, policy: Policy): boolean {
  if (policy.quality.onTimeout[facts.order.priority] !== 'accept-unchecked') return false
  const isSound = study.moves.length === 0 && !study.moveOpen && !repeatPending(facts, study)
  return isSound && completenessSettled(study) && study.visibleInstances > 0 && !everAccepted(study)
}

/** A repeat was asked and its step isn't over. */
export function repeatPending(facts: OrderFacts, study: StudyFact): boolean {
  return facts.procedures
    .filter((procedure) => procedure.ended === null && study.procedureIds.includes(procedure.id))
    .flatMap(pendingSteps)
    .some((step) => step.fromRetake !== null)
}

/** The quality clock starts when the exam ended, not when we decided that it had. */
function endOf(facts: OrderFacts, study: StudyFact): Date {
  const ends = facts.performedSteps
    .filter((performed) => performed.studyId === study.id)
    .flatMap((performed) => performed.endedAt ?? [])
  const changes = [study.qualityDecisions.at(-1)?.at ?? [], study.moves.at(-1)?.at ?? []].flat()
  const known = [...ends, ...changes]
  return latest(known) ?? study.completeness?.decidedAt ?? facts.order.receivedAt
}

/** Row 11: a reader's question to whoever made the images. */
function clarifying(facts: OrderFacts, study: StudyFact, policy: Policy): Candidate[] {
  const asked = study.returns.filter((entry) => entry.kind === 'clarify')
  const index = asked.findIndex((entry) => entry.answeredAt === null)
  const question = asked[index]
  if (question === undefined) return []
  return [
    {
      kind: 'clarify',
      subjectType: 'study',
      subjectId: study.id,
      cycle: index + 1,
      audience: audience(['technologist'], { roomId: roomOfStudy(facts, study) }),
      wantedFrom: AT_ONCE,
      dueFrom: question.askedAt,
      allowance: policy.allowances.clarify,
      owner: 'technologist',
      blockedBy: null,
    },
  ]
}

export function roomOf(facts: OrderFacts, stepIds: readonly string[]): string | null {
  const steps = facts.procedures.flatMap((procedure) => procedure.steps)
  return steps.find((step) => stepIds.includes(step.id))?.roomId ?? null
}

export function roomOfStudy(facts: OrderFacts, study: StudyFact): string | null {
  const stepIds = facts.performedSteps
    .filter((performed) => performed.studyId === study.id)
    .flatMap((performed) => performed.stepIds)
  return roomOf(facts, stepIds)
}

function earliest(instants: readonly Date[]): Date | null {
  return instants.length === 0 ? null : new Date(Math.min(...instants.map((instant) => instant.getTime())))
}

function latest(instants: readonly Date[]): Date | null {
  return instants.length === 0 ? null : new Date(Math.max(...instants.map((instant) => instant.getTime())))
}
