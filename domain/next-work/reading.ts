/** Rows 12 to 14 of the next-work table: reading, signing what another wrote, and drafts that nobody finishes. */
import type { OrderFacts, ProcedureFact, ReportFact, StudyFact } from '../facts.ts'
import type { Policy } from '../policy.ts'
import { everAccepted, firstAcceptance, movedUnchecked, retakeUnchecked } from '../quality.ts'
import { isFinalKind, isReleased, standingVersions } from '../report-version.ts'
import { readingAllowance } from '../sla.ts'
import { AT_ONCE, audience, type Candidate } from '../work-item-wanted.ts'
import { repeatPending } from './acquisition.ts'

export function readingRules(facts: OrderFacts, policy: Policy): Candidate[] {
  return [
    ...facts.studies.flatMap((study) => reading(facts, study, policy)),
    ...facts.reports.flatMap((report) => signing(facts, report, policy)),
    ...facts.reports.flatMap((report) => watching(facts, report, policy)),
  ]
}

/** Row 12: accepted once, and a procedure of it is still unread. */
function reading(facts: OrderFacts, study: StudyFact, policy: Policy): Candidate[] {
  const accepted = firstAcceptance(study)
  const unread = facts.procedures.filter(
    (procedure) =>
      procedure.ended === null && study.procedureIds.includes(procedure.id) && !isReadOn(facts, procedure),
  )
  const first = unread[0]
  if (accepted === null || first === undefined) return []
  return [
    {
      kind: 'read',
      subjectType: 'study',
      subjectId: study.id,
      cycle: 1 + readingsUndone(facts, study) + study.moves.filter((move) => move.emptied).length,
      audience: audience(['radiologist', 'resident'], { area: first.area }),
      wantedFrom: AT_ONCE,
      dueFrom: accepted.at,
      allowance: readingAllowance(
        policy,
        facts.order.priority,
        facts.order.patientClass,
        shortestSla(unread),
      ),
      owner: 'reader',
      blockedBy: blockedBy(facts, study),
    },
  ]
}

/** Of a study with several procedures the one that promises most. */
function shortestSla(procedures: readonly ProcedureFact[]): number | null {
  const own = procedures.flatMap(({ slaMinutes }) => slaMinutes ?? [])
  return own.length === 0 ? null : Math.min(...own)
}

/** Read to the end, or handed on: by a resident's preliminary, or by anybody's submission. */
function isReadOn(facts: OrderFacts, procedure: ProcedureFact): boolean {
  return facts.reports
    .filter((report) => report.procedureIds.includes(procedure.id))
    .some((report) => standingVersions(report).length > 0 || handedOn(report))
}

/** By what was done with it, not by who its author is today: a resident becomes a radiologist overnight. */
function handedOn({ state, submissions }: ReportFact): boolean {
  return state === 'PENDING_SIGN' || state === 'SIGN_REJECTED' || (state === 'PRELIM' && submissions > 0)
}

/** A radiologist's first word about what was sent back does not end it: it is still theirs to finish. */
function wasSentBack({ state, sentBackAt }: ReportFact): boolean {
  return sentBackAt !== null && (state === 'SIGN_REJECTED' || state === 'PRELIM')
}

/** Recalled final versions and retracted reports: each asks for another reading. */
function readingsUndone(facts: OrderFacts, study: StudyFact): number {
  return facts.reports
    .filter((report) => report.procedureIds.some((id) => study.procedureIds.includes(id)))
    .reduce((sum, report) => sum + recalls(report) + (wasRetracted(report) ? 1 : 0), 0)
}

function recalls(report: ReportFact): number {
  return report.versions.filter((version) => version.kind === 'final' && version.recalledAt !== null).length
}

/** Cancelled after it had ended a reading; a draft that was only thrown away leaves its reading open. */
function wasRetracted(report: ReportFact): boolean {
  if (report.state !== 'CANCELLED') return false
  const signed = report.versions.some((version) => isFinalKind(version) && version.recalledAt === null)
  return signed || report.submissions > 0
}

function blockedBy(facts: OrderFacts, study: StudyFact): Candidate['blockedBy'] {
  if (study.moveOpen || movedUnchecked(study)) return 'move'
  const open = study.returns.filter((asked) => asked.answeredAt === null)
  if (open.some((asked) => asked.kind === 'clarify')) return 'clarify'
  const isAwaited = open.length > 0 || repeatPending(facts, study) || retakeUnchecked(study)
  // With every image withdrawn there is nothing to read, and it stays to be read: its key never opens again.
  return isAwaited || study.visibleInstances === 0 ? 'retake' : null
}

