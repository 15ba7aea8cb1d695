/** A limit as the statement itself says it, for the pages of lists and searches. */
import type { AnySql } from '../client.ts'
import type { Fragment } from './study-scope.ts'

/**
 * As a parameter, a plan that is kept would take it for a tenth of all rows: where there are many that looks dear, and each
 * page of them would be planned anew, which takes as long as to read a short one.
 */
export function atMost(sql: AnySql, rows: number): Fragment {
  return sql.unsafe(`limit ${Math.trunc(rows)}`) as unknown as Fragment
}
