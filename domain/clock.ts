/** The department's clock: business time that simulation and training may shift or speed up, beside the machine's. */

/** At machine time `baseMachineMs` the department's clock showed `baseDepartmentMs`, running `rate` times as fast. */
export type DepartmentClock = { baseMachineMs: number; baseDepartmentMs: number; rate: number }

export const REAL_TIME: DepartmentClock = { baseMachineMs: 0, baseDepartmentMs: 0, rate: 1 }

export function departmentNow(clock: DepartmentClock, machineNow: Date): Date {
  const elapsedMs = (machineNow.getTime() - clock.baseMachineMs) * clock.rate
  return new Date(Math.floor(clock.baseDepartmentMs + elapsedMs))
}

/**
 * Milliseconds of machine time until the department's clock shows an instant, 0 when it already does.
 * Rounded up, so that a timer never fires before its instant; Infinity when the clock stands still.
 */
export function machineDelayUntil(clock: DepartmentClock, departmentInstant: Date, machineNow: Date): number {
  const aheadMs = departmentInstant.getTime() - departmentNow(clock, machineNow).getTime()
  if (aheadMs <= 0) return 0
  if (clock.rate <= 0) return Number.POSITIVE_INFINITY
  return Math.ceil(aheadMs / clock.rate)
}

/** Turns the clock at a moment: the new rate holds from there, and time never jumps unless asked to. */
export function turnClock(
  clock: DepartmentClock,
  change: { machineNow: Date; rate: number; departmentNow?: Date },
): DepartmentClock {
  const shows = change.departmentNow ?? departmentNow(clock, change.machineNow)
  return {
    baseMachineMs: change.machineNow.getTime(),
    baseDepartmentMs: shows.getTime(),
    rate: change.rate,
  }
}
