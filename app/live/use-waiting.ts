/** The counts in the bar, kept fresh beside the screen below it: a bar may lag a little, a list may not. */
import { useContext, useEffect, useState } from 'react'
import { UNSAFE_DataRouterContext } from 'react-router'
import { listenTo } from './live-connection.ts'
import { pacedLoads } from './paced-loads.ts'
import { pageAskedMs } from './page-asked.ts'

const AT_MOST_EVERY_MS = 2_000

interface Counted {
  id: string
  waiting?: number | undefined
  late?: boolean | undefined
}

/** @param topics whose change may change a count */
export function useWaiting<T extends Counted>(places: T[], topics: readonly string[]): T[] {
  const [told, setTold] = useState<{ of: T[]; counts: Record<string, Omit<Counted, 'id'>> } | null>(null)
  const router = useContext(UNSAFE_DataRouterContext)?.router
  const key = topics.join(' ')
  useEffect(() => {
    if (key === '' || !router) return
    const loads = pacedLoads({
      everyMs: AT_MOST_EVERY_MS,
      async load() {
        const response = await fetch('/waiting')
        if (response.status >= 500) throw new Error(`/waiting answered ${response.status}`)
        // Signed out: the screen itself goes where that leads.
        if (response.ok && !response.redirected) setTold({ of: places, counts: await response.json() })
      },
    })
    const stop = listenTo(key.split(' '), pageAskedMs(router), loads.ask)
    return () => {
      stop()
      loads.stop()
    }
  }, [key, places, router])
  if (told?.of !== places) return places
  return places.map((place) => ({ ...place, ...told.counts[place.id] }))
}
