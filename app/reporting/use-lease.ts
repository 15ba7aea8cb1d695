/** Keeps a claim alive while its screen is open, and says when it is lost. */
import { useEffect, useState } from 'react'

/** A lease lives 120 seconds; two heartbeats may be lost before anybody else can take it. */
const HEARTBEAT_MS = 30_000

export interface Lease {
  renewedAt: string | null
  lost: { code: string; sentence: string } | null
}

/** Plain requests, not a fetcher: a heartbeat must neither wait for a page nor load one again. */
export function useLease({ itemId, fence, held }: { itemId: string; fence: number; held: boolean }): Lease {
  const [lease, setLease] = useState<Lease>({ renewedAt: null, lost: null })
  useEffect(() => {
    if (!held) return
    let isOver = false
    async function beat(): Promise<void> {
      const body = new URLSearchParams({ itemId, fence: String(fence) })
      const response = await fetch('/reading/heartbeat', { method: 'POST', body }).catch(() => null)
      // No answer is no news: the lease may well stand, and the banner says that the server is away.
      if (!response?.ok || isOver) return
      const answer = (await response.json()) as {
        ok: boolean
        code: string
        sentence: string
        renewedAt: string
      }
      setLease((before) =>
        answer.ok
          ? { renewedAt: answer.renewedAt, lost: null }
          : { ...before, lost: { code: answer.code, sentence: answer.sentence } },
      )
    }
    void beat()
    const timer = setInterval(() => void beat(), HEARTBEAT_MS)
    return () => {
      isOver = true
      clearInterval(timer)
    }
  }, [itemId, fence, held])
  return lease
}
