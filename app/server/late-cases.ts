/** Work that is late or will be soon, the worst first. */
import { type CalledColleague, callsOf } from '#db/queries/colleagues.ts'
import { type Worklist, type WorklistRow, worklist } from '#db/queries/worklists.ts'
import type { ListFilter } from '#domain/list-filter.ts'
import { WORK_ITEM_KINDS } from '#domain/words.ts'
import { type ListedCase, listedCases } from '../worklist/listed-case.ts'
import type { SignedIn } from './guard.ts'

export interface LateCase extends ListedCase {
  /** The scheduled step that the work is about; null for work that no room is waited for any more. */
  stepId: string | null
  /** Whom somebody called in last. */
  call: CalledColleague | null
}

/** Far more than any day breaks; the count says when there are more. */
const MOST = 1_000

export async function lateCases(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  { withinMs, ...asked }: { withinMs: number; filter?: ListFilter; counted?: Record<string, ListFilter> },
): Promise<Pick<Worklist, 'total' | 'counts'> & { cases: LateCase[] }> {
  const { department } = server
  const now = await department.now()
  const {
    rows: soon,
    total,
    counts,
  } = await worklist(department.sql, person.actor, WORK_ITEM_KINDS, {
    ...{ now, limit: MOST, order: 'due', withOrder: true, dueBefore: new Date(now.getTime() + withinMs) },
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
