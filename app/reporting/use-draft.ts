/** The text being written: kept by the server every two seconds and when a field is left, by this tab while it can't be. */

import { useCallback, useEffect, useRef, useState } from 'react'
import type { DraftAnswer } from '#app/server/drafts.ts'
import type { StoredDraft } from '#db/queries/reading-room.ts'
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

interface Loaded {
  stored: Stored | null
  /** Has the page read them once more. */
  loadAgain: () => void
}

/** The draft as the server has it. */
type Stored = Pick<StoredDraft, 'savedAt' | 'fence' | 'revision' | 'window'>

/** What this window writes on: the revision that it had last, and the name that it writes under. */
interface Base {
  window: string
  revision: number
}

export interface Draft {
  sections: Section[]
  setSections: (sections: Section[]) => void
  write: (key: string, words: MarkedText) => void
  /** Sends what isn't saved yet; true once the server has all of it. */
  save: () => Promise<boolean>
  state: DraftState
  /** The server's word for when it kept the text, by the department's clock. */
  savedAt: string | null
  /** The refusal that ended this tenure: the words are kept aside, but nothing more is saved under it. */
  lost: { code: string; sentence: string } | null
  /** Another window of the same person writes it: these words are kept, and nothing more is saved from here. */
  isElsewhere: boolean
  /** Brings the newest words here and writes on with them; the other window is told. */
  bringHere: () => void
  /** What a decision says of the words it goes by. */
  writtenIn: () => { window: string; revision: string }
}

/**
 * Plain requests, not a fetcher: a save must neither load the page again nor break it while the server is away.
 * @param newest the words as they were loaded last: what the fields begin with, and what is brought from another window
 */
export function useDraft(
  newest: Section[],
  { itemId, fence, reportId, stored, loadAgain }: Tenure & Loaded,
): Draft {
  const [sections, setSections] = useState(newest)
  const [savedAt, setSavedAt] = useState(stored && new Date(stored.savedAt).toISOString())
  const [state, setState] = useState<DraftState>('saved')
  const [lost, setLost] = useState<Draft['lost']>(null)
  const [isElsewhere, setElsewhere] = useState(false)
  /** What was loaded when the newest was asked for. */
  const [bringing, setBringing] = useState<{ before: Stored | null } | null>(null)
  const written = useRef(sections)
  const saved = useRef(newest)
  const [ownWindow] = useState(newWindow)
  const base = useRef<Base>({ window: ownWindow, revision: revisionUnder(fence, stored) })
  const sending = useRef<Promise<boolean> | null>(null)
  const isOver = lost !== null || isElsewhere

  const change = useCallback((next: Section[]) => {
    written.current = next
    setSections(next)
    setState((before) => (before === 'kept-here' ? before : 'unsaved'))
  }, [])

  const send = useCallback(async (tenure: Tenure & { reportId: string }): Promise<boolean> => {
    const content = written.current
    const answer = await post(tenure, base.current, content)
    if (answer === null) {
      keepHere(tenure, base.current, content)
      setState('kept-here')
      return false
    }
    forgetHere(tenure)
    // Refused, they are kept aside by the server, under their writer's name: sent once.
    saved.current = content
    if (!answer.ok) {
      if (answer.isElsewhere) setElsewhere(true)
      else setLost({ code: answer.code, sentence: answer.sentence })
      return false
    }
    base.current.revision = answer.revision
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
    if (kept && !sameSections(kept.sections, saved.current)) {
      // Still words of the window that could not send them: the server knows whether another one wrote since.
      base.current = kept.base
      change(kept.sections)
    }
    const timer = setInterval(() => {
      if (!sending.current) void save()
    }, SAVE_EVERY_MS)
    return () => {
      clearInterval(timer)
      // Leaving the room by whatever way: the last words go along.
      if (!sameSections(written.current, saved.current))
        leaveWith({ itemId, fence, reportId }, base.current, written.current)
    }
  }, [itemId, fence, reportId, isOver, save, change])

  const { revision = 0, window: writer = null } = stored?.fence === fence ? stored : {}
  useEffect(() => {
    if (!reportId || isOver || writer === null || writer === base.current.window) return
    if (revision <= base.current.revision) return
    // Words that are not sent yet are sent now: refused, they are kept.
    if (sameSections(written.current, saved.current)) setElsewhere(true)
    else void save()
  }, [reportId, isOver, writer, revision, save])

  useEffect(() => {
    if (!reportId || bringing === null || stored === bringing.before) return
    setBringing(null)
    base.current = { window: newWindow(), revision: revisionUnder(fence, stored) }
    change(newest)
    setElsewhere(false)
    sending.current = send({ itemId, fence, reportId }).finally(() => {
      sending.current = null
    })
  }, [bringing, stored, newest, itemId, fence, reportId, change, send])

  const bringHere = useCallback(() => {
    setBringing({ before: stored })
    loadAgain()
  }, [stored, loadAgain])
  const write = useCallback(
    (key: string, words: MarkedText) =>
      change(written.current.map((section) => (section.key === key ? { key, ...words } : section))),
    [change],
  )
  const writtenIn = useCallback(
    () => ({ window: base.current.window, revision: String(base.current.revision) }),
    [],
  )
  return {
    ...{ sections, setSections: change, write, save, state, savedAt, lost },
    ...{ isElsewhere, bringHere, writtenIn },
  }
}

function revisionUnder(fence: number, stored: Stored | null): number {
  return stored?.fence === fence ? stored.revision : 0
}

/** A name for one window's writing; `crypto.randomUUID` asks for HTTPS, and hospitals' networks are not. */
function newWindow(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16)).join('.')
}

/** Kept in the tab until the server has them: without a session nobody takes them, and whoever signs in again comes back. */
function leaveWith(tenure: Tenure, base: Base, sections: Section[]): void {
  keepHere(tenure, base, sections)
  void post(tenure, base, sections).then((answer) => {
    if (answer !== null) forgetHere(tenure)
  })
}

/** Null: the server was not reached, or the session is over. */
async function post(
  { itemId, fence, reportId }: Tenure,
  { window, revision }: Base,
  sections: Section[],
): Promise<DraftAnswer | null> {
  const body = new URLSearchParams({
    ...{ itemId, fence: String(fence), reportId: reportId ?? '' },
    ...{ window, revision: String(revision), sections: JSON.stringify(sections) },
  })
  try {
    const response = await fetch('/reading/draft', { method: 'POST', body, keepalive: true })
    return response.ok && !response.redirected ? ((await response.json()) as DraftAnswer) : null
  } catch {
    return null // what could not be sent stays in this tab, and the next try is two seconds away
  }
}

// For the tab, not for the workstation: the next person at it must not find a patient's words.
// Each work item counts its fences from one: the item belongs to the name.
const placeOf = ({ itemId, reportId, fence }: Tenure) => `words:${itemId}:${reportId}:${fence}`

interface Kept {
  base: Base
  sections: Section[]
}

function keepHere(tenure: Tenure, base: Base, sections: Section[]): void {
  sessionStorage.setItem(placeOf(tenure), JSON.stringify({ base, sections } satisfies Kept))
}

function forgetHere(tenure: Tenure): void {
  sessionStorage.removeItem(placeOf(tenure))
}

function keptHere(tenure: Tenure): Kept | null {
  const kept = sessionStorage.getItem(placeOf(tenure))
  return kept ? (JSON.parse(kept) as Kept) : null
}
