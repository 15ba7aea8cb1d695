/** Rows 1 to 5 of the next-work table: mapping, protocol, safety, scheduling and rebooking. */
import type { OrderFacts, ProcedureFact, StepFact } from '../facts.ts'
import { liveSteps, pendingSteps, protocolChosen } from '../phase.ts'
import type { Policy } from '../policy.ts'
import { gateExpiresAt, gateState } from '../safety.ts'
import { AT_ONCE, audience, type Candidate } from '../work-item-wanted.ts'

export function planningRules(facts: OrderFacts, policy: Policy): Candidate[] {
  return facts.procedures
    .filter((procedure) => procedure.ended === null)
    .flatMap((procedure) => [
      ...mapping(facts, procedure, policy),
      ...protocol(facts, procedure, policy),
      ...safety(facts, procedure, policy),
      ...scheduling(facts, procedure, policy),
      ...rebooking(procedure, policy),
    ])
}

/** Row 1. */
function mapping(facts: OrderFacts, procedure: ProcedureFact, policy: Policy): Candidate[] {
  if (procedure.codeKnown) return []
  return [
    {
      kind: 'map',
      subjectType: 'procedure',
      subjectId: procedure.id,
      cycle: 1,
      audience: audience(['admin', 'lead']),
      wantedFrom: AT_ONCE,
      dueFrom: facts.order.receivedAt,
      allowance: policy.allowances.map,
      owner: 'interface',
      blockedBy: null,
    },
  ]
}

/** Row 2: a reader chooses where the catalogue says so; a resident's choice is co-signed. */
function protocol(facts: OrderFacts, procedure: ProcedureFact, policy: Policy): Candidate[] {
  const begun = procedure.steps.some((step) => step.status === 'started' || step.status === 'departed')
  if (policy.protocolling === 'off' || begun || !procedure.codeKnown) return []
  const base = {
    subjectType: 'procedure',
    subjectId: procedure.id,
    cycle: 1 + procedure.protocolResets,
    allowance: policy.allowances.protocol[facts.order.priority],
    owner: 'reader',
    blockedBy: null,
  } as const
  const { area, protocolCosignWanted: cosign } = procedure
  if (cosign !== null) {
    const circle = audience(['radiologist'], { area, exceptUserId: cosign.byUserId })
    const since = { wantedFrom: AT_ONCE, dueFrom: cosign.since }
    return [{ ...base, ...since, kind: 'protocol-cosign', audience: circle }]
  }
  if (protocolChosen(procedure)) return []
  const since = { wantedFrom: AT_ONCE, dueFrom: facts.order.receivedAt }
  return [{ ...base, ...since, kind: 'protocol', audience: audience(['radiologist', 'resident'], { area }) }]
}

/** Row 3: one item per step for all its gates; a failed gate is the radiologist's. */
function safety(facts: OrderFacts, procedure: ProcedureFact, policy: Policy): Candidate[] {
  if (policy.safetyGates === 'off') return []
  return pendingSteps(procedure)
    .filter((step) => step.status !== 'started')
    .flatMap((step) => safetyOf(facts, procedure, step, policy))
}

function safetyOf(facts: OrderFacts, procedure: ProcedureFact, step: StepFact, policy: Policy): Candidate[] {
  const needed = step.gates.map((gate) => ({ gate, since: unsatisfiedSince(facts, step, gate, policy) }))
  const open = needed.filter((entry) => entry.since !== null)
  const first = open[0]
  if (first === undefined) return []
  const dueFrom = new Date(Math.min(...open.map((entry) => entry.since?.getTime() ?? 0)))
  // An answer may expire while nobody looks, so every instant at which one does is a reason to look again.
  const failed = step.gates.some((gate) => gate.outcome === 'failed')
  return [
    {
      kind: 'safety',
      subjectType: 'step',
      subjectId: step.id,
      cycle: 1 + step.gates.reduce((sum, gate) => sum + gate.invalidated, 0),
      audience: failed ? audience(['radiologist'], { area: procedure.area }) : audience(['technologist']),
      wantedFrom: dueFrom,
      dueFrom,
      allowance: policy.allowances.safety,
      owner: failed ? 'reader' : first.gate.owner,
      blockedBy: null,
    },
  ]
}

/** From when a gate must be asked; null for one that is satisfied for good or overridden. */
function unsatisfiedSince(
  facts: OrderFacts,
  step: StepFact,
  gate: StepFact['gates'][number],
  policy: Policy,
): Date | null {
  if (gate.outcome === 'overridden') return null
  const ask = askFrom(facts, step, policy)
  if (gate.outcome === null || gate.outcome === 'failed') return ask
  const expiresAt = gateExpiresAt(gate, policy)
  if (expiresAt === null || gateState(gate, expiresAt, policy) !== 'expired') return null
  return expiresAt > ask ? expiresAt : ask
}

function askFrom(facts: OrderFacts, step: StepFact, policy: Policy): Date {
  if (facts.order.priority === 'stat' || step.slotStart === null) return step.plannedSince
  const before = new Date(step.slotStart.getTime() - policy.safety.askBeforeSlotMs)
  return before > step.plannedSince ? before : step.plannedSince
}

/** Row 4: planned, and nothing stands before a booking. */
function scheduling(facts: OrderFacts, procedure: ProcedureFact, policy: Policy): Candidate[] {
  const settled = policy.protocolling === 'off' || protocolChosen(procedure)
  if (!settled || !procedure.codeKnown) return []
  return liveSteps(procedure)
    .filter((step) => step.status === 'planned')
    .map((step) => ({
      kind: 'schedule',
      subjectType: 'step',
      subjectId: step.id,
      // A booking given up, or a walk-in's arrival undone, asks for another.
      cycle: 1 + step.bookings + step.undoneArrivals + step.undoneBegins,
      audience: audience(['scheduler']),
      wantedFrom: AT_ONCE,
      dueFrom: step.plannedSince,
      allowance: policy.allowances.schedule[facts.order.priority],
      owner: 'scheduler',
      blockedBy: null,
    }))
}

/** Row 5. */
function rebooking(procedure: ProcedureFact, policy: Policy): Candidate[] {
  return liveSteps(procedure).flatMap((step) => {
    if (step.status !== 'no-show' || step.noShowAt === null) return []
    return [
      {
        kind: 'rebook',
        subjectType: 'step',
        subjectId: step.id,
        cycle: Math.max(1, step.noShows) + step.undoneBegins,
        audience: audience(['scheduler']),
        wantedFrom: AT_ONCE,
        dueFrom: step.noShowAt,
        allowance: policy.allowances.rebook,
        owner: 'scheduler',
        blockedBy: null,
      } satisfies Candidate,
    ]
  })
}
