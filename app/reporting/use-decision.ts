/** A reader's decisions on a case, one at a time, each behind the last words and a renewed claim. */
import { useRef, useState } from 'react'
import { useFetcher } from 'react-router'
import type { ReadingAnswer } from '#app/server/reading-acts.ts'
import type { useDraft } from './use-draft.ts'
import type { Unheard, useLease } from './use-lease.ts'

export interface Deciding {
  itemId: string
  fence: number
  reportId: string
  draft: ReturnType<typeof useDraft>
  lease: ReturnType<typeof useLease>
  isHeld: boolean
  /** What is read together with it, each under the fence that is shown. */
  beside?: readonly { itemId: string; fence: number }[]
}

/** A decision is never refused for a claim that could have been kept, and none is made while the server is away. */
export function useDecision({ itemId, fence, reportId, draft, lease, isHeld, beside = [] }: Deciding) {
  const acting = useFetcher<ReadingAnswer>()
  const isDeciding = useRef(false)
  const [unheard, setUnheard] = useState<Unheard | null>(null)
  const isBusy = acting.state !== 'idle'

  async function decide(intent: string, more: Record<string, string>): Promise<void> {
    setUnheard(null)
    if (isHeld) {
      await draft.save()
      const beaten = await lease.beat()
      if (beaten === 'unreachable' || beaten === 'signed-out') return setUnheard(beaten)
      if (beaten === 'lost' && intent !== 'next') return
    }
    const fields = { intent, fence: String(fence), reportId, sections: JSON.stringify(draft.sections) }
    const held = JSON.stringify(beside.map((one) => ({ itemId: one.itemId, fence: one.fence })))
    await acting.submit(
      { ...fields, ...draft.writtenIn(), beside: held, ...more },
      { method: 'post', action: `/reading/${itemId}` },
    )
  }

  function submit(intent: string, more: Record<string, string> = {}): void {
    if (isBusy || isDeciding.current) return
    isDeciding.current = true
    void decide(intent, more).finally(() => {
      isDeciding.current = false
    })
  }
  const refused = !isBusy && acting.data && 'sentence' in acting.data ? acting.data.sentence : null
  return { submit, isBusy, refused, unheard }
}
