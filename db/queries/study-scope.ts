/** Which studies a requestor may see: the one rule behind QIDO, WADO and C-FIND, as a predicate of SQL and as one of rows that were read. */
import type postgres from 'postgres'
import type { AnySql } from '../client.ts'
import type { View } from './visibility.ts'

/** Which studies a requestor may see; null means that this side sets no limit. */
export interface StudyScope {
  /** Study Instance UIDs of a launch. */
  studies: readonly string[] | null
  /** Site ids of a program or a person. */
  sites: readonly string[] | null
  /** What it sees of rejected instances; left out: nothing. */
  view?: View
}

export type Fragment = postgres.PendingQuery<postgres.Row[]>

/** `s` names the studies. One site alone is an equality, behind which an index still has its order. */
export function inScope(sql: AnySql, { studies, sites }: StudyScope): Fragment {
  return sql`true ${studies === null ? sql`` : sql`and s.study_uid = any(${studies as string[]})`}
    ${sites === null ? sql`` : sites.length === 1 ? sql`and s.site_id = ${sites[0]!}` : sql`and s.site_id = any(${sites as string[]})`}`
}

/** The same of a study that was read. */
export function isInScope(
  { studies, sites }: StudyScope,
  { studyUid, siteId }: { studyUid: string; siteId: string },
): boolean {
  return (studies === null || studies.includes(studyUid)) && (sites === null || sites.includes(siteId))
}
