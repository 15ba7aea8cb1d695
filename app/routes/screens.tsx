/** The inside of the frame: a screen that cannot be shown says so there, and the places, the search and the clock stay. */
import { useContext, useEffect, useState } from 'react'
import { Outlet, UNSAFE_DataRouterContext, useRevalidator, useRouteError } from 'react-router'
import { standsIn } from '../live/standing-screen.ts'
import { t } from '../strings/words.ts'
import { Button } from '../ui/button.tsx'
import { useDepartmentNow, useZone } from '../ui/department-clock.tsx'
import { FaultWords, isMissing } from '../ui/fault-words.tsx'
import { clockTime } from '../ui/format.ts'
import { Screen } from '../ui/screen.tsx'

export default function Screens() {
  const router = useContext(UNSAFE_DataRouterContext)?.router
  useEffect(() => {
    standsIn(router)
    return () => standsIn(undefined)
  }, [router])
  return <Outlet />
}

export function ErrorBoundary() {
  const error = useRouteError()
  const again = useRevalidator()
  const [zone, now] = [useZone(), useDepartmentNow()]
  // When it failed, not how long somebody has looked at it.
  const [failedAt] = useState(now)
  const tryAgain = () => void again.revalidate()
  return isMissing(error) ? (
    <Screen label={t('error.not-found')} className="fault" keys={[]}>
      <FaultWords error={error} />
    </Screen>
  ) : (
    <Screen
      label={t('error.title')}
      className="fault"
      keys={[{ chord: 'R', word: t('error.try-again'), where: 'outside-text', run: tryAgain }]}
    >
      <FaultWords error={error}>
        <Button look="primary" chord="R" busy={again.state !== 'idle'} onClick={tryAgain}>
          {t('error.try-again')}
        </Button>
      </FaultWords>
      <p className="fault-tell small text-3">{t('error.tell', { time: clockTime(failedAt, zone) })}</p>
    </Screen>
  )
}
