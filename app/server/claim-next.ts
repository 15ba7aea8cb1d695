/** "Next case": the first of a reader's list that nobody holds, claimed. */
import { claim } from '#db/mutations/work-items.ts'
import { skippedItems } from '#db/queries/skips.ts'
import { type WorklistRow, worklist } from '#db/queries/worklists.ts'
import { ineligible, isSpilled, type ReadingCase } from '#domain/eligibility.ts'
import { refusalCode } from '#domain/errors.ts'
import type { ListKey } from '#domain/list-order.ts'
import type { Modality, WorkItemKind } from '#domain/words.ts'
import type { SignedIn } from './guard.ts'

/** What "next case" takes. */
export const READING_KINDS: WorkItemKind[] = ['read', 'sent-back', 'sign', 'over-read']

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
  const skipped = await skippedItems(department.sql, person.id, new Date())
  const now = await department.now()
  // Page by page to the end: what is for this reader may stand behind hundreds that are not.
  let last: ListKey | undefined
  let more = 1
  while (more > 0) {
    const page = await worklist(department.sql, person.actor, READING_KINDS, {
      ...{ now, filter: { claim: ['free'] }, after: last },
    })
    for (const row of mineFirst(page.rows, person.id)) {
      if (row.itemId === after || row.blockedBy || row.key.paused || skipped.has(row.itemId)) continue
      const today = page.today(row.siteId)
      if (ineligible(person.actor, caseOf(row, { now, today }), today)) continue
      try {
        await claim(department, await act(), { itemId: row.itemId })
        return row.itemId
      } catch (error) {
        if (!NOT_THIS_ONE.has(refusalCode(error) ?? '')) throw error
      }
    }
    last = page.rows.at(-1)?.key
    more = last ? page.more : 0
  }
  return null
}

/** As far as a list knows it; the claim asks again, with what only the report says. */
function caseOf(row: WorklistRow, { now, today }: { now: Date; today: string }): ReadingCase {
  const { kind, siteId, area, order, dueFrom, dueAt, onShift } = row
  const birthDate = order?.patient.birthDate ?? null
  return {
    ...{ kind, siteId, area, onShift, authorId: null, firstReaderId: null },
    priority: order?.priority ?? 'routine',
    modality: row.modality as Modality | null,
    screening: order?.patientClass === 'screening',
    birthDate: birthDate?.length === 10 ? birthDate : null,
    examDate: today,
    spilled: isSpilled({ dueFrom, dueAt, onShift }, now),
  }
}

/** What was given to this reader comes first within its tier; what was given to another is theirs. */
function mineFirst(rows: readonly WorklistRow[], readerId: string): WorklistRow[] {
  const rank = ({ assignedTo }: WorklistRow) => (assignedTo?.id === readerId ? 0 : 1)
  return rows
    .filter(({ assignedTo }) => assignedTo === null || assignedTo.id === readerId)
    .sort((a, b) => a.key.tier - b.key.tier || rank(a) - rank(b))
}
