/** A person's notices, fetched again when the department tells them something. */
import { useContext, useEffect, useState } from 'react'
import { UNSAFE_DataRouterContext } from 'react-router'
import type { Notice } from '#db/queries/notices.ts'
import { listenTo } from './live-connection.ts'
import { pacedLoads } from './paced-loads.ts'
import { pageAskedMs } from './page-asked.ts'

/** As JSON carries it. */
type Instants = 'dueAt' | 'dueFrom' | 'lateAt'
export type ShownNotice = Omit<Notice, 'at' | Instants> & Record<Instants, string | null>

/** A stop of the department fires many timers at once: they are one message. */
const AT_MOST_EVERY_MS = 2_000

export function useNotices(userId: string): { notices: ShownNotice[]; see: () => void } {
  const [notices, setNotices] = useState<ShownNotice[]>([])
  const router = useContext(UNSAFE_DataRouterContext)?.router
  useEffect(() => {
    if (!router) return
    async function load() {
      const response = await fetch('/notices')
      if (response.status >= 500) throw new Error(`/notices answered ${response.status}`)
      if (response.ok && !response.redirected) setNotices(await response.json())
    }
    const loads = pacedLoads({ everyMs: AT_MOST_EVERY_MS, load })
    loads.ask()
    const stop = listenTo([`notices:${userId}`], pageAskedMs(router), loads.ask)
    return () => {
      stop()
      loads.stop()
    }
  }, [userId, router])
  function see(): void {
    const body = new URLSearchParams({ itemIds: notices.map(({ itemId }) => itemId).join(' ') })
    // What could not be told to the department stays, and is offered again.
    void fetch('/notices', { method: 'POST', body }).then(
      ({ ok }) => ok && setNotices([]),
      () => {},
    )
  }
  return { notices, see }
}
