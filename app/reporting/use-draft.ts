/** The text being written: kept by the server every two seconds and when a field is left, by this tab while it can't be. */

import { useCallback, useEffect, useRef, useState } from 'react'
import type { MarkedText } from '#domain/report-text.ts'
import { type Section, sameSections } from './sections.ts'

const SAVE_EVERY_MS = 2_000

export type DraftState = 'saved' | 'unsaved' | 'kept-here'

interface Tenure {
  itemId: string
  fence: number
  /** Null while nothing may be written. */
  reportId: string | null
}

export interface Draft {
  sections: Section[]
  setSections: (sections: Section[]) => void
  write: (key: string, words: MarkedText) => void
  /** Sends what isn't saved yet; true once the server has all of it. */
  save: () => Promise<boolean>
  state: DraftState
  /** The server's word for when it kept the text. */
  savedAt: string | null
  /** The refusal that ended this tenure: the words are kept aside, but nothing more is saved under it. */
  lost: { code: string; sentence: string } | null
}

/** Plain requests, not a fetcher: a save must neither load the page again nor break it while the server is away. */
export function useDraft(
  initial: Section[],
  { itemId, fence, reportId, savedAt: savedBefore }: Tenure & { savedAt: string | null },
): Draft {
  const [sections, setSections] = useState(initial)
  const [savedAt, setSavedAt] = useState(savedBefore)
  const [state, setState] = useState<DraftState>('saved')
  const [lost, setLost] = useState<Draft['lost']>(null)
  const written = useRef(sections)
  const saved = useRef(initial)
  const sending = useRef<Promise<boolean> | null>(null)
  const isOver = lost !== null

  const change = useCallback((next: Section[]) => {
    written.current = next
    setSections(next)
    setState((before) => (before === 'kept-here' ? before : 'unsaved'))
  }, [])

  const send = useCallback(async (tenure: Tenure & { reportId: string }): Promise<boolean> => {
    const content = written.current
    const answer = await post(tenure, content)
    if (answer === null) {
      keepHere(tenure, content)
      setState('kept-here')
      return false
    }
    if (!answer.ok) {
      // Kept aside by the server, under its writer's name: sent once.
      saved.current = content
      setLost({ code: answer.code, sentence: answer.sentence })
      return false
    }
    forgetHere(tenure)
    saved.current = content
    setSavedAt(answer.savedAt)
    const isAll = sameSections(written.current, content)
    setState(isAll ? 'saved' : 'unsaved')
    return isAll
  }, [])

  const save = useCallback(async (): Promise<boolean> => {
    // One at a time, or an older text could arrive after a newer one.
    while (sending.current) await sending.current
    if (!reportId || isOver) return false
    if (sameSections(written.current, saved.current)) return true
    sending.current = send({ itemId, fence, reportId }).finally(() => {
      sending.current = null
    })
    return sending.current
  }, [itemId, fence, reportId, isOver, send])

  useEffect(() => {
    if (!reportId || isOver) return
    const kept = keptHere({ itemId, fence, reportId })
    if (kept && !sameSections(kept, saved.current)) change(kept)
    const timer = setInterval(() => {
      if (!sending.current) void save()
    }, SAVE_EVERY_MS)
    return () => {
      clearInterval(timer)
      // Leaving the room by whatever way: the last words go along.
      if (!sameSections(written.current, saved.current))
        void post({ itemId, fence, reportId }, written.current)
    }
  }, [itemId, fence, reportId, isOver, save, change])

  const write = useCallback(
    (key: string, words: MarkedText) =>
      change(written.current.map((section) => (section.key === key ? { key, ...words } : section))),
    [change],
  )
  return { sections, setSections: change, write, save, state, savedAt, lost }
}

type Answer = { ok: true; savedAt: string } | { ok: false; code: string; sentence: string }

/** Null: the server was not reached, or the session is over. */
async function post({ itemId, fence, reportId }: Tenure, sections: Section[]): Promise<Answer | null> {
  const body = new URLSearchParams({
    itemId,
    fence: String(fence),
    reportId: reportId ?? '',
    sections: JSON.stringify(sections),
  })
  try {
    const response = await fetch('/reading/draft', { method: 'POST', body, keepalive: true })
    return response.ok && !response.redirected ? ((await response.json()) as Answer) : null
  } catch {
    return null // what could not be sent stays in this tab, and the next try is two seconds away
  }
}

// For the tab, not for the workstation: the next person at it must not find a patient's words.
// Each work item counts its fences from one: the item belongs to the name.
const placeOf = ({ itemId, reportId, fence }: Tenure) => `draft:${itemId}:${reportId}:${fence}`

function keepHere(tenure: Tenure, sections: Section[]): void {
  sessionStorage.setItem(placeOf(tenure), JSON.stringify(sections))
}

function forgetHere(tenure: Tenure): void {
  sessionStorage.removeItem(placeOf(tenure))
}

function keptHere(tenure: Tenure): Section[] | null {
  const kept = sessionStorage.getItem(placeOf(tenure))
  return kept ? (JSON.parse(kept) as Section[]) : null
}
