/** Keeps a screen fresh: when its topics change, its loaders run again. */
import { useCallback, useContext, useEffect, useRef } from 'react'
import { UNSAFE_DataRouterContext } from 'react-router'
import { tookFailedLoad } from './failed-load.ts'
import { listenTo } from './live-connection.ts'
import { pacedLoads } from './paced-loads.ts'
import { type DataRouter, pageAskedMs } from './page-asked.ts'

/** A browser that never rests gets its next list after this anyway. */
const DRAWN_WITHIN_MS = 1_000

/**
 * Screens with a `<Form>` must not use this: a revalidation that races a form's action loses the action's answer.
 * Worklists act through fetchers, which it leaves alone.
 * @returns asks for a load as news does: once nobody's act is on its way
 */
export function useLive(topics: readonly string[]): () => void {
  const router = useContext(UNSAFE_DataRouterContext)?.router
  const ask = useRef<(() => void) | null>(null)
  const isAsked = useRef(false)
  const key = topics.join(' ')
  useEffect(() => {
    if (!router) return
    const loads = pacedLoads({
      isActing: () => isActing(router),
      async load() {
        await router.revalidate()
        await drawn()
        if (tookFailedLoad()) throw new Error('the screen stands as it was')
      },
    })
    ask.current = loads.ask
    if (isAsked.current) loads.ask()
    isAsked.current = false
    const stop = listenTo(key.split(' '), pageAskedMs(router), loads.ask)
    return () => {
      ask.current = null
      stop()
      loads.stop()
    }
  }, [key, router])
  return useCallback(() => {
    // What a part of the screen asks for while it is put up is asked once this listens.
    if (ask.current) ask.current()
    else isAsked.current = true
  }, [])
}

/**
 * Whether somebody's act is on its way, or a page. A load that begins meanwhile counts as the newer wish: the router
 * would drop the act's redirect, and a signed report would stay on the screen. Asked of the router itself, because
 * what a component was last drawn with may be older than the press of the key.
 */
export function isActing({ state: { navigation, fetchers } }: DataRouter): boolean {
  return (
    plainActs.size > 0 ||
    navigation.state !== 'idle' ||
    [...fetchers.values()].some((fetcher) => fetcher.state === 'submitting')
  )
}

const plainActs = new Set<symbol>()

/** Runs an act that goes by plain requests, of which the router knows nothing; no load begins until it is over. */
export async function asAct(act: () => Promise<void>): Promise<void> {
  const mine = Symbol('act')
  plainActs.add(mine)
  try {
    await act()
  } finally {
    plainActs.delete(mine)
  }
}

/** A slow workstation draws what it has before it asks for more: a newer list would start the drawing over. */
function drawn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === 'undefined') setTimeout(resolve)
    else requestIdleCallback(() => resolve(), { timeout: DRAWN_WITHIN_MS })
  })
}
