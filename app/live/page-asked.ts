/** When what is on the screen was asked for, so that no news between the asking and the listening is lost. */
import type { ContextType } from 'react'
import type { UNSAFE_DataRouterContext } from 'react-router'

export type DataRouter = NonNullable<ContextType<typeof UNSAFE_DataRouterContext>>['router']

/** The document's own origin is kept by another clock, which may be a little ahead. */
const CLOCKS_APART_MS = 1_000
let askedMs = typeof performance === 'undefined' ? 0 : performance.timeOrigin - CLOCKS_APART_MS
const watched = new WeakSet<DataRouter>()

/** On the browser's clock: when the newest page was asked for, by the browser or by its router. */
export function pageAskedMs(router: DataRouter): number {
  if (!watched.has(router)) {
    watched.add(router)
    let going = router.state.navigation.location
    router.subscribe(({ navigation }) => {
      if (navigation.location && navigation.location !== going) askedMs = Date.now()
      going = navigation.location
    })
  }
  return askedMs
}
