/** Rejected and repeated images counted: by room, by reason, by operator and by procedure, with what the department aims at. */
import type { Policy } from './policy.ts'

/** One look at a study at the quality gate. */
export interface Look {
  id: string
  orderId: string
  at: Date
  room: string
  operator: string
  procedure: string
  verdict: 'accepted' | 'rejected'
  /** Leaves of the reject tree; empty for what was accepted. */
  reasonCodes: readonly string[]
  repeated: boolean
}

export const REPEAT_GROUPS = ['room', 'operator', 'procedure'] as const
export type RepeatGroup = (typeof REPEAT_GROUPS)[number]

export interface Rate {
  /** Looks taken. */
  of: number
  rejected: number
  /** Rejected and made again. */
  repeated: number
  state: RateState
}

/** `over-baseline` is worse than where the department began, `over-target` not yet where it wants to be. */
export type RateState = 'over-baseline' | 'over-target' | 'on-target' | 'too-few'

export interface GroupedRate extends Rate {
  key: string
  /** How often each reason stood; a look rejected for two reasons counts once under each. */
  reasons: Record<string, number>
}

export function rateOf(looks: readonly Look[], policy: Policy['repeats']): Rate {
  const rejected = looks.filter(({ verdict }) => verdict === 'rejected')
  const counted = {
    of: looks.length,
    rejected: rejected.length,
    repeated: rejected.filter(isRepeated).length,
  }
  return { ...counted, state: stateOf(counted, policy) }
}

function isRepeated({ repeated }: Look): boolean {
  return repeated
}

/** Of few looks a rate says nothing: two of five is no alarm. Compared as whole numbers, so that 4 of 100 is on 4 %. */
function stateOf({ of, rejected }: Omit<Rate, 'state'>, policy: Policy['repeats']): RateState {
  if (of < policy.atLeast) return 'too-few'
  if (rejected * 100 > policy.baselinePercent * of) return 'over-baseline'
  return rejected * 100 > policy.targetPercent * of ? 'over-target' : 'on-target'
}

/** Each group with its rate, most rejected first. */
export function ratesBy(
  group: RepeatGroup,
  looks: readonly Look[],
  policy: Policy['repeats'],
): GroupedRate[] {
  return [...Map.groupBy(looks, (look) => look[group])]
    .map(([key, own]) => ({ key, ...rateOf(own, policy), reasons: reasonsOf(own) }))
    .sort((a, b) => b.rejected - a.rejected || b.of - a.of || (a.key < b.key ? -1 : 1))
}

/** Every reason and how often it stood, most often first. */
export function reasonsOf(looks: readonly Look[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const code of looks.flatMap(({ reasonCodes }) => [...new Set(reasonCodes)]))
    counts.set(code, (counts.get(code) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))
}
