/** Allowances, due dates, pauses and the escalation ladder: when somebody must hear that a thing waits too long. */
import { addBusinessTime, type BusinessCalendar, businessMsBetween, MINUTE_MS } from './calendar.ts'
import type { Allowance, LadderRung, Policy } from './policy.ts'
import type { ClockOwner, PatientClass, PauseReason, Priority } from './words.ts'

/** A time in which the clock stood still; an open pause ends at `now` for every calculation. */
export type Pause = { from: Date; to: Date }

/**
 * Time from available to final; stat and urgent run day and night, whoever the patient is.
 * @param slaMinutes of the catalogue: another routine time, counted in the same hours
 */
export function readingAllowance(
  policy: Policy,
  priority: Priority,
  patientClass: PatientClass,
  slaMinutes: number | null = null,
): Allowance {
  if (priority === 'stat') return policy.sla.stat
  if (priority === 'urgent') return policy.sla.urgent
  const usual = policy.sla.routine[patientClass]
  return slaMinutes === null ? usual : { ...usual, ms: slaMinutes * MINUTE_MS }
}

/** Earliest instant at which the allowance is used up, pauses not counted. */
export function dueAt(
  span: { from: Date; allowance: Allowance; pauses?: readonly Pause[] },
  calendar: BusinessCalendar,
): Date {
  const { from, allowance, pauses = [] } = span
  let due = after(calendar, from, allowance)
  for (const pause of disjoint(pauses, from)) {
    if (pause.from >= due) break
    due = after(calendar, due, { ...allowance, ms: elapsed(calendar, pause, allowance.business) })
  }
  return due
}

/** Time that counted between two instants: elapsed minus the union of pauses, in business time where asked for. */
export function activeMs(
  span: { from: Date; to: Date; business: boolean; pauses?: readonly Pause[] },
  calendar: BusinessCalendar,
): number {
  const { from, to, business, pauses = [] } = span
  if (to <= from) return 0
  const pausedMs = disjoint(pauses, from)
    .map((pause) => ({ from: pause.from, to: pause.to < to ? pause.to : to }))
    .reduce((sum, pause) => sum + elapsed(calendar, pause, business), 0)
  return elapsed(calendar, { from, to }, business) - pausedMs
}

export type LadderStep = { rung: LadderRung; plannedAt: Date }
export const LADDER_RUNGS = ['notify', 'reassign', 'lead', 'head'] as const satisfies readonly LadderRung[]

/** The four steps of the ladder with the instants at which they are due, lowest rung first. */
export function ladderSteps(
  item: { priority: Priority; from: Date; allowance: Allowance; pauses?: readonly Pause[] },
  calendar: BusinessCalendar,
  policy: Policy,
): LadderStep[] {
  return LADDER_RUNGS.map((rung) => {
    const ms = Math.round((item.allowance.ms * policy.ladder[item.priority][rung]) / 100)
    const allowance = { ms, business: item.allowance.business }
    return { rung, plannedAt: dueAt({ from: item.from, allowance, pauses: item.pauses }, calendar) }
  })
}

export type DueStep = LadderStep & { lateByMs: number; outcome: 'fired' | 'overtaken' }

/**
 * Steps to record now, each once. After an outage all of them are recorded in order with how late they are;
 * those that fell due after the item was finished never were due, those still unfired when it finished are overtaken.
 */
export function stepsDue(
  steps: readonly LadderStep[],
  item: { recorded: readonly LadderRung[]; finishedAt: Date | null },
  now: Date,
): DueStep[] {
  const until = item.finishedAt !== null && item.finishedAt < now ? item.finishedAt : now
  return steps
    .filter((step) => step.plannedAt <= until && !item.recorded.includes(step.rung))
    .map((step) => ({
      ...step,
      lateByMs: now.getTime() - step.plannedAt.getTime(),
      outcome: item.finishedAt === null ? 'fired' : 'overtaken',
    }))
}

/** When the next unrecorded step is due; null when all are recorded. */
export function nextStepAt(steps: readonly LadderStep[], recorded: readonly LadderRung[]): Date | null {
  return steps.find((step) => !recorded.includes(step.rung))?.plannedAt ?? null
}

const PAUSE_OWNERS: Readonly<Record<PauseReason, ClockOwner>> = {
  'waiting-prior': 'interface',
  'waiting-technologist': 'technologist',
  'waiting-lab': 'lab',
  'waiting-patient': 'patient',
  'waiting-transport': 'porter',
  'waiting-referrer': 'referrer',
}

export function pauseOwner(reason: PauseReason): ClockOwner {
  return PAUSE_OWNERS[reason]
}

/** When a pause ends by itself; on a stat order all pauses together last at most half an hour. */
export function pauseEndsAt(
  pause: { reason: PauseReason; from: Date; priority: Priority; pausedBeforeMs: number },
  policy: Policy,
): Date {
  const limitMs = policy.pauses[pause.reason]
  const leftMs =
    pause.priority === 'stat' ? Math.max(0, policy.statPauseMaxMs - pause.pausedBeforeMs) : limitMs
  return new Date(pause.from.getTime() + Math.min(limitMs, leftMs))
}

function after(calendar: BusinessCalendar, from: Date, allowance: Allowance): Date {
  return allowance.business
    ? addBusinessTime(calendar, from, allowance.ms)
    : new Date(from.getTime() + allowance.ms)
}

function elapsed(calendar: BusinessCalendar, span: { from: Date; to: Date }, business: boolean): number {
  if (span.to <= span.from) return 0
  return business ? businessMsBetween(calendar, span.from, span.to) : span.to.getTime() - span.from.getTime()
}

/** The union of the pauses from an instant on, as disjoint spans in order. */
function disjoint(pauses: readonly Pause[], from: Date): Pause[] {
  const sorted = [...pauses].sort((a, b) => a.from.getTime() - b.from.getTime())
  const union: Pause[] = []
  for (const pause of sorted) {
    const start = pause.from < from ? from : pause.from
    const last = union.at(-1)
    if (pause.to <= start) continue
    if (last !== undefined && start <= last.to) last.to = pause.to > last.to ? pause.to : last.to
    else union.push({ from: start, to: pause.to })
  }
  return union
}
