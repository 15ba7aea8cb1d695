/** Signed and not yet out: the clock runs in the bar, nothing blocks the next case. */
import { useFetcher } from 'react-router'
import type { RecallableVersion } from '#db/queries/reading-room.ts'
import { t } from '../strings/words.ts'
import { useDepartmentNow, useDepartmentRate, useZone } from '../ui/department-clock.tsx'
import { clockTime } from '../ui/format.ts'
import { ErrorLine, UndoBar } from '../ui/messages.tsx'

type Answer = { ok: true } | { ok: false; sentence: string }

export function RecallBars({ versions }: { versions: RecallableVersion[] }) {
  const zone = useZone()
  const now = useDepartmentNow('second')
  const rate = useDepartmentRate()
  const recalling = useFetcher<Answer>()
  const refused = recalling.state === 'idle' && recalling.data?.ok === false ? recalling.data.sentence : null
  // The newest last: Alt Z takes back what was done last.
  const open = versions.filter(({ recallUntil }) => recallUntil > now).reverse()
  return (
    <div className="recall-bars">
      {refused ? <ErrorLine>{refused}</ErrorLine> : null}
      {recalling.state === 'idle' && recalling.data?.ok ? (
        <p className="small text-2" role="status">
          {t('room.recalled')}
        </p>
      ) : null}
      {open.map(({ reportId, version, accession, signedAt, recallUntil }) => (
        <UndoBar
          key={reportId}
          word={t('room.recall')}
          done={t('room.signed', { accession, time: clockTime(signedAt, zone, { seconds: true }) })}
          untilMs={Date.now() + (recallUntil.getTime() - now.getTime()) / rate}
          onUndo={() =>
            void recalling.submit(
              { intent: 'recall', reportId, version: String(version) },
              { method: 'post', action: '/reading' },
            )
          }
        />
      ))}
    </div>
  )
}
