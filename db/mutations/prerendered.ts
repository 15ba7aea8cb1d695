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

/** Notes the revision that is kept now and answers the one kept before it; null when a newer one is kept already. */
export async function noteMetadata(sql: AnySql, { id, rev }: SeriesDue): Promise<number | null> {
  const [before] = await sql<{ rev: number }[]>`
    with old as (select id, metadata_rev from series where id = ${id} for update)
    update series s set metadata_rev = ${rev} from old
    where s.id = old.id and old.metadata_rev < ${rev} returning old.metadata_rev as rev`
  return before?.rev ?? null
}
