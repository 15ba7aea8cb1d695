/** Keeps a screen fresh: when its topics change, its loaders run again, one at a time and not more often than needed. */
import { type ContextType, useCallback, useContext, useEffect, useRef } from 'react'
import { UNSAFE_DataRouterContext, useRevalidator } from 'react-router'
import { listenTo } from './live-connection.ts'

/** Between two loads of the same screen: far below the second that a change may take to be seen. */
const AT_MOST_EVERY_MS = 250
/** While an act is on its way, it is looked again this often whether its answer has come. */
const WHILE_ACTING_MS = 50

/**
 * Screens with a `<Form>` must not use this: a revalidation that races a form's action loses the action's answer.
 * Worklists act through fetchers, which it leaves alone.
 */
export function useLive(topics: readonly string[]): void {
  const { revalidate, state } = useRevalidator()
  const router = useContext(UNSAFE_DataRouterContext)?.router
  const wanted = useRef(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const busy = useRef(false)
  busy.current = state !== 'idle'

  const ask = useCallback((): void => {
    wanted.current = true
    if (timer.current || busy.current) return
    const waitMs = isActing(router) ? WHILE_ACTING_MS : AT_MOST_EVERY_MS
    if (waitMs === AT_MOST_EVERY_MS) {
      wanted.current = false
      void revalidate()
    }
    timer.current = setTimeout(() => {
      timer.current = undefined
      if (wanted.current) ask()
    }, waitMs)
  }, [revalidate, router])

  const key = topics.join(' ')
  useEffect(() => {
    const stop = listenTo(key.split(' '), ask)
    return () => {
      stop()
      clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [key, ask])
  // A change that came while the loaders ran may not be in what they read.
  useEffect(() => {
    if (state === 'idle' && wanted.current) ask()
  }, [state, ask])
}

type DataRouter = NonNullable<ContextType<typeof UNSAFE_DataRouterContext>>['router']

/**
 * Whether somebody's act is on its way, or a page. A load that begins meanwhile counts as the newer wish: the router
 * would drop the act's redirect, and a signed report would stay on the screen. Asked of the router itself, because
 * what a component was last drawn with may be older than the press of the key.
 */
function isActing(router: DataRouter | undefined): boolean {
  if (!router) return false
  const { navigation, fetchers } = router.state
  return (
    navigation.state !== 'idle' || [...fetchers.values()].some((fetcher) => fetcher.state === 'submitting')
  )
}
