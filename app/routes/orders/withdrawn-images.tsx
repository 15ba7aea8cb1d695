/** What was withdrawn of an order's images, by whom and why, and the way back for those who may. */
import { useState } from 'react'
import { useFetcher } from 'react-router'
import type { StandingRejection } from '#db/queries/rejections.ts'
import { t, wordFor } from '../../strings/words.ts'
import { Button } from '../../ui/button.tsx'
import { useZone } from '../../ui/department-clock.tsx'
import { timeOrDay } from '../../ui/format.ts'
import { ErrorLine } from '../../ui/messages.tsx'
import { ReasonWords } from '../../ui/reason-picker.tsx'
import { SecondPerson } from './second-person.tsx'

interface WithdrawnImagesProps {
  withdrawn: readonly StandingRejection[]
  mayRevoke: boolean
  now: Date
}

export function WithdrawnImages({ withdrawn, mayRevoke, now }: WithdrawnImagesProps) {
  const zone = useZone()
  if (withdrawn.length === 0) return null
  return (
    <section>
      <h2 className="strong">{t('timeline.withdrawn')}</h2>
      <ul className="stack">
        {withdrawn.map((rejection) => (
          <li key={rejection.id}>
            <b className="risk">{wordFor('rejection', rejection.code)}</b>{' '}
            {t('timeline.withdrawn-count', { n: rejection.instances })}
            <p className="small text-3">
              {rejection.by} · {timeOrDay(rejection.at, zone, now)}
              {rejection.words ? ` · ${rejection.words}` : null}
            </p>
            {mayRevoke ? <BringBack rejection={rejection} /> : null}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Withdrawn for patient safety, they come back on the word of two. */
const BY_TWO = '113037'

function BringBack({ rejection }: { rejection: StandingRejection }) {
  const [isOpen, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const acting = useFetcher<{ ok: true } | { ok: false; sentence: string }>()
  const refused = acting.state === 'idle' && acting.data && !acting.data.ok ? acting.data.sentence : null
  if (!isOpen) return <Button onClick={() => setOpen(true)}>{t('timeline.bring-back')}</Button>
  return (
    <acting.Form method="post" className="stack">
      <input type="hidden" name="intent" value="bring-back" />
      <input type="hidden" name="rejectionId" value={rejection.id} />
      <input type="hidden" name="reason" value={reason} />
      <ReasonWords value={reason} required onChange={setReason} />
      {rejection.code === BY_TWO ? <SecondPerson /> : null}
      {refused ? <ErrorLine>{refused}</ErrorLine> : null}
      <Button type="submit" busy={acting.state !== 'idle'}>
        {t('timeline.bring-back')}
      </Button>
    </acting.Form>
  )
}
