/**
 * One reader, one tenure, two windows: a fence tells people apart and not windows, so words say in which window they were
 * written and which revision of the draft that window had before it.
 */
import { RadiologyError } from '#domain/errors.ts'
import type { Scope } from './mutate.ts'

export interface WrittenIn {
  /** Any name that no other window has. */
  window: string
  /** Of the draft that this window had last, under this fence; 0: none yet. */
  revision: number
}

/** The refusal of words that stand on an older draft than the one that another window wrote. */
export function writtenElsewhere(refs: { reportId: string; fence: number }): RadiologyError {
  return new RadiologyError('stale-fence', { ...refs, by: 'window' })
}

/**
 * Words that go out are the newest that were written. Left out where no window wrote them: nothing is asked.
 * @throws RadiologyError 'stale-fence' (by: 'window')
 */
export async function mustBeNewest(
  { sql }: Scope,
  { reportId, fence, writtenIn }: { reportId: string; fence: number; writtenIn?: WrittenIn | undefined },
): Promise<void> {
  if (!writtenIn) return
  const [newer] = await sql`
    select 1 from report_drafts where report_id = ${reportId} and fence = ${fence}
      and written_in <> ${writtenIn.window} and revision <> ${writtenIn.revision}`
  if (newer) throw writtenElsewhere({ reportId, fence })
}
