/** A test file's own department, which must still hold every invariant once the last of its tests is over. */
import { afterAll, expect } from 'vitest'
import { testDatabase } from '#bin/testing/database.ts'
import type { Department } from './department.ts'
import { seededDepartment } from './order.fixture.ts'
import { invariantViolations } from './queries/invariants.ts'

/** For the top of a test file: its tests share the department, and it is closed behind them. */
export async function soundDepartment(): Promise<Department> {
  const department = await seededDepartment(await testDatabase())
  afterAll(async () => {
    expect(await invariantViolations(department.sql)).toEqual([])
    await department.close()
  })
  return department
}
