/** Stored objects whose bytes are due to be read again, those never read since they came first. */
import type { AnySql } from '../client.ts'

export interface DueForVerification {
  instanceId: string
  blob: string
  bytes: number
  datasetOffset: number
  sha256: string
}

/** @param before machine clock: what was read again since then is not due */
export async function dueForVerification(
  sql: AnySql,
  { before, limit }: { before: Date; limit: number },
): Promise<DueForVerification[]> {
  return await sql<DueForVerification[]>`
    select id as "instanceId", blob, bytes, dataset_offset as "datasetOffset", sha256 from instances
    where verified_at is null or verified_at < ${before} order by verified_at nulls first limit ${limit}`
}
