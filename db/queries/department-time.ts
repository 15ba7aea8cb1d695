/** Instants that were taken on the machine's clock, as the department's clock showed them. */
import type { AnySql } from '../client.ts'

/** Inside a select: screens show one clock, however the department's was turned. */
export function inDepartmentTime(sql: AnySql, machine: ReturnType<AnySql>) {
  return sql`coalesce((select base_department + (${machine} - base_machine) * rate from department_clock), ${machine})`
}
