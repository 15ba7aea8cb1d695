/** F4: what is said goes in where the cursor is; the focus and the cursor stay where they are. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { type DictationEngine, dictationEngine } from './dictation.ts'
import type { ReportDesk } from './report-desk.ts'

export type DictationState =
  | { is: 'off' }
  | { is: 'on'; name: string; isLocal: boolean; guess: string }
  /** Nothing here may listen, or it stopped by itself. */
  | { is: 'impossible' | 'broken' }

/** Reports are written in the language of the words on the screen. */
const LANGUAGE = 'en-GB'
const OFF: DictationState = { is: 'off' }

export function useDictation(desk: ReportDesk, { cloudAccepted }: { cloudAccepted: boolean }) {
  const [state, setState] = useState<DictationState>(OFF)
  const engine = useRef<DictationEngine | null>(null)
  // The last words of a sentence may come after the key that ended it: they belong to who listened last.
  const listener = useRef<DictationEngine | null>(null)

  const stop = useCallback(() => {
    engine.current?.stop()
    engine.current = null
    setState(OFF)
  }, [])
  useEffect(
    () => () => {
      stop()
      listener.current = null
    },
    [stop],
  )

  async function start(): Promise<void> {
    const found = await dictationEngine(LANGUAGE, { cloudAccepted })
    if (!found) return setState({ is: 'impossible' })
    const { name, isLocal } = found
    engine.current = found
    listener.current = found
    setState({ is: 'on', name, isLocal, guess: '' })
    found.start(LANGUAGE, {
      words: (text) => {
        if (listener.current === found) desk.insert({ text, marks: [] }, { spaced: true })
      },
      guess: (guess) => {
        if (engine.current === found) setState({ is: 'on', name, isLocal, guess })
      },
      ended: (fault) => {
        if (engine.current !== found) return
        engine.current = null
        setState(fault ? { is: 'broken' } : OFF)
      },
    })
  }
  const toggle = () => (engine.current ? stop() : void start())
  return { state, toggle, stop }
}
