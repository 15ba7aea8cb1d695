/** `isocenter check`: every invariant of the department, as queries that must find nothing. */
import { invariantViolations } from '#db/queries/invariants.ts'
import { EXIT } from './failure.ts'
import { withDepartment } from './reach.ts'

/** Prints one JSON object a violation, or one line that there is none. Answers 0 or 1. */
export async function check(home: string | undefined): Promise<number> {
  const violations = await withDepartment(home, (department) => invariantViolations(department.sql))
  for (const violation of violations) process.stdout.write(`${JSON.stringify(violation)}\n`)
  if (violations.length > 0) return 1
  process.stdout.write('the department is sound\n')
  return EXIT.stopped
}
