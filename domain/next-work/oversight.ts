/** Rows 15 to 18 of the next-work table: what an order leaves to be done even after it ended. */
import { criticalSteps } from '../critical-result.ts'
import type { CriticalResultFact, ExceptionFact, OrderFacts, PerformedStepFact, StudyFact } from '../facts.ts'
import { stoppedBranch } from '../performed-step.ts'
import type { Policy } from '../policy.ts'
import { newestStanding } from '../report-version.ts'
import type { ExceptionKind, Role } from '../words.ts'
import { AT_ONCE, audience, type Candidate } from '../work-item-wanted.ts'
import { roomOf } from './acquisition.ts'

export function oversightRules(facts: OrderFacts, policy: Policy): Candidate[] {
  return [
    ...facts.criticalResults.flatMap((critical) => communicating(critical, policy)),
    ...facts.studies.flatMap((study) => lateImages(facts, study, policy)),
    ...reconciling(facts, policy),
    ...facts.exceptions.flatMap((exception) => mending(facts, exception, policy)),
  ]
}

/** Row 15: whoever found it tells it; with the ladder's second contact it is everybody's who may. */
function communicating(critical: CriticalResultFact, policy: Policy): Candidate[] {
  if (critical.closedAt !== null) return []
  return [
    {
      kind: 'critical',
      subjectType: 'critical-result',
      subjectId: critical.id,
      cycle: 1 + critical.levelChanges,
      audience: audience(['radiologist', 'resident'], {
        userId: critical.foundById,
        widensAt: secondContactAt(critical, policy),
        widensTo: ['radiologist', 'resident', 'lead'],
      }),
      wantedFrom: AT_ONCE,
      dueFrom: critical.foundAt,
      allowance: { ms: policy.critical[critical.level], business: false },
      owner: 'reader',
      blockedBy: null,
    },
  ]
}

function secondContactAt({ foundAt, level }: CriticalResultFact, policy: Policy): Date | null {
  return criticalSteps(foundAt, level, policy)[1]?.plannedAt ?? null
}

/** Row 16: images came after the final report; its signer looks first. */
function lateImages(facts: OrderFacts, study: StudyFact, policy: Policy): Candidate[] {
  const index = study.lateBatches.findIndex((batch) => batch.answeredAt === null)
  const batch = study.lateBatches[index]
  if (batch === undefined) return []
  const procedure = facts.procedures.find((found) => study.procedureIds.includes(found.id))
  return [
    {
      kind: 'late',
      subjectType: 'study',
      subjectId: study.id,
      cycle: study.lateBatches.length,
      audience: audience(['radiologist'], {
        userId: signerOf(facts, study),
        area: procedure?.area ?? null,
        widensAt: new Date(batch.at.getTime() + policy.widenMs.signer),
        widensTo: ['radiologist'],
      }),
      wantedFrom: AT_ONCE,
      dueFrom: batch.at,
      allowance: policy.allowances.late,
      owner: 'reader',
      blockedBy: null,
    },
  ]
}

function signerOf(facts: OrderFacts, study: StudyFact): string | null {
  const standing = facts.reports
    .filter((report) => report.procedureIds.some((id) => study.procedureIds.includes(id)))
    .map(newestStanding)
  return standing.find((version) => version !== null)?.signerId ?? null
}

/** Row 17: whose images are these? */
function reconciling(facts: OrderFacts, policy: Policy): Candidate[] {
  const wrongEntries = facts.performedSteps.filter(
    (performed) => performed.decided === null && isWrongEntry(performed),
  )
  const items = wrongEntries.map((performed) => reconcile(facts, policy, performed))
  return facts.order.identity === 'provisional' ? [reconcile(facts, policy, null), ...items] : items
}

function isWrongEntry(performed: PerformedStepFact): boolean {
  return performed.status === 'DISCONTINUED' && stoppedBranch(performed.reasonCode) === 'reconcile'
}

function reconcile(facts: OrderFacts, policy: Policy, wrongEntry: PerformedStepFact | null): Candidate {
  const since = wrongEntry?.endedAt ?? facts.order.receivedAt
  const stepIds = wrongEntry?.stepIds ?? facts.performedSteps.flatMap((performed) => performed.stepIds)
  return {
    kind: 'reconcile',
    subjectType: wrongEntry === null ? 'order' : 'performed-step',
    subjectId: wrongEntry?.id ?? facts.order.id,
    cycle: 1,
    audience: audience(['technologist'], {
      roomId: roomOf(facts, stepIds),
      widensAt: new Date(since.getTime() + policy.widenMs.room),
      widensTo: ['admin'],
    }),
    wantedFrom: AT_ONCE,
    dueFrom: since,
    allowance: policy.allowances.reconcile[facts.order.priority],
    owner: 'technologist',
    blockedBy: null,
  }
}

const MENDERS: Readonly<Record<ExceptionKind, Role>> = {
  message: 'admin',
  delivery: 'admin',
  'refused-association': 'admin',
  quarantine: 'admin',
  conflict: 'lead',
  identity: 'admin',
  'unmatched-study': 'admin',
}

/** Row 18. */
function mending(facts: OrderFacts, exception: ExceptionFact, policy: Policy): Candidate[] {
  if (exception.closedAt !== null) return []
  return [
    {
      kind: 'mend',
      subjectType: 'exception',
      subjectId: exception.id,
      cycle: 1 + exception.reopened,
      audience: audience([mender(exception.kind)]),
      wantedFrom: AT_ONCE,
      dueFrom: exception.openedAt,
      allowance: policy.allowances.mend[facts.order.priority],
      owner: 'interface',
      blockedBy: null,
    },
  ]
}

/** Whose work an exception is; those without an order get their item from the mutation that writes them. */
export function mender(kind: ExceptionKind): Role {
  return MENDERS[kind]
}
