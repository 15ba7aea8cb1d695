/** A screen that is there stays there: what cannot be read again is kept as it was read, and an act that got no answer is refused in words. */
import { type DataStrategyResult, isRouteErrorResponse, type MiddlewareFunction } from 'react-router'
import { t } from '../strings/words.ts'
import { failedLoads, noteFailedLoad, noteGoodLoad } from './failed-load.ts'
import { leadsElsewhere, loadsGaveWay, readUnlessLeft, standingIn } from './giving-way.ts'
import type { DataRouter } from './page-asked.ts'

type Results = Record<string, DataStrategyResult>
type Loaded = DataRouter['state']['loaderData']

let router: DataRouter | undefined

/** The router of the page, as its frame knows it. */
export function standsIn(one: DataRouter | undefined): void {
  router = one
}

/** For the route around everything. */
export const keepScreenStanding: MiddlewareFunction<Results> = async ({ request }, next) => {
  const before = failedLoads()
  const { pathname, search } = new URL(request.url)
  const isAsked = ({ pathname: path }: { pathname: string }) => path === pathname
  const isAgain =
    router?.state.navigation.state === 'idle' &&
    isAsked(router.state.location) &&
    search === router.state.location.search
  const results = await (isAgain && request.method === 'GET' ? readUnlessLeft(next()) : next())
  if (results === null) return router ? standingIn(router) : {}
  if (!router || request.signal.aborted) return results
  if (request.method !== 'GET') {
    if (leadsElsewhere(results)) await loadsGaveWay(router)
    return answered(results)
  }
  const { location, loaderData, navigation } = router.state
  if (!isAsked(location) && !(navigation.location && isAsked(navigation.location))) return without(results)
  // Another page, or another view of this one, is no screen that is there; only the frame around it is.
  if (!isAsked(location) || search !== location.search) return frameStanding(results, loaderData)
  const kept = stillStanding(results, loaderData)
  if (kept === results) noteGoodLoad(before)
  else noteFailedLoad()
  return kept
}

/** The results with what failed as it was; the same object when nothing did, or when something of it was never read. */
export function stillStanding(results: Results, loaded: Loaded): Results {
  const failed = Object.entries(results).filter(([, result]) => isFault(result))
  if (failed.length === 0 || failed.some(([id]) => !Object.hasOwn(loaded, id))) return results
  return {
    ...results,
    ...Object.fromEntries(failed.map(([id]) => [id, { type: 'data', result: loaded[id] } as const])),
  }
}

const FRAME = ['root', 'routes/shell']

/** A page that fails says so inside of the frame, which is what it was. */
export function frameStanding(results: Results, loaded: Loaded): Results {
  const frame = Object.entries(results).filter(([id]) => FRAME.includes(id))
  return { ...results, ...stillStanding(Object.fromEntries(frame), loaded) }
}

/** What a part of a screen asked for beside it, and did not get: the part does without. */
export function without(results: Results): Results {
  return Object.fromEntries(
    Object.entries(results).map(([id, result]) => [
      id,
      isFault(result) ? { type: 'data', result: null } : result,
    ]),
  )
}

/** In place of a fault the words of a refusal, where its screen shows them. */
export function answered(results: Results): Results {
  return Object.fromEntries(
    Object.entries(results).map(([id, result]) => [
      id,
      isFault(result)
        ? { type: 'data', result: { ok: false, code: 'unknown', sentence: t('error.no-answer') } }
        : result,
    ]),
  )
}

// A redirect and a page that isn't there are answers.
function isFault({ type, result }: DataStrategyResult): boolean {
  return type === 'error' && !(result instanceof Response) && !isRouteErrorResponse(result)
}
