/** What was noted by the machine's clock, as the department's shows it: a screen has one time, also while that clock is turned. */
import type { Department } from '#db/department.ts'

/** The same span from now on either clock. */
export async function inDepartmentTime(department: Department): Promise<<T extends Date | null>(at: T) => T> {
  const { baseMachineMs, baseDepartmentMs, rate } = await department.clock()
  return <T extends Date | null>(at: T) =>
    (at && new Date(baseDepartmentMs + (at.getTime() - baseMachineMs) * rate)) as T
}
