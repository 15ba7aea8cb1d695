/** A person's screens are in the browser's cache before they are wanted: going to one while the server is away must not end in the browser's own error page. */
import { useEffect } from 'react'

/** What React Router tells the browser of each route. */
interface RouteAssets {
  path?: string
  module: string
  imports?: string[]
  css?: string[]
}

/** Long after what is looked at has come: this is for later. */
const AFTER_MS = 10_000

/** @param paths of the person's places; what is below them (an order, a case) comes with them */
export function useScreensAtHand(paths: readonly string[]): void {
  const key = paths.join(' ')
  useEffect(() => {
    const timer = setTimeout(() => {
      const { routes } = (window as { __reactRouterManifest?: { routes: Record<string, RouteAssets> } })
        .__reactRouterManifest ?? { routes: {} }
      // Whatever does not come now comes when it is wanted.
      for (const file of filesOf(Object.values(routes), key.split(' ')))
        void fetch(file, { priority: 'low', cache: 'force-cache' }).catch(() => {})
    }, AFTER_MS)
    return () => clearTimeout(timer)
  }, [key])
}

/** Of the routes at or below these paths, each file once. */
export function filesOf(routes: readonly RouteAssets[], paths: readonly string[]): Set<string> {
  const wanted = new Set(paths.map(firstPart))
  const theirs = routes.filter(({ path }) => path !== undefined && wanted.has(firstPart(path)))
  return new Set(theirs.flatMap(({ module, imports = [], css = [] }) => [module, ...imports, ...css]))
}

const firstPart = (path: string) => path.replace(/^\//, '').split('/')[0]
