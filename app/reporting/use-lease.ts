/** Keeps a claim alive while its screen is open, and says when it is at risk and when it is lost. */
import { useCallback, useEffect, useState } from 'react'

/** A lease lives 120 seconds; two heartbeats may be lost before anybody else can take it. */
const HEARTBEAT_MS = 30_000
const AT_RISK_AFTER_MS = 60_000

export type Beat = 'renewed' | 'lost' | Unheard
/** No answer of the department's: the server is away, or the session is over. */
export type Unheard = 'unreachable' | 'signed-out'

export interface Lease {
  renewedAt: string | null
  /** Seconds since the last renewal, once half the lease is over without one. */
  riskSeconds: number | null
  lost: { code: string; sentence: string } | null
  /** Renews it now: before a decision, so that the decision is not refused for want of a claim. */
  beat: () => Promise<Beat>
}

interface Known {
  fence: number
  renewedAt: string | null
  /** On the workstation's own clock: only spans are taken from it. */
  heardMs: number
  lost: Lease['lost']
}

/** Plain requests, not a fetcher: a heartbeat must neither wait for a page nor load one again. */
export function useLease({ itemId, fence, held }: { itemId: string; fence: number; held: boolean }): Lease {
  const [known, setKnown] = useState<Known>({ fence, renewedAt: null, heardMs: Date.now(), lost: null })
  const [nowMs, setNowMs] = useState(0)

  const beat = useCallback(async (): Promise<Beat> => {
    const answer = await renew({ itemId, fence })
    if (typeof answer === 'string') return answer
    setKnown(
      answer.ok
        ? { fence, renewedAt: answer.renewedAt, heardMs: Date.now(), lost: null }
        : (before) => ({ ...before, fence, lost: { code: answer.code, sentence: answer.sentence } }),
    )
    return answer.ok ? 'renewed' : 'lost'
  }, [itemId, fence])

  useEffect(() => {
    if (!held) return
    void beat()
    const beats = setInterval(() => void beat(), HEARTBEAT_MS)
    const clock = setInterval(() => setNowMs(Date.now()), 1_000)
    return () => {
      clearInterval(beats)
      clearInterval(clock)
    }
  }, [held, beat])

  const isThisTenure = known.fence === fence
  const silentMs = nowMs - known.heardMs
  return {
    renewedAt: isThisTenure ? known.renewedAt : null,
    riskSeconds: held && silentMs >= AT_RISK_AFTER_MS ? Math.floor(silentMs / 1000) : null,
    lost: isThisTenure ? known.lost : null,
    beat,
  }
}

type Answer = { ok: true; renewedAt: string } | { ok: false; code: string; sentence: string }

/** Unheard, the lease may well stand; the banner says when the server is away. */
async function renew({ itemId, fence }: { itemId: string; fence: number }): Promise<Answer | Unheard> {
  const body = new URLSearchParams({ itemId, fence: String(fence) })
  try {
    const response = await fetch('/reading/heartbeat', { method: 'POST', body })
    // Whoever has no session is sent to sign in.
    if (response.redirected) return 'signed-out'
    return response.ok ? ((await response.json()) as Answer) : 'unreachable'
  } catch {
    return 'unreachable' // the next beat tries again, and the risk is counted from the last that got through
  }
}
