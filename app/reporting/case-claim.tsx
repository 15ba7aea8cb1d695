/** Whose case it is: the tag in the banner, the way to take it, and what is said when it is lost. */
import { t, wordFor } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { useZone } from '../ui/department-clock.tsx'
import { clockTime, elapsed } from '../ui/format.ts'
import { Glyph } from '../ui/glyph.tsx'
import { MainAct } from '../ui/main-act.tsx'

interface HolderTagProps {
  isMine: boolean
  holder: { name: string } | null
  /** Seconds without a renewal, from half the lease on. */
  riskSeconds: number | null
}

export function HolderTag({ isMine, holder, riskSeconds }: HolderTagProps) {
  if (isMine && riskSeconds !== null) {
    return (
      <span className="tag risk">
        <Glyph name="look" /> {t('room.lease-risk', { time: elapsed(riskSeconds * 1000) })}
      </span>
    )
  }
  if (isMine) {
    return (
      <span className="tag you">
        <Glyph name="lock" /> {t('room.yours')}
      </span>
    )
  }
  return (
    <span className="tag">
      {holder ? <Glyph name="lock" /> : null}
      {holder ? t('room.view-only-of', { name: holder.name }) : t('reading.view-only')}
    </span>
  )
}

interface NotMineProps {
  holder: string | null
  state: string
  /** Why nobody may take it now. */
  blockedBy: string | null
  /** Absent for roles that don't read. */
  mayClaim: boolean
  onClaim: () => void
  onTakeOver: () => void
  isBusy: boolean
}

/** In the place of the signature, for whoever looks without holding the case. */
export function NotMine({ holder, state, blockedBy, mayClaim, onClaim, onTakeOver, isBusy }: NotMineProps) {
  if (state === 'completed' || state === 'cancelled') return <p className="text-2">{t('room.done')}</p>
  if (holder === null) {
    return mayClaim ? (
      <div className="stack">
        <MainAct busy={isBusy} blocked={blockedBy && wordFor('blocked', blockedBy)} onClick={onClaim}>
          {t('room.claim')}
        </MainAct>
        {blockedBy ? <p className="button-reason">{wordFor('blocked', blockedBy)}</p> : null}
      </div>
    ) : null
  }
  return (
    <div className="stack">
      <p className="text-2">{t('room.held-by', { name: holder })}</p>
      {mayClaim ? (
        <Button wide busy={isBusy} onClick={onTakeOver}>
          {t('room.take-over')}
        </Button>
      ) : null}
    </div>
  )
}

interface ClaimLostProps {
  sentence: string
  /** When the server last kept the words. */
  savedAt: string | null
  onNext: () => void
  onBack: () => void
}

export function ClaimLost({ sentence, savedAt, onNext, onBack }: ClaimLostProps) {
  const zone = useZone()
  return (
    <section className="claim-lost" role="alert">
      <p className="strong">
        <Glyph name="lock" /> {t('room.claim-lost')}
      </p>
      <p className="small">{sentence}</p>
      <p className="small">
        {savedAt
          ? t('room.text-kept', { time: clockTime(new Date(savedAt), zone, { seconds: true }) })
          : t('room.text-kept-aside')}
      </p>
      <div className="row">
        <Button chord="Alt+N" onClick={onNext}>
          {t('reading.next-case')}
        </Button>
        <Button chord="Alt+W" onClick={onBack}>
          {t('room.back')}
        </Button>
      </div>
    </section>
  )
}

/** In this window the words stand still: another one of the same person writes them. */
export function WrittenElsewhere({ onBring }: { onBring: () => void }) {
  return (
    <section className="claim-lost" role="alert">
      <p className="strong">
        <Glyph name="look" /> {t('elsewhere.title')}
      </p>
      <p className="small">{t('elsewhere.words')}</p>
      <div className="row">
        <Button look="primary" chord="Alt+Enter" onClick={onBring}>
          {t('elsewhere.bring')}
        </Button>
      </div>
    </section>
  )
}

export function LeaseFact({ at }: { at: string }) {
  return <span>{t('room.lease', { time: clockTime(new Date(at), useZone(), { seconds: true }) })}</span>
}
