/** Work that is late or will be soon, the worst first. */
import { type CalledColleague, callsOf } from '#db/queries/colleagues.ts'
import { type Worklist, type WorklistRow, worklist } from '#db/queries/worklists.ts'
import type { ListFilter } from '#domain/list-filter.ts'
import { WORK_ITEM_KINDS } from '#domain/words.ts'
import type { ListBar } from '../worklist/list-bar.ts'
import { type ListedCase, listedCases } from '../worklist/listed-case.ts'
import type { SignedIn } from './guard.ts'
import { listAnswer, numberOf } from './list-answer.ts'
import { askedView } from './list-bar.ts'

export interface LateCase extends ListedCase {
  /** The scheduled step that the work is about; null for work that no room is waited for any more. */
  stepId: string | null
  /** Whom somebody called in last. */
  call: CalledColleague | null
}

const PAGE = 200
/** As many rows as a count is exact for. */
const MOST_PAGES = 50
const MINUTE_MS = 60_000
/** Soon late is what will be within it. */
const SOON_MS = 60 * MINUTE_MS

export interface LateList {
  late: LateCase[]
  bar: ListBar
  mayAct: boolean
}

/**
 * The first pages of a view, which stand as one list of one instant however often it is asked for again: what was done
 * meanwhile is gone from it and what came stands in it, and no row twice.
 * @param search `view` and `filter` as the address has them, and how many `pages`
 */
export async function lateList(
  signedIn: Pick<SignedIn, 'person' | 'server'>,
  search: URLSearchParams,
): Promise<LateList> {
  const pages = Math.min(MOST_PAGES, Math.max(1, Math.floor(Number(search.get('pages')) || 1)))
  const { filter, counted, bar } = await askedView(signedIn, 'late', search)
  const { cases, total, counts } = await lateCases(signedIn, {
    ...{ withinMs: SOON_MS, filter, counted, limit: pages * PAGE },
  })
  return { late: cases, bar: bar(counts, total), mayAct: signedIn.person.roles.includes('lead') }
}

/** JSON of a `ListAnswer` of it: only the rows that the screen does not have. */
export async function lateAnswer(
  signedIn: Pick<SignedIn, 'person' | 'server'>,
  have: string,
  search: URLSearchParams,
): Promise<string> {
  const { late, ...beside } = await lateList(signedIn, search)
  const told = late.map((row) => {
    // By the minute, as it is shown: a row that says the same is the same row.
    const text = JSON.stringify({ ...row, heldMs: Math.floor(row.heldMs / MINUTE_MS) * MINUTE_MS })
    return { number: numberOf(text), text }
  })
  return `{"list":${listAnswer(told, have)},${JSON.stringify(beside).slice(1)}`
}

interface LateAsked {
  withinMs: number
  limit?: number
  filter?: ListFilter
  counted?: Record<string, ListFilter>
}

export async function lateCases(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  { withinMs, limit = PAGE, ...asked }: LateAsked,
): Promise<Pick<Worklist, 'total' | 'counts'> & { cases: LateCase[] }> {
  const { department } = server
  const now = await department.now()
  const {
    rows: soon,
    total,
    counts,
  } = await worklist(department.sql, person.actor, WORK_ITEM_KINDS, {
    ...{ now, limit, order: 'due', withOrder: true, dueBefore: new Date(now.getTime() + withinMs) },
    ...asked,
  })
  const calls = await callsOf(
    department.sql,
    soon.map(({ itemId }) => itemId),
  )
  const steps = new Map(soon.map((row) => [row.itemId, isMovable(row) ? row.subjectId : null]))
  const cases = listedCases(soon, { userId: person.id, machineNow: new Date() }).map((row) => ({
    ...row,
    stepId: steps.get(row.id) ?? null,
    call: calls.get(row.id) ?? null,
  }))
  return { cases, total, counts }
}

/** Who is on the table stays there. */
function isMovable({ kind, order }: WorklistRow): boolean {
  return kind === 'perform' && order?.phase !== 'acquiring'
}
