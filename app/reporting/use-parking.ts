/** A case set aside for a moment: the words, the cursor and the images as they hang are kept with the claim. */

import { useCallback, useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import type { Refused } from '#app/server/refusal.ts'
import type { DeskPlace } from '#db/mutations/parking.ts'
import { asAct } from '../live/use-live.ts'
import type { ReportDesk } from './report-desk.ts'
import type { Draft } from './use-draft.ts'
import { type Frame, hearViewer, layoutNow, tellViewer } from './viewer-desk.ts'

export interface Parking {
  itemId: string
  fence: number
  draft: Draft
  desk: ReportDesk
  frame: Frame
  /** What waits already, newest first. */
  parked: readonly { itemId: string }[]
  mayWrite: boolean
}

/**
 * One key: sets this case aside and goes to the list; with one waiting already, changes places with it. A case in which
 * nothing has been written is given back instead: nobody waits for a reader who never began.
 */
export function useParking({ itemId, fence, draft, desk, frame, parked, mayWrite }: Parking) {
  const navigate = useNavigate()
  const isBusy = useRef(false)
  const [refused, setRefused] = useState<string | null>(null)

  async function setAside(instead: string | null): Promise<Answer | null> {
    const held = { itemId, fence: String(fence) }
    const isEmpty = draft.sections.every(({ text }) => text.trim() === '')
    if (isEmpty && instead !== null) return send({ intent: 'give-back', ...held })
    const place: DeskPlace = { cursor: desk.cursor(), layout: await layoutNow(frame) }
    await draft.save()
    return send({ intent: 'park', ...held, place: JSON.stringify(place), instead: instead ?? '' })
  }

  async function go(to: string | null): Promise<void> {
    const answered: Answer | null = mayWrite ? await setAside(to) : { ok: true }
    setRefused(answered && !answered.ok ? answered.sentence : null)
    if (!answered?.ok) return
    await navigate(to === null ? '/reading' : `/reading/${to}`, { state: { place: answered.place ?? null } })
  }

  function press(to: string | null): void {
    if (isBusy.current) return
    isBusy.current = true
    // The room asked for again while it is being left would take the case up once more.
    void asAct(() => go(to)).finally(() => {
      isBusy.current = false
    })
  }
  return {
    refused,
    /** Sets aside, or brings back what was set aside last. */
    toggle: () => press(parked[0]?.itemId ?? null),
    bringBack: (other: string) => press(other),
    /** As well: what waits goes on waiting. */
    parkToo: () => press(null),
  }
}

type Answer = { ok: true; place?: DeskPlace } | Refused

async function send(fields: Record<string, string>): Promise<Answer | null> {
  try {
    const response = await fetch('/reading/parked', { method: 'POST', body: new URLSearchParams(fields) })
    return response.ok && !response.redirected ? ((await response.json()) as Answer) : null
  } catch {
    return null // the banner says that the server is away; nothing was set aside, and the words stay here
  }
}

/** Back where the reader was, once: the cursor as soon as the words are there, the images as soon as the viewer is. */
export function useReturn(place: DeskPlace | null, desk: ReportDesk, frame: Frame): void {
  const [left] = useState(place)
  const restored = useRef(false)
  const hang = useCallback(() => {
    if (restored.current || !left?.layout) return
    restored.current = true
    tellViewer(frame, { type: 'restore', layout: left.layout })
  }, [left, frame])
  useEffect(() => {
    if (left?.cursor) desk.restoreWhenThere(left.cursor)
  }, [left, desk])
  useEffect(() => hearViewer(frame, ({ type }) => type === 'ready' && hang()), [frame, hang])
}
