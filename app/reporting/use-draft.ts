/** The text being written: saved by the server two seconds after the last word and when a field is left. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { useFetcher } from 'react-router'
import { type Section, sameSections } from './sections.ts'

const SAVE_AFTER_MS = 2_000

export interface DraftAnswer {
  ok: boolean
  code?: string
  sentence?: string
  savedAt?: string
}

export function useDraft(
  initial: Section[],
  under: { itemId: string; fence: number; reportId: string | null; savedAt: string | null },
) {
  const [sections, setSections] = useState(initial)
  const saved = useRef(initial)
  const saver = useFetcher<DraftAnswer>()
  const latest = useRef(sections)
  latest.current = sections
  const { itemId, fence, reportId } = under
  const { submit } = saver

  const save = useCallback(() => {
    if (!reportId || sameSections(latest.current, saved.current)) return
    saved.current = latest.current
    void submit(
      { intent: 'save', itemId, fence, reportId, sections: JSON.stringify(latest.current) },
      { method: 'post', action: `/reading/${itemId}` },
    )
  }, [itemId, fence, reportId, submit])

  // biome-ignore lint/correctness/useExhaustiveDependencies: each word starts the two seconds again
  useEffect(() => {
    const timer = setTimeout(save, SAVE_AFTER_MS)
    return () => clearTimeout(timer)
  }, [sections, save])

  // What the server refused or never got is tried again with the next word, never thought of as saved.
  useEffect(() => {
    if (saver.state === 'idle' && saver.data && !saver.data.ok) saved.current = []
  }, [saver.state, saver.data])

  return {
    sections,
    setSections,
    write: (key: string, text: string) =>
      setSections((before) =>
        before.map((section) => (section.key === key ? { ...section, text } : section)),
      ),
    save,
    isSaved: sameSections(sections, saved.current) && saver.state === 'idle',
    savedAt: saver.data?.ok ? (saver.data.savedAt ?? null) : under.savedAt,
    lost: saver.data && !saver.data.ok ? (saver.data.code ?? 'unknown') : null,
  }
}
