/** Work that is late or will be soon, the worst first. */
import { type CalledColleague, callsOf } from '#db/queries/colleagues.ts'
import { worklist } from '#db/queries/worklists.ts'
import { WORK_ITEM_KINDS } from '#domain/words.ts'
import { type ListedCase, listedCases } from '../worklist/listed-case.ts'
import type { SignedIn } from './guard.ts'

export interface LateCase extends ListedCase {
  /** The scheduled step that the work is about; null for work that no room is waited for. */
  stepId: string | null
  /** Whom somebody called in last. */
  call: CalledColleague | null
}

export async function lateCases(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  { withinMs, only }: { withinMs: number; only?: 'late' | 'due' | undefined },
): Promise<LateCase[]> {
  const { department } = server
  const now = await department.now()
  const { rows } = await worklist(department.sql, person.actor, WORK_ITEM_KINDS, { now, limit: 2_000 })
  const from = only === 'due' ? now.getTime() : 0
  const until = only === 'late' ? now.getTime() : now.getTime() + withinMs
  const soon = rows.filter(
    ({ dueAt }) => dueAt !== null && dueAt.getTime() >= from && dueAt.getTime() < until,
  )
  soon.sort((a, b) => (a.dueAt?.getTime() ?? 0) - (b.dueAt?.getTime() ?? 0))
  const calls = await callsOf(
    department.sql,
    soon.map(({ itemId }) => itemId),
  )
  const steps = new Map(soon.map((row) => [row.itemId, row.kind === 'perform' ? row.subjectId : null]))
  return listedCases(soon, { userId: person.id, machineNow: new Date() }).map((row) => ({
    ...row,
    stepId: steps.get(row.id) ?? null,
    call: calls.get(row.id) ?? null,
  }))
}
