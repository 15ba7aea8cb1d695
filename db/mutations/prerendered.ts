/** Which revision of a series' metadata is kept ready: bookkeeping of the derived store, not an act of anybody. */
import type { AnySql } from '../client.ts'

export interface SeriesDue {
  id: string
  rev: number
}

/** Series whose metadata have changed since they were last made ready. */
export async function seriesDue(sql: AnySql, most: number): Promise<SeriesDue[]> {
  return sql<SeriesDue[]>`select id, rev from series where metadata_rev <> rev order by id limit ${most}`
}

/** Notes the revision that is kept now; a newer one stays noted. */
export async function noteMetadata(sql: AnySql, { id, rev }: SeriesDue): Promise<void> {
  await sql`update series set metadata_rev = ${rev} where id = ${id} and metadata_rev < ${rev}`
}
