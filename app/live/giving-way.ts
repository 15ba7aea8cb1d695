/**
 * A load of the screen that stands gives way to an act that leads to another page. The router (8.4, and still 8.5) does
 * not end it for an act's redirect: the load would then write its own address over the new one, or bring the old screen
 * back.
 */
import type { DataStrategyResult } from 'react-router'
import type { DataRouter } from './page-asked.ts'

type Results = Record<string, DataStrategyResult>

const underWay = new Set<() => void>()

/** What was read; null when an act led elsewhere before it came. */
export async function readUnlessLeft(read: Promise<Results>): Promise<Results | null> {
  let leave = () => {}
  const left = new Promise<null>((resolve) => {
    leave = () => resolve(null)
  })
  underWay.add(leave)
  try {
    return await Promise.race([read, left])
  } finally {
    underWay.delete(leave)
  }
}

/** Resolves when no load of the standing screen is under way any more. */
export async function loadsGaveWay(router: DataRouter): Promise<void> {
  for (const leave of [...underWay]) leave()
  // The router ends by itself what a form or a link of a page is in the way of.
  const isOver = () => router.state.navigation.state !== 'idle' || router.state.revalidation === 'idle'
  if (isOver()) return
  await new Promise<void>((resolve) => {
    const stop = router.subscribe(() => {
      if (!isOver()) return
      stop()
      resolve()
    })
  })
}

export function leadsElsewhere(results: Results): boolean {
  return Object.values(results).some(({ result }) => result instanceof Response && isRedirect(result.status))
}

/** What is there, as if it had been read again. */
export function standingIn({ state: { matches, loaderData } }: DataRouter): Results {
  const read = matches.filter(({ route }) => Object.hasOwn(loaderData, route.id))
  return Object.fromEntries(
    read.map(({ route }) => [route.id, { type: 'data', result: loaderData[route.id] }]),
  )
}

const isRedirect = (status: number) => status >= 300 && status < 400
