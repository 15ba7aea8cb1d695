/** Somebody is called in: said on whatever screen they are at, until they answer. */
import { useContext, useEffect, useState } from 'react'
import { Link, UNSAFE_DataRouterContext } from 'react-router'
import type { OpenCall } from '#db/queries/colleagues.ts'
import { listenTo } from '../live/live-connection.ts'
import { pacedLoads } from '../live/paced-loads.ts'
import { pageAskedMs } from '../live/page-asked.ts'
import { t, wordFor } from '../strings/words.ts'
import { Button } from './button.tsx'
import { useZone } from './department-clock.tsx'
import { clockTime } from './format.ts'
import { Glyph } from './glyph.tsx'

/** As JSON carries it. */
export type ShownCall = Omit<OpenCall, 'askedAt' | 'dueAt'> & { askedAt: string | Date }

export function CalledIn({ calls: loaded }: { calls: ShownCall[] }) {
  const { calls, again } = useCalls(loaded)
  const zone = useZone()
  const [first] = calls
  if (!first) return null
  async function say(said: 'coming' | 'cannot'): Promise<void> {
    const body = new URLSearchParams({ callId: first!.callId, answer: said })
    await fetch('/called-in', { method: 'post', body })
    again()
  }
  const work = {
    work: wordFor('work', first.kind),
    procedure: first.procedure ?? '',
    accession: first.accession ?? '',
  }
  return (
    <div className="banner called-in" role="alert">
      <Glyph name="look" />
      <span>
        <b className="strong">
          {t('call.in', { name: first.askedBy, time: clockTime(new Date(first.askedAt), zone) })}
        </b>{' '}
        {t('call.work', work)}
        {calls.length > 1 ? ` +${calls.length - 1}` : ''}
      </span>
      <Button onClick={() => void say('coming')}>{t('call.coming')}</Button>
      <Button look="quiet" onClick={() => void say('cannot')}>
        {t('call.cannot')}
      </Button>
      {first.orderId ? (
        <Link className="link" to={`/orders/${first.orderId}`}>
          {t('call.open')}
        </Link>
      ) : null}
    </div>
  )
}

function useCalls(loaded: ShownCall[]): { calls: ShownCall[]; again: () => void } {
  const [told, setTold] = useState<{ of: ShownCall[]; calls: ShownCall[] } | null>(null)
  const [asked, setAsked] = useState(0)
  const router = useContext(UNSAFE_DataRouterContext)?.router
  useEffect(() => {
    if (!router) return
    const loads = pacedLoads({
      async load() {
        const response = await fetch('/called-in')
        if (response.status >= 500) throw new Error(`/called-in answered ${response.status}`)
        if (response.ok && !response.redirected) setTold({ of: loaded, calls: await response.json() })
      },
    })
    const stop = listenTo(['call-ins'], pageAskedMs(router), loads.ask)
    if (asked > 0) loads.ask()
    return () => {
      stop()
      loads.stop()
    }
  }, [loaded, router, asked])
  return { calls: told?.of === loaded ? told.calls : loaded, again: () => setAsked((n) => n + 1) }
}
