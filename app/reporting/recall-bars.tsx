/** Signed and not yet out: the clock runs in the bar, nothing blocks the next case. */
import { useFetcher } from 'react-router'
import { t } from '../strings/words.ts'
import { useDepartmentNow, useDepartmentRate, useZone } from '../ui/department-clock.tsx'
import { clockTime } from '../ui/format.ts'
import { UndoBar } from '../ui/messages.tsx'

interface Recallable {
  reportId: string
  version: number
  accession: string
  signedAt: Date
  recallUntil: Date
}

export function RecallBars({ versions }: { versions: Recallable[] }) {
  const zone = useZone()
  const now = useDepartmentNow('second')
  const rate = useDepartmentRate()
  const fetcher = useFetcher()
  const open = versions.filter(({ recallUntil }) => recallUntil > now)
  return open.map(({ reportId, version, accession, signedAt, recallUntil }) => (
    <UndoBar
      key={reportId}
      word={t('room.recall')}
      done={t('room.signed', { accession, time: clockTime(signedAt, zone, { seconds: true }) })}
      untilMs={Date.now() + (recallUntil.getTime() - now.getTime()) / rate}
      onUndo={() =>
        void fetcher.submit(
          { intent: 'recall', reportId, version: String(version) },
          { method: 'post', action: '/reading/recall' },
        )
      }
    />
  ))
}