/** Row 13: a second pair of eyes, or the author again. */
function signing(facts: OrderFacts, report: ReportFact, policy: Policy): Candidate[] {
  const allowance = policy.allowances.sign[facts.order.priority]
  const area = areaOf(facts, report)
  const base = {
    subjectType: 'report',
    subjectId: report.id,
    allowance,
    owner: 'reader',
    blockedBy: isMoving(facts, report) ? 'move' : null,
  } as const
  const since = (instant: Date) => ({ wantedFrom: AT_ONCE, dueFrom: instant })
  const cycle = Math.max(1, report.submissions) + recalls(report)

  if (wasSentBack(report) && report.sentBackAt !== null) {
    const widensAt = new Date(report.sentBackAt.getTime() + policy.widenMs.author)
    const circle = audience([report.authorRole], {
      userId: report.authorId,
      area,
      widensAt,
      widensTo: ['radiologist'],
    })
    return [{ ...base, ...since(report.sentBackAt), kind: 'sent-back', cycle, audience: circle }]
  }
  const kind = secondReading(report)
  if (kind === null || report.submittedAt === null) return []
  const circle = audience(['radiologist'], { area, exceptUserId: report.authorId })
  return [{ ...base, ...since(report.submittedAt), kind, cycle, audience: circle }]
}

/** A first word that ended its reading was a resident's: a radiologist goes on reading after theirs. */
function secondReading(report: ReportFact): 'sign' | 'over-read' | null {
  if (report.state === 'PRELIM') return handedOn(report) ? 'over-read' : null
  if (report.state !== 'PENDING_SIGN') return null
  return (report.handedOnAs ?? report.authorRole) === 'resident' ? 'over-read' : 'sign'
}

/** Images came to its studies or left them, and nobody has looked since. */
function isMoving(facts: OrderFacts, report: ReportFact): boolean {
  return facts.studies
    .filter((study) => study.procedureIds.some((id) => report.procedureIds.includes(id)))
    .some((study) => study.moveOpen || movedUnchecked(study))
}

/** Row 14: the earliest of a draft without heartbeat, a word or a submission without a final, an amendment left open. */
function watching(facts: OrderFacts, report: ReportFact, policy: Policy): Candidate[] {
  const since = earliest(forgottenFrom(report, policy))
  if (since === null || report.state === 'CANCELLED') return []
  return [
    {
      kind: 'watchdog',
      subjectType: 'report',
      subjectId: report.id,
      cycle: 1 + report.watchdogsAnswered,
      audience: audience([report.authorRole], {
        userId: report.authorId,
        area: areaOf(facts, report),
        widensAt: new Date(since.getTime() + policy.widenMs.author),
        widensTo: ['lead'],
      }),
      wantedFrom: since,
      dueFrom: since,
      allowance: policy.allowances.watchdog,
      owner: 'reader',
      blockedBy: null,
    },
  ]
}

function forgottenFrom(report: ReportFact, policy: Policy): Date[] {
  const stands = standingVersions(report).length > 0
  const found: Date[] = []
  // Handed on, it is somebody's item: it waits from then on, whether or not the draft is touched.
  if (report.draftTouchedAt !== null && !stands && !handedOn(report)) {
    found.push(later(report.draftTouchedAt, policy.watchdog.draftSilenceMs))
  }
  const waitsSince = stands ? null : unfinishedSince(report)
  if (waitsSince !== null) found.push(later(waitsSince, policy.watchdog.wetReadMs))
  if (report.amendmentOpenedAt !== null) {
    found.push(later(report.amendmentOpenedAt, policy.watchdog.amendmentMs))
  }
  return found
}

/** When the word that is out was given, or the report was handed on; null while it is a draft that nobody has seen. */
function unfinishedSince({ state, versions, submittedAt, sentBackAt }: ReportFact): Date | null {
  switch (state) {
    case 'WET_READ':
    case 'PRELIM':
      return versions.find(isReleased)?.signedAt ?? null
    case 'PENDING_SIGN':
      return submittedAt
    case 'SIGN_REJECTED':
      return sentBackAt
    default:
      return null
  }
}

export function areaOf(facts: OrderFacts, report: ReportFact): string | null {
  return facts.procedures.find((procedure) => report.procedureIds.includes(procedure.id))?.area ?? null
}

/** A study a reader may open: the quality gate let it on at least once. */
export function readable(study: StudyFact): boolean {
  return everAccepted(study) && study.visibleInstances > 0
}

function earliest(instants: readonly Date[]): Date | null {
  return instants.length === 0 ? null : new Date(Math.min(...instants.map((instant) => instant.getTime())))
}

function later(from: Date, ms: number): Date {
  return new Date(from.getTime() + ms)
}
