/** "Next case": the first of a reader's list that nobody holds, claimed. */
import { claim } from '#db/mutations/work-items.ts'
import { skippedItems } from '#db/queries/skips.ts'
import { type WorklistRow, worklist } from '#db/queries/worklists.ts'
import { refusalCode } from '#domain/errors.ts'
import type { WorkItemKind } from '#domain/words.ts'
import type { SignedIn } from './guard.ts'

/** What stands on a reading list. */
export const READING_KINDS: WorkItemKind[] = ['read', 'sent-back', 'sign']

// Somebody was faster, or it isn't for this reader: the one after it is tried.
const NOT_THIS_ONE = new Set([
  'already-claimed',
  'blocked',
  'illegal-transition',
  'not-eligible',
  'forbidden',
])

/** A race for a case is lost quietly. @param after the case just left, which isn't offered again at once */
export async function claimNext({ person, server, act }: SignedIn, after?: string): Promise<string | null> {
  const { department } = server
  const { rows } = await worklist(department.sql, person.actor, READING_KINDS, {
    now: await department.now(),
  })
  const skipped = await skippedItems(department.sql, person.id, new Date())
  for (const row of mineFirst(rows, person.id)) {
    if (row.itemId === after || row.holder || row.blockedBy || skipped.has(row.itemId)) continue
    try {
      await claim(department, await act(), { itemId: row.itemId })
      return row.itemId
    } catch (error) {
      if (!NOT_THIS_ONE.has(refusalCode(error) ?? '')) throw error
    }
  }
  return null
}

/** What was given to this reader comes first within its tier; what was given to another is theirs. */
function mineFirst(rows: readonly WorklistRow[], readerId: string): WorklistRow[] {
  const rank = ({ assignedTo }: WorklistRow) => (assignedTo?.id === readerId ? 0 : 1)
  return rows
    .filter(({ assignedTo }) => assignedTo === null || assignedTo.id === readerId)
    .sort((a, b) => a.key.tier - b.key.tier || rank(a) - rank(b))
}
