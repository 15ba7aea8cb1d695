/** A line of the handover in words. */
import type { HandoverLine } from '#db/queries/handover.ts'
import { wordFor } from '../../strings/words.ts'

/** What was written, or the word for the fact; for what it waits, where it waits. */
export function whatItIs({ what, words, waitingFor }: HandoverLine): string {
  const said =
    what === 'added' ? (words ?? '') : [wordFor('handover', what), words].filter(Boolean).join(': ')
  return waitingFor ? `${wordFor('handover', `for-${waitingFor}`)} · ${said}` : said
}
