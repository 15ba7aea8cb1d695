/** The reading list of one person as it travels: what all readers see alike is made once. */
import { recallableVersions } from '#db/queries/reading-room.ts'
import { skippedItems } from '#db/queries/skips.ts'
import { type WorklistRow, worklist } from '#db/queries/worklists.ts'
import { readingKinds } from '../places.ts'
import { t } from '../strings/words.ts'
import { type ListedCase, listedCases } from '../worklist/listed-case.ts'
import type { SignedIn } from './guard.ts'
import { listAnswer, numberOf } from './list-answer.ts'
import { askedView } from './list-bar.ts'

interface Told {
  number: number
  text: string
}

const MINUTE_MS = 60_000
/** What somebody who neither holds nor skipped a case reads of it. Rows come from one read for many readers. */
const toldOf = new WeakMap<WorklistRow, { minutes: number; told: Told[] }>()

const PAGE = 200
/** As many rows as a count is exact for. */
const MOST_PAGES = 50

/**
 * JSON of a `ReadingAnswer`: the first pages of a view, which stand as one list however often it is asked for again.
 * @param have the version of the list that the screen shows; empty for none
 * @param search `view` and `filter` as the address has them, and how many `pages`
 */
export async function readingAnswer(
  signedIn: Pick<SignedIn, 'person' | 'server'>,
  have: string,
  search = new URLSearchParams(),
): Promise<string> {
  const { person, server } = signedIn
  const { department } = server
  const pages = Math.min(MOST_PAGES, Math.max(1, Math.floor(Number(search.get('pages')) || 1)))
  const { filter, counted, bar } = await askedView(signedIn, 'reading', search)
  const { sql } = department
  const now = await department.now()
  const machineNow = new Date()
  const [{ rows, total, counts }, skipped, recallable] = await Promise.all([
    worklist(sql, person.actor, readingKinds(person.roles), { now, filter, counted, limit: pages * PAGE }),
    skippedItems(sql, person.id, machineNow),
    recallableVersions(sql, person.id, now),
  ])
  const told = rows.flatMap((row) => {
    const isSkipped = skipped.has(row.itemId)
    if (!isSkipped && row.holder?.id !== person.id) return toldAlike(row, machineNow)
    return toldTo(person.id, row, { machineNow, isSkipped })
  })
  const mayClaim = person.roles.some((role) => role === 'radiologist' || role === 'resident')
  const reader = mayClaim ? person.actor : null
  const beside = JSON.stringify({ mayClaim, reader, recallable, bar: bar(counts, total) })
  return `{"list":${listAnswer(told, have)},${beside.slice(1)}`
}

function toldAlike(row: WorklistRow, machineNow: Date): Told[] {
  const minutes = row.holder ? Math.floor((machineNow.getTime() - row.holder.since.getTime()) / MINUTE_MS) : 0
  const known = toldOf.get(row)
  if (known?.minutes === minutes) return known.told
  const told = toldTo('', row, { machineNow, isSkipped: false })
  toldOf.set(row, { minutes, told })
  return told
}

function toldTo(
  userId: string,
  row: WorklistRow,
  { machineNow, isSkipped }: { machineNow: Date; isSkipped: boolean },
): Told[] {
  return listedCases([row], { userId, machineNow }).map((listed) => {
    const said: ListedCase = {
      ...listed,
      // By the minute, as it is shown: a row that says the same is the same row.
      heldMs: Math.floor(listed.heldMs / MINUTE_MS) * MINUTE_MS,
      why: isSkipped ? [t('reading.skipped'), ...listed.why] : listed.why,
    }
    const text = JSON.stringify(said)
    return { number: numberOf(text), text }
  })
}
