/** Work that is late or will be soon, the worst first. */
import { worklist } from '#db/queries/worklists.ts'
import type { WorkItemKind } from '#domain/words.ts'
import { type ListedCase, listedCases } from '../worklist/listed-case.ts'
import type { SignedIn } from './guard.ts'

const KINDS: WorkItemKind[] = [
  'schedule',
  'rebook',
  'perform',
  'decide',
  'complete',
  'quality',
  'read',
  'sign',
  'sent-back',
  'over-read',
  'critical',
]

export async function lateCases(
  { person, server }: Pick<SignedIn, 'person' | 'server'>,
  { withinMs }: { withinMs: number },
): Promise<ListedCase[]> {
  const { department } = server
  const now = await department.now()
  const { rows } = await worklist(department.sql, person.actor, KINDS, { now, limit: 2_000 })
  const until = now.getTime() + withinMs
  const soon = rows.filter(({ dueAt }) => dueAt !== null && dueAt.getTime() < until)
  soon.sort((a, b) => (a.dueAt?.getTime() ?? 0) - (b.dueAt?.getTime() ?? 0))
  return listedCases(soon, { userId: person.id, machineNow: new Date() })
}
