/** Work that is late or will be soon, the worst first. */
import { worklist } from '#db/queries/worklists.ts'
import { WORK_ITEM_KINDS } from '#domain/words.ts'
import { type ListedCase, listedCases } from '../worklist/listed-case.ts'
import type { SignedIn } from './guard.ts'

export async function lateCases(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  { withinMs, only }: { withinMs: number; only?: 'late' | 'due' | undefined },
): Promise<ListedCase[]> {
  const { department } = server
  const now = await department.now()
  const { rows } = await worklist(department.sql, person.actor, WORK_ITEM_KINDS, { now, limit: 2_000 })
  const from = only === 'due' ? now.getTime() : 0
  const until = only === 'late' ? now.getTime() : now.getTime() + withinMs
  const soon = rows.filter(
    ({ dueAt }) => dueAt !== null && dueAt.getTime() >= from && dueAt.getTime() < until,
  )
  soon.sort((a, b) => (a.dueAt?.getTime() ?? 0) - (b.dueAt?.getTime() ?? 0))
  return listedCases(soon, { userId: person.id, machineNow: new Date() })
}
