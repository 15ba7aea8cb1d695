/** Saved views: what a list is narrowed to, under a name; its owner alone changes it, and some may share it. */
import { RadiologyError } from '#domain/errors.ts'
import { readFilter, writeFilter } from '#domain/list-filter.ts'
import { mustBeAble } from '#domain/permissions.ts'
import type { Department } from '../department.ts'
import { ulid } from '../ulid.ts'
import { type Act, mutate, type Scope } from './mutate.ts'

/** The lists that keep views. */
export const VIEWED_LISTS = ['reading', 'over-read', 'sent-back', 'late', 'orders'] as const
export type ViewedList = (typeof VIEWED_LISTS)[number]

export interface NewView {
  list: ViewedList
  name: string
  /** As `writeFilter` writes it. */
  filter: string
  shared: boolean
}

const LONGEST_NAME = 40

/**
 * Keyed on owner, list and name: a second press finds the view of the first and saves the filter into it.
 * @throws RadiologyError 'forbidden' to share without the right to; 'invalid-message' without a name
 */
export async function saveView(
  department: Department,
  act: Act,
  { list, name, filter, shared }: NewView,
): Promise<{ viewId: string }> {
  mustBeAllowed(act, shared)
  const called = mustBeName(name)
  return mutate(department, act, 'save-view', async (scope) => {
    const wanted = writeFilter(readFilter(filter))
    const id = ulid()
    const [row] = await scope.sql<{ id: string }[]>`
      insert into saved_views (id, list, name, filter, owner, shared, sites, changed_at)
      values (${id}, ${list}, ${called}, ${wanted}, ${act.actor.id}, ${shared}, ${[...act.actor.sites]}, ${act.now})
      on conflict (owner, list, lower(name)) where retired_at is null do update
        set filter = excluded.filter, shared = excluded.shared, changed_at = excluded.changed_at
        where (saved_views.filter, saved_views.shared) is distinct from (excluded.filter, excluded.shared)
      returning id`
    if (row) note(scope, row.id, { type: 'view.saved', list, shared })
    return { viewId: row?.id ?? (await viewNamed(scope, list, called)) }
  })
}

/**
 * Saves another filter into a view, or shares it; what is left out stays.
 * @throws RadiologyError 'not-found' for a view that is gone; 'forbidden' for somebody else's
 */
export async function changeView(
  department: Department,
  act: Act,
  { viewId, ...change }: { viewId: string; filter?: string; shared?: boolean },
): Promise<void> {
  await mutate(department, act, 'change-view', async (scope) => {
    const view = await ownView(scope, viewId)
    const next = {
      filter: change.filter === undefined ? view.filter : writeFilter(readFilter(change.filter)),
      shared: change.shared ?? view.shared,
    }
    mustBeAllowed(act, next.shared)
    const [row] = await scope.sql`
      update saved_views set filter = ${next.filter}, shared = ${next.shared}, changed_at = ${act.now}
      where id = ${viewId} and (filter, shared) is distinct from (${next.filter}, ${next.shared})
      returning id`
    if (row) note(scope, viewId, { type: 'view.changed', list: view.list, shared: next.shared })
  })
}

/** Takes a view off its list; those who shared it lose it too. @throws RadiologyError as `changeView` */
export async function retireView(
  department: Department,
  act: Act,
  { viewId }: { viewId: string },
): Promise<void> {
  await mutate(department, act, 'retire-view', async (scope) => {
    const { list, shared } = await ownView(scope, viewId)
    await scope.sql`update saved_views set retired_at = ${act.now} where id = ${viewId} and retired_at is null`
    note(scope, viewId, { type: 'view.retired', list, shared })
  })
}

/** How a person has the columns of one view: theirs alone, so nobody is told. */
export interface ViewLayout {
  /** Keys of the columns in their order; those left out are hidden. */
  columns?: string[]
  /** By column, in px. */
  widths?: Record<string, number>
  density?: 28 | 32 | 48
}

const MOST_COLUMNS = 40

/** Keeps one of the actor's own layouts. Safe to repeat. @throws RadiologyError 'invalid-message' for no layout */
export async function keepLayout(
  { sql }: Department,
  { actor }: Act,
  { list, viewId, layout }: { list: ViewedList; viewId: string; layout: unknown },
): Promise<void> {
  mustBeAble(actor, 'keep-view', { ownerId: actor.id })
  if (!/^[\w-]{1,32}$/.test(viewId)) throw new RadiologyError('invalid-message', { field: 'view' })
  const kept = readLayout(layout)
  await sql`
    insert into view_layouts (user_id, list, view_id, layout) values (${actor.id}, ${list}, ${viewId}, ${sql.json(kept as never)})
    on conflict (user_id, list, view_id) do update set layout = excluded.layout`
}

function readLayout(value: unknown): ViewLayout {
  if (typeof value !== 'object' || value === null)
    throw new RadiologyError('invalid-message', { field: 'layout' })
  const { columns, widths, density } = value as Record<string, unknown>
  const isKey = (key: unknown): key is string => typeof key === 'string' && /^[\w-]{1,32}$/.test(key)
  const isWidth = (px: unknown) => typeof px === 'number' && px >= 24 && px <= 2_000
  return {
    ...(Array.isArray(columns) && { columns: columns.filter(isKey).slice(0, MOST_COLUMNS) }),
    ...(typeof widths === 'object' &&
      widths !== null && {
        widths: Object.fromEntries(
          Object.entries(widths as Record<string, number>)
            .filter(([key, px]) => isKey(key) && isWidth(px))
            .slice(0, MOST_COLUMNS),
        ),
      }),
    ...((density === 28 || density === 32 || density === 48) && { density }),
  }
}

function mustBeAllowed({ actor }: Act, shared: boolean): void {
  mustBeAble(actor, shared ? 'share-view' : 'keep-view', { ownerId: actor.id })
}

function mustBeName(name: string): string {
  const called = name.trim().replaceAll(/\s+/g, ' ')
  if (called === '' || called.length > LONGEST_NAME)
    throw new RadiologyError('invalid-message', { field: 'name' })
  return called
}

interface ViewRow {
  list: ViewedList
  filter: string
  owner: string
  shared: boolean
}

async function ownView({ sql, act }: Scope, viewId: string): Promise<ViewRow> {
  const [view] = await sql<ViewRow[]>`
    select list, filter, owner, shared from saved_views where id = ${viewId} and retired_at is null for update`
  if (!view) throw new RadiologyError('not-found', { viewId })
  mustBeAble(act.actor, 'keep-view', { ownerId: view.owner })
  return view
}

async function viewNamed({ sql, act }: Scope, list: ViewedList, name: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select id from saved_views
    where owner = ${act.actor.id} and list = ${list} and lower(name) = lower(${name}) and retired_at is null`
  return row!.id
}

// What a whole site sees is on the record; the words of a name are not.
function note(scope: Scope, viewId: string, view: { type: string; list: string; shared: boolean }): void {
  const { type, list, shared } = view
  scope.audit({ subject: `user:${scope.act.actor.id}`, type, data: { viewId, list, shared } })
  scope.announce(`views:${list}`)
}
