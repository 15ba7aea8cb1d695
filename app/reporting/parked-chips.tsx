/** What waits to be taken up again, beside the name: whose, and for how long. */
import type { WaitingCase } from '#app/server/parked.ts'
import './parked-chips.css'
import { useEffect, useState } from 'react'
import { t } from '../strings/words.ts'
import { Keys } from '../ui/button.tsx'
import { duration } from '../ui/format.ts'
import { Glyph } from '../ui/glyph.tsx'
import { writtenName } from '../ui/person-name.ts'

const TICK_MS = 15_000

interface ParkedChipsProps {
  cases: readonly WaitingCase[]
  onBringBack: (itemId: string) => void
  /** Left out where there is nothing to set aside, or no room left. */
  onParkToo?: (() => void) | undefined
}

export function ParkedChips({ cases, onBringBack, onParkToo }: ParkedChipsProps) {
  const sinceMs = useSince(cases)
  if (cases.length === 0) return null
  return (
    <span className="parked-chips">
      {cases.map(({ itemId, name, accession, waitedMs }, n) => (
        <button
          key={itemId}
          type="button"
          className="tag hold parked-chip"
          title={t('parked.bring-back-of', { accession })}
          onClick={() => onBringBack(itemId)}
        >
          <Glyph name="paused" />
          <span>{t('parked.chip', { name: writtenName(name), time: waited(waitedMs + sinceMs) })}</span>
          {n === 0 ? <Keys chord="Alt+Q" /> : null}
        </button>
      ))}
      {onParkToo && cases.length === 1 ? (
        <button type="button" className="tag parked-chip" onClick={onParkToo}>
          {t('parked.this-too')}
        </button>
      ) : null}
    </span>
  )
}

const waited = (ms: number) => (ms < 60_000 ? t('parked.now') : duration(ms))

/** Only the time that has passed is taken from the workstation's clock. */
function useSince(cases: readonly WaitingCase[]): number {
  const [since, setSince] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another answer of the server begins anew
  useEffect(() => {
    const start = Date.now()
    setSince(0)
    const timer = setInterval(() => setSince(Date.now() - start), TICK_MS)
    return () => clearInterval(timer)
  }, [cases])
  return since
}
