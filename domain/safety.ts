/** Safety gates of a step: which are open, failed or expired, and until when an answer counts. */
import type { GateFact } from './facts.ts'
import type { Policy } from './policy.ts'
import type { SafetyGate } from './words.ts'

export type GateState = 'satisfied' | 'overridden' | 'open' | 'expired' | 'failed'

export function gateState(gate: GateFact, now: Date, policy: Policy): GateState {
  if (gate.outcome === null) return 'open'
  if (gate.outcome !== 'satisfied') return gate.outcome
  const expiresAt = gateExpiresAt(gate, policy)
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'satisfied'
}

/** When a satisfied gate stops counting; null for one that never does, or is not satisfied. */
export function gateExpiresAt(gate: GateFact, policy: Policy): Date | null {
  const maxAgeMs = maxAge(gate.gate, policy)
  if (gate.outcome !== 'satisfied' || maxAgeMs === null || gate.valueAt === null) return null
  return new Date(gate.valueAt.getTime() + maxAgeMs)
}

function maxAge(gate: SafetyGate, policy: Policy): number | null {
  if (gate === 'egfr') return policy.safety.egfrMaxAgeMs
  return gate === 'pregnancy' ? policy.safety.pregnancyMaxAgeMs : null
}
