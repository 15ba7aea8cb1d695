/** The frame of every screen behind sign-in. */
import { useContext, useEffect, useSyncExternalStore } from 'react'
import {
  type LoaderFunctionArgs,
  Outlet,
  type ShouldRevalidateFunctionArgs,
  UNSAFE_DataRouterContext,
  useLoaderData,
} from 'react-router'
import { requireUser } from '#app/server/guard.ts'
import { placesWithCounts } from '#app/server/waiting.ts'
import { openCalls } from '#db/queries/colleagues.ts'
import { sites } from '#db/queries/sites.ts'
import { KeyLayer } from '../keys/key-layer.tsx'
import { KeySheet, Palette } from '../keys/palette.tsx'
import { oldSinceMs, watchLoads } from '../live/failed-load.ts'
import { isLiveLoad } from '../live/is-live-load.ts'
import { connectionState, watchConnection } from '../live/live-connection.ts'
import { useScreensAtHand } from '../live/screens-at-hand.ts'
import { isActing } from '../live/use-live.ts'
import { useWaiting } from '../live/use-waiting.ts'
import { t, wordFor } from '../strings/words.ts'
import { CalledIn } from '../ui/called-in.tsx'
import { DepartmentClock } from '../ui/department-clock.tsx'
import { Banner } from '../ui/messages.tsx'
import { ScanAnywhere } from '../ui/scan-anywhere.tsx'
import { TopBar, useOfflineTime } from '../ui/top-bar.tsx'

export async function loader(args: LoaderFunctionArgs) {
  const signedIn = await requireUser(args)
  const { person, server } = signedIn
  const { department, isDemo } = server
  const [places, calls, own, now, { rate }] = await Promise.all([
    placesWithCounts(signedIn),
    openCalls(department.sql, person.id),
    sites(department.sql, person.sites),
    department.now(),
    department.clock(),
  ])
  const [role] = person.roles
  return {
    person: {
      id: person.id,
      name: person.name,
      role: role ? wordFor('role', role) : '',
      scans: person.roles.includes('technologist'),
    },
    calls,
    places: places.map(({ id, path, word, waiting, late }) => ({ id, path, word: t(word), waiting, late })),
    counted: [
      ...new Set(
        places.flatMap(({ kinds = [], topics = [] }) => [...kinds.map((kind) => `list:${kind}`), ...topics]),
      ),
    ],
    time: {
      at: new Date().toISOString(),
      departmentNow: now.toISOString(),
      rate,
      zone: own[0]?.zone ?? 'UTC',
    },
    isDemo,
  }
}

// A draft that was saved changes no count, and the bar listens to news itself.
export function shouldRevalidate(args: ShouldRevalidateFunctionArgs) {
  if (isLiveLoad(args) || args.formData?.get('intent') === 'save') return false
  return args.defaultShouldRevalidate
}

export default function Shell() {
  const { person, calls, places: loaded, counted, time } = useLoaderData<typeof loader>()
  const places = useWaiting(loaded, counted)
  useScreensAtHand([...places.map(({ path }) => path), '/orders'])
  return (
    <DepartmentClock time={time}>
      <KeyLayer scanner={person.scans}>
        <div className="shell">
          <a className="skip-link" href="#content">
            {t('app.skip')}
          </a>
          <TopBar places={places} person={person} />
          <div className="banners">
            <OldBanner />
            <CalledIn calls={calls} />
            {person.scans ? <ScanAnywhere /> : null}
          </div>
          <Outlet />
          <Palette places={places} />
          <KeySheet />
        </div>
      </KeyLayer>
    </DepartmentClock>
  )
}

/** How old the screen is, when it cannot be read again: the connection is gone, or what the screen needs does not answer. */
function OldBanner() {
  const timeOf = useOfflineTime()
  const offline = useSyncExternalStore(
    watchConnection,
    () => {
      const connection = connectionState(Date.now())
      return connection.state === 'offline' ? connection.since : null
    },
    () => null,
  )
  const old = useSyncExternalStore(watchLoads, oldSinceMs, () => null)
  useAskAgain(old !== null)
  if (offline !== null)
    return (
      <Banner bad what={t('banner.offline', { time: timeOf(offline) })} still={t('banner.offline-still')} />
    )
  if (old === null) return null
  return <Banner what={t('error.as-of', { time: timeOf(old) })} still={t('error.as-of-still')} />
}

const AGAIN_MS = 5_000

/** A screen that hears of no news is asked for as well, once nobody's act is on its way. */
function useAskAgain(isOld: boolean): void {
  const router = useContext(UNSAFE_DataRouterContext)?.router
  useEffect(() => {
    if (!isOld || !router) return
    const timer = setInterval(() => {
      if (!isActing(router)) void router.revalidate()
    }, AGAIN_MS)
    return () => clearInterval(timer)
  }, [isOld, router])
}
