/** Keeps a screen fresh: when its topics change, its loaders run again, one at a time and not more often than needed. */
import { useEffect, useRef } from 'react'
import { useRevalidator } from 'react-router'
import { listenTo } from './live-connection.ts'

/** Between two loads of the same screen: far below the second that a change may take to be seen. */
const AT_MOST_EVERY_MS = 250

/**
 * Screens with a `<Form>` must not use this: a revalidation that races a form's action loses the action's answer.
 * Worklists act through fetchers, which it leaves alone.
 */
export function useLive(topics: readonly string[]): void {
  const { revalidate, state } = useRevalidator()
  const wanted = useRef(false)
  const busy = useRef(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  busy.current = state !== 'idle'
  const key = topics.join(' ')
  useEffect(() => {
    function ask(): void {
      if (timer.current) return
      if (busy.current) {
        wanted.current = true
        return
      }
      wanted.current = false
      void revalidate()
      timer.current = setTimeout(() => {
        timer.current = undefined
        if (wanted.current) ask()
      }, AT_MOST_EVERY_MS)
    }
    const stop = listenTo(key.split(' '), () => {
      wanted.current = true
      ask()
    })
    return () => {
      stop()
      clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [key, revalidate])
  // A change that came while the loaders ran may not be in what they read.
  useEffect(() => {
    if (state === 'idle' && wanted.current && !timer.current) {
      wanted.current = false
      void revalidate()
    }
  }, [state, revalidate])
}
