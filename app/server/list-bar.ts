/** Which view of a list somebody asks for, and what stands above its rows: tabs with counts, chips, columns. */
import type { ViewedList } from '#db/mutations/saved-views.ts'
import { listViews } from '#db/queries/saved-views.ts'
import { sharedRead } from '#db/queries/shared-read.ts'
import { sites } from '#db/queries/sites.ts'
import { type ListFilter, readFilter, writeFilter } from '#domain/list-filter.ts'
import { can } from '#domain/permissions.ts'
import { t } from '../strings/words.ts'
import type { ListBar, ListTab } from '../worklist/list-bar.ts'
import type { SignedIn } from './guard.ts'

/** The views that a list has for everybody. */
const BUILT_IN: Readonly<Record<ViewedList, readonly { id: string; filter: ListFilter }[]>> = {
  reading: [
    { id: 'all', filter: {} },
    { id: 'mine', filter: { claim: ['mine'] } },
    { id: 'stat', filter: { priority: ['stat'] } },
    { id: 'late', filter: { time: ['late'] } },
  ],
  'over-read': ofOthers(),
  'sent-back': ofOthers(),
  late: [
    { id: 'all', filter: {} },
    { id: 'late', filter: { time: ['late'] } },
    { id: 'due', filter: { time: ['soon'] } },
  ],
  orders: [{ id: 'all', filter: {} }],
}

/** Of the lists of what somebody else wrote or sent back. */
function ofOthers() {
  return [
    { id: 'all', filter: {} },
    { id: 'mine', filter: { claim: ['mine'] } },
    { id: 'late', filter: { time: ['late'] } },
  ]
}

export interface AskedView {
  filter: ListFilter
  /** For the query that counts each tab. */
  counted: Record<string, ListFilter>
  bar(counts: Record<string, { count: number; late: number }>, shown: number): ListBar
}

/** `?view=` (on old links `?only=`) names a view and `?filter=` what it is changed to; a view that is gone is the list's first. */
export async function askedView(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  list: ViewedList,
  search: URLSearchParams,
): Promise<AskedView> {
  const { sql } = server.department
  const [{ views, layouts }, atSites] = await Promise.all([
    listViews(sql, { id: person.id, sites: person.actor.sites }, list),
    sharedRead(sql, `sites ${person.actor.sites}`, () => sites(sql, person.actor.sites)),
  ])
  const tabs: ListTab[] = [
    ...BUILT_IN[list].map(({ id, filter }) => ({
      ...{ id, name: t(`view.${list}.${id}` as 'view.reading.all'), filter: writeFilter(filter) },
      ...{ owner: null, isShared: false, isMine: false },
    })),
    ...views.map(({ id, name, filter, shared, owner }) => ({
      ...{ id, name, filter, owner: owner.name, isShared: shared, isMine: owner.id === person.id },
    })),
  ]
  const asked = search.get('view') ?? search.get('only')
  const tab = tabs.find(({ id }) => id === asked) ?? tabs[0]!
  const changed = search.get('filter')
  const filter = readFilter(changed ?? tab.filter)
  const wanted = writeFilter(filter)
  const asActor = { ownerId: person.id }
  return {
    filter,
    counted: Object.fromEntries(tabs.map(({ id, filter }) => [id, readFilter(filter)])),
    bar: (counts, shown) => ({
      list,
      viewId: tab.id,
      filter: wanted,
      isChanged: wanted !== tab.filter,
      tabs: tabs.map((each) => ({ ...each, ...(counts[each.id] && { count: counts[each.id] }) })),
      layout: layouts[tab.id] ?? {},
      sites: atSites.map(({ id, name }) => ({ id, name })),
      shown,
      mayKeep: can(person.actor, 'keep-view', asActor).allowed,
      mayShare: can(person.actor, 'share-view', asActor).allowed,
    }),
  }
}
