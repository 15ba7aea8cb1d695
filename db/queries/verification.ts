/** Stored objects whose bytes are due to be read again: those never read since they came first, damaged ones soon. */
import type { AnySql } from '../client.ts'

export interface DueForVerification {
  instanceId: string
  blob: string
  bytes: number
  datasetOffset: number
  sha256: string
}

/**
 * @param before machine clock: what was read again since then is not due
 * @param again the same of what was found damaged: put back, it is to be had again soon
 * @param now machine clock: what says that it was read after it was read by a clock that was wrong
 */
export async function dueForVerification(
  sql: AnySql,
  { before, again, now, limit }: { before: Date; again: Date; now: Date; limit: number },
): Promise<DueForVerification[]> {
  return await sql<DueForVerification[]>`
    select id as "instanceId", blob, bytes, dataset_offset as "datasetOffset", sha256 from instances
    where verified_at is null or verified_at < ${before} or verified_at > ${now}
      or (damaged is not null and verified_at < ${again}) order by verified_at nulls first limit ${limit}`
}
