/** Who has this case: free, somebody (named, since when), or you. */
import { t } from '../strings/words.ts'
import { duration } from './format.ts'
import { Glyph } from './glyph.tsx'

export interface ClaimState {
  holder: { id: string; name: string } | null
  /** How long it has been held, on the machine's clock, as leases are. */
  heldMs: number
  mine: boolean
  /** Since the newest draft of yours, if there is one. */
  draftMs?: number | null | undefined
}

export function Claim({ holder, heldMs, mine, draftMs }: ClaimState) {
  if (!holder) return <span className="text-3">{t('claim.free')}</span>
  if (mine) {
    const words = draftMs == null ? t('claim.you') : t('claim.you-draft', { duration: duration(draftMs) })
    return <span className="claim mine">{words}</span>
  }
  const minutes = Math.floor(heldMs / 60_000)
  return (
    <span className="claim">
      <Glyph name="lock" />
      <span className="ellipsis">
        {minutes < 1
          ? t('claim.taken-now', { name: holder.name })
          : t('claim.taken', { name: holder.name, minutes })}
      </span>
    </span>
  )
}
