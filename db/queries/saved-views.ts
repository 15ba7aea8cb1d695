/** The views of a list that one person has: their own, those shared at their sites, and how they have the columns. */
import type { AnySql } from '../client.ts'
import type { ViewedList, ViewLayout } from '../mutations/saved-views.ts'
import { sharedRead } from './shared-read.ts'

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
  // Everybody's in one read: there are few, and two hundred screens ask at once.
  const { views, layouts } = await sharedRead(sql, `views ${list}`, () => viewsOf(sql, list))
  const own = views.filter(({ owner }) => owner.id === id)
  const others = views.filter((view) => view.owner.id !== id && view.shared && isSeenAt(view.sites, sites))
  return {
    views: [...own, ...others].map(({ sites: _, ...view }) => view),
    layouts: layouts[id] ?? {},
  }
}

interface AllViews {
  views: (SavedView & { sites: string[] })[]
  /** By person, then by view. */
  layouts: Record<string, Record<string, ViewLayout>>
}

async function viewsOf(sql: AnySql, list: ViewedList): Promise<AllViews> {
  const [row] = await sql<AllViews[]>`
    select
      (select coalesce(jsonb_agg(jsonb_build_object('id', v.id, 'name', v.name, 'filter', v.filter, 'shared', v.shared,
          'sites', v.sites, 'owner', jsonb_build_object('id', u.id, 'name', u.name)) order by lower(v.name), v.id), '[]')
        from saved_views v join users u on u.id = v.owner where v.list = ${list} and v.retired_at is null) as views,
      (select coalesce(jsonb_object_agg(l.user_id, l.layouts), '{}')
        from (select user_id, jsonb_object_agg(view_id, layout) as layouts from view_layouts where list = ${list} group by user_id) l) as layouts`
  return row!
}

function isSeenAt(sharedAt: readonly string[], sites: readonly string[]): boolean {
  return sites.includes('*') || sharedAt.some((site) => site === '*' || sites.includes(site))
}
