/** Why a case is late and whose it is, in words. */
import { t, wordFor } from '../../strings/words.ts'
import { duration, NONE } from '../../ui/format.ts'
import type { ListedCase } from '../../worklist/listed-case.ts'

export function whyLate({
  kind,
  holder,
  assignedTo,
  meantFor,
  heldMs,
  images,
  phase,
  paused,
}: ListedCase): string {
  if (paused) return wordFor('why.paused', paused)
  if (holder) return t('late.held', { work: wordFor('work', kind), duration: duration(heldMs) })
  if (kind === 'watchdog') return t('late.unfinished')
  if (images?.verdict === 'incomplete') return t('late.images-missing', { n: images.missing })
  if (kind === 'perform' && (phase === 'scheduled' || phase === 'arrived' || phase === 'acquiring'))
    return t(`late.exam-${phase}`)
  // It is somebody's, who has not taken it up.
  if (assignedTo || meantFor) return t('late.not-begun', { work: wordFor('work', kind) })
  return t('late.nobody', { work: wordFor('work', kind) })
}

export function ownerOf({ holder, assignedTo, meantFor, room }: ListedCase): string {
  return holder?.name ?? assignedTo ?? meantFor ?? (room || NONE)
}
