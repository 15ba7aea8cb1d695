/** The views of a list that one person has: their own, those shared at their sites, and how they have the columns. */
import type { AnySql } from '../client.ts'
import type { ViewedList, ViewLayout } from '../mutations/saved-views.ts'

export interface SavedView {
  id: string
  name: string
  filter: string
  shared: boolean
  owner: { id: string; name: string }
}

export interface ListViews {
  views: SavedView[]
  /** By view. */
  layouts: Record<string, ViewLayout>
}

/** Own views by name, then those of others. */
export async function listViews(
  sql: AnySql,
  { id, sites }: { id: string; sites: readonly string[] },
  list: ViewedList,
): Promise<ListViews> {
  const everywhere = sites.includes('*')
  const [row] = await sql<{ views: SavedView[]; layouts: Record<string, ViewLayout> }[]>`
    select
      (select coalesce(jsonb_agg(jsonb_build_object('id', v.id, 'name', v.name, 'filter', v.filter, 'shared', v.shared,
          'owner', jsonb_build_object('id', u.id, 'name', u.name)) order by (v.owner = ${id}) desc, lower(v.name), v.id), '[]')
        from saved_views v join users u on u.id = v.owner
        where v.list = ${list} and v.retired_at is null
          and (v.owner = ${id} or v.shared and (${everywhere} or '*' = any(v.sites) or v.sites && ${[...sites]}::text[]))) as views,
      (select coalesce(jsonb_object_agg(l.view_id, l.layout), '{}')
        from view_layouts l where l.user_id = ${id} and l.list = ${list}) as layouts`
  return row!
}
