/** Rejected and repeated images counted: by room, reason, operator, procedure and projection or sequence, with what the department aims at. */
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
  /** What was looked at: a projection by its images, a sequence by its series. */
  takes: readonly Take[]
}

export interface Take {
  /** `DX CHEST PA`, `MR t2_tse_tra`. */
  take: string
  made: number
  rejected: number
}

export const REPEAT_GROUPS = ['room', 'operator', 'procedure'] as const
export type RepeatGroup = (typeof REPEAT_GROUPS)[number]

/** Of looks, or of the takes of one projection or sequence. */
export interface Rate {
  /** Looks or takes. */
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

/** @param take given: of its takes, and not of looks */
export function rateOf(looks: readonly Look[], policy: Policy['repeats'], take?: string): Rate {
  const counted = { of: 0, rejected: 0, repeated: 0 }
  for (const look of looks) {
    const { of, rejected } = take === undefined ? asOne(look) : takenOf(look, take)
    counted.of += of
    counted.rejected += rejected
    if (look.repeated) counted.repeated += rejected
  }
  return { ...counted, state: stateOf(counted, policy) }
}

function asOne({ verdict }: Look): Pick<Rate, 'of' | 'rejected'> {
  return { of: 1, rejected: verdict === 'rejected' ? 1 : 0 }
}

function takenOf({ takes }: Look, take: string): Pick<Rate, 'of' | 'rejected'> {
  const own = takes.find((each) => each.take === take)
  return { of: own?.made ?? 0, rejected: own?.rejected ?? 0 }
}

/** Of few a rate says nothing: two of five is no alarm. Compared as whole numbers, so that 4 of 100 is on 4 %. */
function stateOf({ of, rejected }: Omit<Rate, 'state'>, policy: Policy['repeats']): RateState {
  if (of < policy.atLeast) return 'too-few'
  if (rejected * 100 > policy.baselinePercent * of) return 'over-baseline'
  return rejected * 100 > policy.targetPercent * of ? 'over-target' : 'on-target'
}

/** Each group with its rate, most rejected first; with `take` of that projection or sequence alone. */
export function ratesBy(
  group: RepeatGroup,
  looks: readonly Look[],
  { policy, take }: { policy: Policy['repeats']; take?: string | undefined },
): GroupedRate[] {
  return [...Map.groupBy(looks, (look) => look[group])]
    .map(([key, own]) => ({ key, ...rateOf(own, policy, take), reasons: reasonsOf(own, take) }))
    .sort(mostRejectedFirst)
}

/** Each projection or sequence with its rate, most rejected first: of what was made of it. */
export function ratesByTake(looks: readonly Look[], policy: Policy['repeats']): GroupedRate[] {
  const looksOf = new Map<string, Look[]>()
  for (const look of looks) {
    for (const { take } of look.takes) {
      const own = looksOf.get(take) ?? []
      own.push(look)
      looksOf.set(take, own)
    }
  }
  return [...looksOf]
    .map(([key, own]) => ({ key, ...rateOf(own, policy, key), reasons: reasonsOf(own, key) }))
    .sort(mostRejectedFirst)
}

function mostRejectedFirst(a: GroupedRate, b: GroupedRate): number {
  return b.rejected - a.rejected || b.of - a.of || (a.key < b.key ? -1 : 1)
}

export interface RepeatAlarm {
  group: 'room' | 'take'
  key: string
  rate: Rate
}

/** Rooms, projections and sequences that are over the target, the worst first: what somebody has to look into. People are no alarm. */
export function repeatAlarms(looks: readonly Look[], policy: Policy['repeats']): RepeatAlarm[] {
  const alarms = (group: RepeatAlarm['group'], rates: GroupedRate[]) =>
    rates
      .filter(({ state }) => state === 'over-baseline' || state === 'over-target')
      .map(({ key, reasons: _, ...rate }) => ({ group, key, rate }))
  return [
    ...alarms('room', ratesBy('room', looks, { policy })),
    ...alarms('take', ratesByTake(looks, policy)),
  ].sort((a, b) => b.rate.rejected / b.rate.of - a.rate.rejected / a.rate.of || (a.key < b.key ? -1 : 1))
}

/** Every reason and in how many looks it stood, most often first; with `take` where that was rejected. */
export function reasonsOf(looks: readonly Look[], take?: string): Record<string, number> {
  const counts = new Map<string, number>()
  const own = take === undefined ? looks : looks.filter((look) => takenOf(look, take).rejected > 0)
  for (const code of own.flatMap(({ reasonCodes }) => [...new Set(reasonCodes)]))
    counts.set(code, (counts.get(code) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))
}
